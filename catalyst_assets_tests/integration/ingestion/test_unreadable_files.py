"""No raw file, whatever is in it, keeps others from loading or fails a command that did not ask for it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from catalyst_assets.ingestion.oc20.mapping import MappingParser
from catalyst_assets.ingestion.oc20.spec import LICENCE, NAME
from catalyst_assets.ingestion.raw_cache import RawFile, RawRequest, store_raw
from catalyst_assets.ingestion.shards import batch_shards, plan_shards
from catalyst_assets_tests.loading import load, query
from catalyst_assets_tests.oc20_loading import fetch, write_mapping
from resources.platform import Platform
from resources.settings import Settings

KINDS = ("oc20_mapping", "oc20_relaxations", "oc20_s2ef", "oc20_energies", "oc20_aselmdb", "optimade_page")


def keep(platform: Platform, data: bytes, kind: str = MappingParser.kind, source: str = NAME) -> None:
    request = RawRequest(source, f"file:///{kind}/{len(data)}", kind, LICENCE, {"properties": {}})
    store_raw(platform.database, platform.objects, request, data)


def statuses(platform: Platform) -> list[tuple[Any, ...]]:
    return query(platform, "SELECT url, parse_status FROM raw_files ORDER BY raw_file_id")


@pytest.mark.parametrize("rows", [[0], [0, 0], [0, 5], [5, 0], [40, 0, 40]])
def test_shards_without_rows_are_batched_like_others(platform: Platform, rows: list[int]) -> None:
    shards = [{"raw_file_id": i, "start": 0, "stop": n, "duplicates": []} for i, n in enumerate(rows)]
    batches = batch_shards(shards, platform.settings)
    assert [shard for batch in batches for shard in batch] == shards
    assert all(batches)


@pytest.mark.parametrize(
    "data", [b"{}", b"[]", b"", b"{", b"\x00" * 100, b"[" * 100_000, b"drwxr-xr-x 2 .\n"]
)
def test_a_file_of_no_rows_or_of_rubbish_keeps_no_other_waiting(
    platform: Platform, tmp_path: Path, data: bytes
) -> None:
    keep(platform, data)
    fetch(platform, paths=[write_mapping(tmp_path / "good.json", random1={})])

    shards = plan_shards(platform.database, platform.objects, platform.settings)
    assert all(batch_shards(shards, platform.settings))
    load(platform)

    assert query(platform, "SELECT system_id FROM adsorption_systems") == [("random1",)]
    assert "pending" not in dict(statuses(platform)).values()
    assert load(platform).files == 0


@pytest.mark.parametrize("kind", [*KINDS, "of_another_release"])
@pytest.mark.parametrize("data", [b"", b"\x1f\x8b\x08 cut off", b'{"data": []}'])
def test_rubbish_of_any_kind_is_marked_and_passed_over(platform: Platform, kind: str, data: bytes) -> None:
    keep(platform, data, kind)
    load(platform)
    ((_, status),) = statuses(platform)
    assert status in {"failed", "parsed"}


def test_a_reader_that_breaks_within_a_file_fails_that_file_alone(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = MappingParser.read

    def break_down(
        self: MappingParser, raw: RawFile, file: BinaryIO, start: int, stop: int | None
    ) -> Iterator[Mapping[str, Any]]:
        yield from read(self, raw, file, start, stop)
        if raw.url.endswith("bad.json") and stop is not None:
            raise ZeroDivisionError("deep inside")

    monkeypatch.setattr(MappingParser, "read", break_down)
    fetch(
        platform,
        paths=[
            write_mapping(tmp_path / "bad.json", random1={}),
            write_mapping(tmp_path / "good.json", random2={}),
        ],
    )

    settled = load(platform)

    assert (settled.files, settled.unreadable_files) == (2, 1)
    ((note,),) = query(platform, "SELECT parse_note FROM raw_files WHERE parse_status = 'failed'")
    assert "bad.json cannot be read (ZeroDivisionError: 'deep inside')" in note
    assert query(platform, "SELECT system_id FROM adsorption_systems WHERE system_id = 'random2'")


def ingest(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    url = settings.database_url
    assert url is not None
    place = {"CATALYST_HOME": str(settings.home), "CATALYST_DATABASE_URL": url.get_secret_value()}
    command = [sys.executable, "-m", "catalyst_assets.cli", "ingest", *arguments]
    return subprocess.run(command, env=os.environ | place, capture_output=True, text=True, timeout=300)


def test_a_command_answers_for_its_own_files_and_reports_the_others(
    shared_settings: Settings, dagster_instance: object, tmp_path: Path
) -> None:
    (tmp_path / "bad.json").write_text("no mapping")
    write_mapping(tmp_path / "good.json", random1={})
    (tmp_path / "oc20_data_mapping.json").write_text("{}")
    bad = ("oc20", "--path", str(tmp_path / "bad.json"))

    first = ingest(shared_settings, *bad)
    assert first.returncode == 1
    assert "bad.json is no JSON object" in first.stderr

    for name in ("good.json", "oc20_data_mapping.json"):
        other = ingest(shared_settings, "oc20", "--path", str(tmp_path / name), "--json")
        assert other.returncode == 0, other.stderr
        told = json.loads(other.stdout)
        assert told["unreadable"] == []
        assert "bad.json" in told["stand_failed"][0]

    again = ingest(shared_settings, *bad)
    assert again.returncode == 1
    assert "bad.json is no JSON object" in again.stderr
