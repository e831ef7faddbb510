"""What steps print, in the bucket, by dagster-aws: written where the step runs, read wherever Dagster's pages are served."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
from botocore.config import Config
from dagster._core.storage.local_compute_log_manager import IO_TYPE_EXTENSION
from dagster_aws.s3 import S3ComputeLogManager

from resources.bucket.clients import CLIENT_OPTIONS

if TYPE_CHECKING:
    from dagster._config.config_schema import UserConfigSchema
    from dagster._core.storage.compute_log_manager import ComputeIOType
    from dagster._serdes import ConfigurableClassData

_UPLOAD_SECONDS: Final = 30


class BucketComputeLogs(S3ComputeLogManager):
    """dagster-aws's logs in S3, which a person reads through Dagster's own server.

    Parameters
    ----------
    bucket, prefix
        Where they lie.
    local_dir
        Where a step's output is gathered until it is uploaded, every half minute and when it ends.
    """

    def __init__(
        self, bucket: str, prefix: str, local_dir: str, inst_data: "ConfigurableClassData | None" = None
    ) -> None:
        super().__init__(
            bucket,
            local_dir,
            inst_data,
            prefix,
            # A sensor that looks each second and has nothing to say writes nothing.
            skip_empty_files=True,
            upload_interval=_UPLOAD_SECONDS,
        )
        self._s3_session = boto3.client("s3", config=Config(**CLIENT_OPTIONS))

    @classmethod
    def config_type(cls) -> "UserConfigSchema":
        """Return what `dagster.yaml` may say: places, and nothing of credentials."""
        return {"bucket": str, "prefix": str, "local_dir": str}

    @classmethod
    def from_config_value(
        cls, inst_data: "ConfigurableClassData | None", config_value: Mapping[str, Any]
    ) -> Self:
        """Open them; nothing is asked of the bucket yet."""
        return cls(**config_value, inst_data=inst_data)

    def download_url_for_type(self, log_key: Sequence[str], io_type: "ComputeIOType") -> str | None:
        """Return the path on Dagster's own server.

        dagster-aws gives a signed URL of the bucket instead: it opens for whoever has it, and carries the session
        token of a role.
        """
        if not self.is_capture_complete(log_key):
            return None
        return "/".join(["/logs", *log_key, IO_TYPE_EXTENSION[io_type]])
