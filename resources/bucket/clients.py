"""How our clients ask S3, and which variables tell a service where it is and who asks.

Nothing of credentials is kept or shown: each client finds them as every AWS client does.
"""

import os
from typing import Any, Final

from catalyst_assets.errors import CatalystError
from resources.settings import Settings

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
    if settings.bucket is None:
        return
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    name, _ = settings.bucket
    try:
        boto3.client("s3", config=Config(**CLIENT_OPTIONS)).head_bucket(Bucket=name)
    except (BotoCoreError, ClientError) as error:
        raise CatalystError(
            f"The bucket {name} cannot be used: {str(error).rstrip('.')}.",
            "Make it, or check CATALYST_OBJECT_STORE, the endpoint (AWS_ENDPOINT_URL), the region and the credentials.",
        ) from error
