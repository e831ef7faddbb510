"""How our clients ask S3, and which variables tell a service where it is and who asks.

Nothing of credentials is kept or shown: each client finds them as every AWS client does.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

from catalyst_assets.errors import CatalystError
from resources.settings import Settings

_START_SECONDS: Final = 60.0
# A bucket that is away is an error within a minute or two, not a run that hangs.
CLIENT_OPTIONS: Final[dict[str, Any]] = {
    "connect_timeout": 10,
    "read_timeout": 60,
    "retries": {"mode": "standard", "total_max_attempts": 3},
}


def bucket_environment(settings: Settings) -> dict[str, str]:
    """Return the variables of this process by which AWS clients find endpoint and credentials.

    They are for programs that read or write the bucket; there are none where nothing lies in one.
    """
    if not settings.uses_bucket:
        return {}
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}


def require_bucket(settings: Settings) -> None:
    """Refuse to start on a bucket that is not there or not ours; nothing is asked where objects lie in a folder.

    Raises
    ------
    CatalystError
        It does not exist, nobody answers, or the credentials are none or wrong.
    """
    if settings.bucket is not None:
        name, _ = settings.bucket
        with _explained(name):
            _client().head_bucket(Bucket=name)


def make_bucket(settings: Settings) -> None:
    """Make the bucket if it is not there; nothing is asked where objects lie in a folder.

    A server that starts at the same time is waited for.

    Raises
    ------
    CatalystError
        Nobody answers for a minute, the credentials are none or wrong, or it is somebody else's.
    """
    if settings.bucket is None:
        return
    from botocore.exceptions import ClientError
    from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

    name, _ = settings.bucket
    waiting = Retrying(
        retry=retry_if_exception(_may_come_up),
        stop=stop_after_delay(_START_SECONDS),
        wait=wait_fixed(1),
        reraise=True,
    )
    with _explained(name):
        client = _client()
        try:
            waiting(client.head_bucket, Bucket=name)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
                raise
            region = client.meta.region_name
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html: the first region is not named.
            where = (
                {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            )
            client.create_bucket(Bucket=name, **where)


def _may_come_up(error: BaseException) -> bool:
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] >= HTTPStatus.INTERNAL_SERVER_ERROR)
    return isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError)


def _client() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(**CLIENT_OPTIONS))


@contextmanager
def _explained(name: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise CatalystError(
            f"The bucket {name} cannot be used: {str(error).rstrip('.')}.",
            "Make it, or check CATALYST_OBJECT_STORE, the endpoint (AWS_ENDPOINT_URL), the region and the credentials.",
        ) from error
