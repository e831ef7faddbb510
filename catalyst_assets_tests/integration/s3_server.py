"""An S3 server on loopback, and what somebody else sees of the bucket that tests use."""

import os
from typing import Any

BUCKET = "discovery"
PREFIX = "some/prefix"
URL = f"s3://{BUCKET}/{PREFIX}"
SECRET = "secret-of-the-bucket"


def variables(endpoint: str) -> dict[str, str]:
    """Return the variables by which any AWS client asks the server at ``endpoint``."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def keys_of(client: Any) -> list[str]:
    """Return every key in the bucket."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [found["Key"] for page in pages for found in page.get("Contents", [])]


def uploads_of(client: Any) -> list[str]:
    """Return the keys of uploads in parts that were neither completed nor given up."""
    found = client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return [upload["Key"] for upload in found]
