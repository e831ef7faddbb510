"""Bytes by key in an S3 server on loopback, and what happens when it, or a writer, is gone."""

import io
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from catalyst_assets.errors import CatalystError
from catalyst_assets.ingestion.raw_cache import open_raw, raw_key
from catalyst_assets.ingestion.reference_tables.source import ReferenceTables
from catalyst_assets.ingestion.sources.refreshing import refresh
from catalyst_assets.validation.submissions.folder import ResultsFolder
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.s3_server import URL, keys_of
from catalyst_assets_tests.loading import load
from resources.object_store import ObjectStore
from resources.platform import Platform

MIB = 1024**2


def test_what_is_put_is_found_under_its_key(store: ObjectStore, bucket_client) -> None:
    store.put_bytes("raw/ab/one", b"first")
    store.put_bytes("raw/ab/two", b"")
    store.put_bytes("raw/ab/one", b"second")

    assert store.get_bytes("raw/ab/one") == b"second"
    assert store.get_bytes("raw/ab/two") == b""
    assert store.exists("raw/ab/one")
    assert not store.exists("raw/ab")
    assert not store.exists("raw/ab/three")
    assert list(store.list_keys("raw")) == ["raw/ab/one", "raw/ab/two"]
    assert list(store.list_keys("ra")) == []
    assert keys_of(bucket_client) == ["some/prefix/raw/ab/one", "some/prefix/raw/ab/two"]


def test_what_is_not_there_is_a_key_error(store: ObjectStore) -> None:
    with pytest.raises(KeyError):
        store.get_bytes("raw/none")
    with pytest.raises(KeyError):
        store.open("raw/none")
    assert list(store.list_keys("raw")) == []


def test_a_large_file_is_sent_in_parts_and_read_where_it_is_sought(
    store: ObjectStore, bucket_client, tmp_path: Path
) -> None:
    data = os.urandom(MIB) * 19 + b"end"
    source = tmp_path / "large"
    source.write_bytes(data)

    store.put_file("raw/large", source)

    head = bucket_client.head_object(Bucket="discovery", Key="some/prefix/raw/large")
    assert head["ContentLength"] == len(data)
    assert head["ETag"].strip('"').endswith("-3")  # parts of 8, 8 and 3 MiB
    assert source.exists()
    with store.open("raw/large") as file:
        file.seek(-3, io.SEEK_END)
        assert file.read() == b"end"
        file.seek(MIB - 2)
        assert file.read(4) == data[MIB - 2 : MIB + 2]
        file.seek(0)
        assert file.read() == data


def test_what_another_process_writes_or_removes_is_seen_at_once(store: ObjectStore, bucket_client) -> None:
    store.put_bytes("raw/mine", b"1")
    assert list(store.list_keys("raw")) == ["raw/mine"]
    assert not store.exists("raw/theirs")

    bucket_client.put_object(Bucket="discovery", Key="some/prefix/raw/theirs", Body=b"2")
    bucket_client.delete_object(Bucket="discovery", Key="some/prefix/raw/mine")

    assert list(store.list_keys("raw")) == ["raw/theirs"]
    assert store.exists("raw/theirs")
    assert not store.exists("raw/mine")


@pytest.mark.parametrize("written", [5, 20 * MIB])
def test_a_writer_that_fails_publishes_nothing(store: ObjectStore, bucket_client, written: int) -> None:
    def write() -> None:
        with store._publishing("raw/partial", written) as file:
            file.write(b"x" * written)
            raise RuntimeError("the source broke off")

    with pytest.raises(RuntimeError, match="broke off"):
        write()

    assert keys_of(bucket_client) == []
    assert bucket_client.list_multipart_uploads(Bucket="discovery").get("Uploads", []) == []
    assert not store.exists("raw/partial")


def test_a_writer_that_is_killed_publishes_nothing(store: ObjectStore, bucket_client) -> None:
    program = (
        "from resources.object_store import ObjectStore\n"
        f"with ObjectStore({URL!r})._publishing('raw/killed', {100 * MIB}) as file:\n"
        f"    file.write(b'x' * {20 * MIB})\n"
        "    print('half', flush=True)\n"
        "    import time; time.sleep(60)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "half\n"
    assert len(bucket_client.list_multipart_uploads(Bucket="discovery")["Uploads"]) == 1
    writer.kill()
    writer.wait()
    writer.stdout.close()

    assert keys_of(bucket_client) == []
    store.put_bytes("raw/killed", b"whole")
    assert store.get_bytes("raw/killed") == b"whole"


def test_a_process_that_was_forked_reads_and_writes(store: ObjectStore) -> None:
    # In a process that runs nothing else: the threads of a test run may hold locks that its copy never gets.
    program = (
        "import multiprocessing\n"
        "from resources.object_store import ObjectStore\n"
        f"store = ObjectStore({URL!r})\n"
        "store.put_bytes('raw/parent', b'1')\n"
        "with multiprocessing.get_context('fork').Pool(1) as pool:\n"
        "    assert pool.apply(store.get_bytes, ['raw/parent']) == b'1'\n"
        "    pool.apply(store.put_bytes, ['raw/child', b'2'])\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
    assert store.get_bytes("raw/child") == b"2"


def test_an_endpoint_where_nobody_answers_is_an_error_that_says_so(
    s3_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    store = ObjectStore(URL)
    started = time.monotonic()

    for ask in (
        lambda: store.get_bytes("raw/one"),
        lambda: store.exists("raw/one"),
        lambda: store.put_bytes("raw/one", b"1"),
    ):
        with pytest.raises(CatalystError, match=endpoint) as caught:
            ask()
        assert "AWS_ENDPOINT_URL" in caught.value.remedy
    assert time.monotonic() - started < 60


def test_a_bucket_that_is_not_there_is_an_error_when_written_to(s3_environment: None) -> None:
    store = ObjectStore("s3://nobody-made-this/prefix")
    with pytest.raises(CatalystError, match="bucket does not exist"):
        store.put_bytes("raw/one", b"1")
    assert not store.exists("raw/one")


def test_a_reference_table_goes_through_a_raw_cache_on_s3(
    platform: Platform, store: ObjectStore, bucket_client
) -> None:
    platform.objects = store
    refreshed = refresh(ReferenceTables(), platform.database, store)
    settled = load(platform)

    assert (settled.new, settled.quarantined) == (255, 0)
    (sha256,) = refreshed.sha256.values()
    assert f"some/prefix/{raw_key(sha256)}" in keys_of(bucket_client)
    with open_raw(store, sha256) as file:
        assert file.readline().startswith(b"A,B,anion")
    assert refresh(ReferenceTables(), platform.database, store).fetched == 0


def test_files_of_results_are_taken_from_a_prefix(
    store: ObjectStore, platform: Platform, campaign: ReviewedCampaign
) -> None:
    campaign.rank(0, ["demo:1"], ["SrTiO3"])
    store.put_bytes("good.csv", b"formula,band_gap_direct [eV],method\nSrTiO3,1.9,PBE\n")
    folder = ResultsFolder(URL)
    assert [file.name for file in folder.list_waiting()] == ["good.csv"]
    folder.take(platform, "good.csv")
    assert [file.key for file in store.list_files(2)] == [
        "accepted/good.csv",
        "accepted/good.csv.accepted.json",
    ]
    assert folder.list_waiting() == []
