"""A connection to S3 that breaks in the middle of an object: the whole object or none, and no parts that stay."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalyst_assets.errors import CatalystError
from catalyst_assets_tests.cutting_proxy import CuttingProxy, cutting_proxy
from catalyst_assets_tests.integration.s3_server import BUCKET, PREFIX, URL, keys_of, uploads_of
from resources.object_store import ObjectStore

MIB = 1024**2
KEY = "raw/ab/large"
# Parts of 8, 8 and 3 MiB.
DATA = os.urandom(MIB) * 19


@pytest.fixture
def proxy(s3_endpoint: str, bucket_client: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[CuttingProxy]:
    """What the platform takes for the server; ``bucket_client`` asks the server itself."""
    import s3fs

    with cutting_proxy(s3_endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        s3fs.S3FileSystem.clear_instance_cache()
        yield proxy
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that goes to S3 in three parts."""
    path = tmp_path / "large"
    path.write_bytes(DATA)
    return path


@pytest.mark.parametrize("spared", [0, 1])
def test_a_part_that_breaks_off_is_sent_again(
    proxy: CuttingProxy, bucket_client: Any, file: Path, spared: int
) -> None:
    proxy.after_bytes, proxy.spared, proxy.left = 4 * MIB, spared, 1

    ObjectStore(URL).put_file(KEY, file)

    assert proxy.cut == 1
    found = bucket_client.get_object(Bucket=BUCKET, Key=f"{PREFIX}/{KEY}")
    assert found["ETag"].strip('"').endswith("-3")
    assert found["Body"].read() == DATA
    assert uploads_of(bucket_client) == []


def test_a_line_that_breaks_each_time_leaves_no_object_and_no_parts(
    proxy: CuttingProxy, bucket_client: Any, file: Path
) -> None:
    proxy.after_bytes, proxy.spared, proxy.left = 4 * MIB, 1, 1000

    with pytest.raises(CatalystError, match=f"Cannot write {KEY} to the object store {URL}") as caught:
        ObjectStore(URL).put_file(KEY, file)

    assert "AWS_ENDPOINT_URL" in caught.value.remedy
    assert proxy.cut > 1
    assert keys_of(bucket_client) == []
    assert uploads_of(bucket_client) == []
    assert not ObjectStore(URL).exists(KEY)


def test_what_was_there_stays_when_writing_it_anew_breaks_off(
    proxy: CuttingProxy, bucket_client: Any, file: Path
) -> None:
    ObjectStore(URL).put_bytes(KEY, b"whole")
    proxy.after_bytes, proxy.left = 4 * MIB, 1000

    with pytest.raises(CatalystError, match="Cannot write"):
        ObjectStore(URL).put_file(KEY, file)

    assert ObjectStore(URL).get_bytes(KEY) == b"whole"
    assert uploads_of(bucket_client) == []


def test_what_breaks_off_while_it_is_read_is_read_again(proxy: CuttingProxy, bucket_client: Any) -> None:
    ObjectStore(URL).put_bytes(KEY, DATA)
    proxy.direction, proxy.after_bytes, proxy.left = "from", 4 * MIB, 1

    assert ObjectStore(URL).get_bytes(KEY) == DATA
    assert proxy.cut == 1
    proxy.left = 1
    with ObjectStore(URL).open(KEY) as file:
        assert file.read() == DATA
    assert proxy.cut == 2


def test_a_download_that_breaks_each_time_is_an_error(proxy: CuttingProxy, bucket_client: Any) -> None:
    ObjectStore(URL).put_bytes(KEY, DATA)
    proxy.direction, proxy.after_bytes, proxy.left = "from", 4 * MIB, 1000

    with pytest.raises(CatalystError, match=f"Cannot read {KEY} from the object store {URL}"):
        ObjectStore(URL).get_bytes(KEY)
