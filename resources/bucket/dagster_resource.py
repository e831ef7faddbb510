"""The Dagster resource ``s3``: a client of the bucket for an asset that needs more of S3 than objects by key."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster_aws.s3 import S3Resource


def build_s3_resource() -> "S3Resource":
    """Return dagster-aws's resource without any configuration.

    Endpoint, region and credentials are found by each client as every AWS client finds them, so Dagster's pages have
    none to show. Assets take it as ``s3: S3Resource`` and call ``s3.get_client()``.
    """
    from dagster_aws.s3 import S3Resource

    return S3Resource()
