"""OPTIMADE from a provider on loopback to rows of the database."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalyst_assets.ingestion.accounting import account_for_rows, find_bad_properties
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.optimade.source import refresh_source
from catalyst_assets.ingestion.optimade.spec import OptimadeConfig
from catalyst_assets.ingestion.raw_cache import current_files
from catalyst_assets.ingestion.sources.refreshing import Refreshed
from catalyst_assets_tests.loading import load, query
from catalyst_assets_tests.optimade_server import (
    SAMPLES,
    OptimadeServer,
    cut_off,
    oqmd_entries,
    serving,
    status,
    web_page,
)
from resources.platform import Platform

GAP = {"property": "band_gap", "unit": "eV", "method": "PBE/PBE+U"}


@pytest.fixture
def server() -> Iterator[OptimadeServer]:
    with serving(oqmd_entries()) as running:
        yield running


@pytest.fixture
def provider(server: OptimadeServer, tmp_path: Path) -> Path:
    return describe(server, tmp_path)


def describe(server: OptimadeServer, folder: Path, **changes: object) -> Path:
    path = folder / "provider.yaml"
    described = {
        "name": "local",
        "base_url": server.base_url,
        "licence": "CC-BY-4.0",
        "increments": False,
        "page_limit": 200,
        "properties": {"_oqmd_band_gap": GAP},
    }
    path.write_text(yaml.safe_dump(described | changes), encoding="utf-8")
    return path


class Patience:
    """Waits for nothing, and remembers for how long it was told to wait."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def fetcher(self, **limits: Any) -> Fetcher:
        return Fetcher(sleep=self.pauses.append, **limits)


def fetch(platform: Platform, provider: Path, fetcher: Fetcher | None = None, **options: Any) -> Refreshed:
    return refresh_source(OptimadeConfig(providers=[str(provider)], **options), platform, fetcher=fetcher)


def gap_of(platform: Platform, material_id: str) -> float:
    ((properties,),) = query(
        platform, "SELECT properties FROM materials WHERE material_id = :name", name=material_id
    )
    (entry,) = properties["band_gap"]
    return float(entry["value"])


def test_a_thousand_oxides_become_materials_with_their_gaps(
    platform: Platform, server: OptimadeServer, provider: Path
) -> None:
    refreshed = fetch(platform, provider)
    settled = load(platform)

    assert (refreshed.fetched, refreshed.failures) == (5, {})
    assert server.pages_asked == [0, 200, 400, 600, 800]
    assert (settled.new, settled.quarantined) == (1000, 0)
    first = server.entries[0]
    ((formula, n_sites, properties),) = query(
        platform,
        "SELECT reduced_formula, n_sites, properties FROM materials WHERE material_id = :name",
        name=f"optimade_local:{first['id']}",
    )
    assert (formula, n_sites) == ("AlCuO2", 4)
    assert properties == {
        "band_gap": [
            {
                "value": first["attributes"]["_oqmd_band_gap"],
                "unit": "eV",
                "method": "PBE/PBE+U",
                "source": "optimade_local",
            }
        ]
    }
    assert query(platform, "SELECT DISTINCT licence FROM material_sources") == [("CC-BY-4.0",)]
    assert [account.problem for account in account_for_rows(platform.database, platform.objects)] == [""] * 5
    assert find_bad_properties(platform.database) == []


def test_a_refresh_with_nothing_new_asks_one_question_and_changes_nothing(
    platform: Platform, server: OptimadeServer, provider: Path
) -> None:
    before = fetch(platform, provider).content_sha256, load(platform).sha256
    server.asked.clear()

    again = fetch(platform, provider)

    assert [asked["page_limit"] for asked in server.asked] == ["1"]
    assert (again.fetched, again.size_bytes) == (0, 0)
    assert (again.content_sha256, load(platform).sha256) == before


def test_a_provider_that_has_grown_is_read_again(
    platform: Platform, server: OptimadeServer, provider: Path
) -> None:
    late = server.entries.pop()
    fetch(platform, provider)
    load(platform)

    server.entries.append(late)
    fetch(platform, provider)

    settled = load(platform)
    assert (settled.new, settled.changed, settled.unchanged) == (1, 0, 999)


def test_trouble_on_the_way_is_waited_out_and_leaves_no_trace(
    platform: Platform, server: OptimadeServer, provider: Path
) -> None:
    server.faults = [None, status(429, Retry_After="17"), status(503), None, web_page, cut_off, None]
    patience = Patience()

    refreshed = fetch(platform, provider, fetcher=patience.fetcher())

    assert refreshed.failures == {}
    assert load(platform).new == 1000
    assert len(current_files(platform.database)) == 5
    assert len(patience.pauses) == 4
    assert patience.pauses[0] == 17
    assert all(0 < pause <= 60 for pause in patience.pauses)


@pytest.mark.parametrize("code", [400, 401, 403, 404])
def test_a_refusal_is_not_repeated(
    platform: Platform, server: OptimadeServer, provider: Path, code: int
) -> None:
    server.faults = [status(code)]

    refreshed = fetch(platform, provider)

    assert f"status {code}" in refreshed.failures["local"]
    assert len(server.asked) == 1


def test_a_provider_that_answers_nothing_but_429_is_given_up(
    platform: Platform, server: OptimadeServer, provider: Path
) -> None:
    server.faults = [status(429, Retry_After="0")] * 50

    refreshed = fetch(platform, provider, fetcher=Patience().fetcher(attempts=5))

    assert "status 429" in refreshed.failures["local"]
    assert len(server.asked) == 5


def test_an_interrupted_refresh_goes_on_with_the_page_it_lacks(
    platform: Platform, server: OptimadeServer, provider: Path
) -> None:
    server.faults = [None, None, None, status(403)]
    assert "403" in fetch(platform, provider).failures["local"]
    assert server.pages_asked == [0, 200, 400]
    server.asked.clear()

    refreshed = fetch(platform, provider)

    assert server.pages_asked == [400, 600, 800]
    assert refreshed.failures == {}
    assert load(platform).new == 1000


def test_a_limit_leaves_the_rest_to_the_next_refresh(
    platform: Platform, server: OptimadeServer, provider: Path
) -> None:
    fetch(platform, provider, most_entries=300)
    assert load(platform).new == 400

    fetch(platform, provider)

    assert load(platform).new == 600
    assert server.pages_asked == [0, 200, 400, 600, 800]


def test_only_what_changed_since_is_asked_for_and_the_newest_word_stands(
    platform: Platform, server: OptimadeServer, tmp_path: Path
) -> None:
    server.entries = server.entries[:50]
    for entry in server.entries:
        entry["attributes"]["last_modified"] = "2020-01-01T00:00:00Z"
    provider = describe(server, tmp_path, increments=True)
    fetch(platform, provider)
    load(platform)
    changed = server.entries[7]
    name = f"optimade_local:{changed['id']}"
    old = gap_of(platform, name)
    changed["attributes"] |= {"last_modified": "2021-06-01T00:00:00Z", "_oqmd_band_gap": old + 1}

    second = fetch(platform, provider)

    assert second.fetched == 1
    assert 'last_modified>"2020-01-01T00:00:00Z"' in server.asked[-1]["filter"]
    settled = load(platform)
    assert (settled.new, settled.changed, settled.unchanged) == (0, 1, 49)
    assert gap_of(platform, name) == old + 1
    for backwards in (False, True):
        load(platform, reparse=True, backwards=backwards)
        assert gap_of(platform, name) == old + 1
    assert {a.problem for a in account_for_rows(platform.database, platform.objects)} == {""}
    server.asked.clear()
    assert fetch(platform, provider).fetched == 0
    assert len(server.asked) == 1


def test_bad_entries_are_set_aside_with_the_field_and_the_others_load(
    platform: Platform, tmp_path: Path
) -> None:
    special = json.loads((SAMPLES / "opt_special_species.json").read_text())
    good, twin, lost, flat = (json.loads(json.dumps(entry)) for entry in oqmd_entries()[:4])
    twin["id"] = good["id"]
    lost["attributes"]["cartesian_site_positions"][0][1] = "NaN"
    flat["attributes"]["dimension_types"] = [1, 1, 0]
    for number, entry in enumerate(special):
        entry["id"] = f"special-{number}"
    entries = [good, twin, lost, flat, "no entry", {"id": "a b", "attributes": {}}, *special]

    with serving(entries) as server:
        fetch(platform, describe(server, tmp_path))
    settled = load(platform)

    assert (settled.new, settled.quarantined) == (1, len(entries) - 1)
    reasons = dict(query(platform, "SELECT record, reason FROM quarantine"))
    assert "already given" in reasons["entry 1"]
    assert "cartesian_site_positions" in reasons["entry 2"]
    assert "dimension_types" in reasons["entry 3"]
    assert reasons["entry 5"].startswith("id: ")
    assert all("species" in reasons[f"entry {6 + number}"] for number in range(len(special)))
    assert [account.problem for account in account_for_rows(platform.database, platform.objects)] == [""]


def test_a_next_page_on_another_host_is_not_followed(
    platform: Platform, server: OptimadeServer, provider: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = server.answer
    monkeypatch.setattr(
        server, "answer", lambda asked: answer(asked) | {"links": {"next": "http://127.0.0.2/steal"}}
    )

    assert "127.0.0.2" in fetch(platform, provider).failures["local"]


def catalyst(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "catalyst_assets.cli", "ingest", "optimade", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_command_killed_during_a_download_goes_on_where_it_was(
    server: OptimadeServer, provider: Path, tmp_path: Path
) -> None:
    options = ["--provider", str(provider), "--home", str(tmp_path / "home"), "--json"]
    reached, released = threading.Event(), threading.Event()

    def stall(_: object) -> None:
        reached.set()
        released.wait(60)

    server.faults = [None, None, None, stall]
    first = catalyst(*options)
    assert reached.wait(60)
    first.kill()
    first.wait()
    released.set()
    assert server.pages_asked == [0, 200, 400]
    server.asked.clear()

    second = catalyst(*options)
    answer, complaint = second.communicate(timeout=120)

    assert second.returncode == 0, complaint
    assert server.pages_asked == [400, 600, 800]
    summary = json.loads(answer)
    assert {name: summary[name] for name in ("fetched", "new", "unchanged", "quarantined")} == {
        "fetched": 3,
        "new": 1000,
        "unchanged": 0,
        "quarantined": 0,
    }
    server.asked.clear()
    again = catalyst("--reparse", *options[2:])
    answer, complaint = again.communicate(timeout=120)
    assert again.returncode == 0, complaint
    assert json.loads(answer)["unchanged"] == 1000
    assert server.asked == []
