"""The bucket of tests as the platform sees it."""

from typing import Any

import pytest

from catalyst_assets_tests.integration.s3_server import URL
from resources.object_store import ObjectStore


@pytest.fixture
def store(bucket_client: Any) -> ObjectStore:
    """The object store on the bucket."""
    return ObjectStore(URL)
