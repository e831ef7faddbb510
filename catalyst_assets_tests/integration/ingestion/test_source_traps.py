"""What is known to go wrong at AFLOW and OPTIMADE providers, one test a trap."""

import inspect
import io
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalyst_assets.ingestion.accounting import account_for_rows
from catalyst_assets.ingestion.aflow.entries import read_stamp
from catalyst_assets.ingestion.aflow.source import Aflow
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.optimade.entries import OptimadeParser
from catalyst_assets.ingestion.optimade.providers import load_provider
from catalyst_assets.ingestion.optimade.source import refresh_source
from catalyst_assets.ingestion.optimade.spec import OptimadeConfig
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.records import Record, Rejection, validate
from catalyst_assets.ingestion.sources.refreshing import refresh
from catalyst_assets_tests import aflux_server, optimade_server
from catalyst_assets_tests.loading import load, query
from catalyst_assets_tests.loopback import Handler
from resources.platform import Platform

SAMPLES = optimade_server.SAMPLES


def rocksalt(**changes: Any) -> dict[str, Any]:
    return {
        "auid": "aflow:0000000000000001",
        "dft_type": "PAW_PBE",
        "geometry": [4.0, 4.0, 4.0, 60, 60, 60],
        "species": ["Na", "Cl"],
        "composition": [1, 1],
        "positions_fractional": [[0, 0, 0], [0.5, 0.5, 0.5]],
        "Egap": 5.0,
        "enthalpy_formation_atom": -2.0,
        "aflowlib_date": "20200101_00:00:00_GMT-5",
    } | changes


def fetch_aflow(platform: Platform, server: aflux_server.AfluxServer) -> None:
    with Fetcher(sleep=lambda _: None) as fetcher:
        source = Aflow(fetcher, "species(Na,Cl)", endpoint=server.endpoint)
        refresh(source, platform.database, platform.objects)


def test_aflow_is_never_asked_for_everything_at_once(platform: Platform) -> None:
    """Page 0 would be the whole result set."""
    with aflux_server.serving([rocksalt()]) as server:
        fetch_aflow(platform, server)
    assert {abs(page) for page, _ in server.asked} == {1, 2}
    assert inspect.signature(Aflow).parameters["page_size"].default <= 1000


def test_a_web_page_with_status_200_is_asked_for_again_at_aflow(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    with aflux_server.serving([rocksalt()]) as server:
        answers = server.respond
        excuses = [b"<html>Maintenance</html>", b"", b"<!DOCTYPE html>"]

        def respond(path: str, handler: Handler) -> None:
            handler.reply(200, excuses.pop()) if excuses else answers(path, handler)

        monkeypatch.setattr(server, "respond", respond)
        fetch_aflow(platform, server)
    assert load(platform).new == 1
    assert excuses == []


@pytest.mark.parametrize(
    "given",
    [
        "20200101_00:00:00_GMT-5",
        ["20190101_00:00:00_GMT-5", "20200101_00:00:00_GMT-5"],
        "20190101_00:00:00_GMT-5,20200101_00:00:00_GMT-5",
        "20200101_00:00:00_GMT-5\n",
    ],
)
def test_a_date_is_read_in_each_of_its_forms(given: object) -> None:
    assert read_stamp({"aflowlib_date": given}) == "2020-01-01T05:00:00+00:00"


@pytest.mark.parametrize("given", [None, "", [], "yesterday", "20201301_00:00:00_GMT-5", 20200101, {"a": 1}])
def test_a_date_that_is_none_is_none(given: object) -> None:
    assert read_stamp({"aflowlib_date": given}) is None


def test_text_of_aflow_may_be_a_list_or_end_in_a_line_break(platform: Platform) -> None:
    untidy = rocksalt(
        auid="aflow:0000000000000001\n",
        catalog="ICSD\n",
        compound="Na1Cl1",
        aurl="aflowlib.duke.edu:AFLOWDATA/ICSD_WEB/CUB/Na1Cl1_ICSD_1:a",
        species="Na,Cl\n",
        composition="1,1\n",
        dft_type=["PAW_PBE"],
        positions_fractional="0,0,0;0.5,0.5,0.5;",
    )
    with aflux_server.serving([untidy]) as server:
        fetch_aflow(platform, server)
    assert (load(platform).new, query(platform, "SELECT count(*) FROM quarantine")) == (1, [(0,)])
    assert query(platform, "SELECT material_id, reduced_formula FROM materials") == [
        ("aflow:0000000000000001", "NaCl")
    ]
    assert query(platform, "SELECT licence FROM material_sources") == [
        ("unresolved: cite Curtarolo 2012, Rose 2017",)
    ]


def test_an_entry_without_gap_and_energy_is_a_crystal_without_properties(platform: Platform) -> None:
    bare = rocksalt(dft_type=None)
    del bare["Egap"]
    bare["enthalpy_formation_atom"] = "1e9"
    with aflux_server.serving([bare]) as server:
        fetch_aflow(platform, server)
    assert load(platform).new == 1
    assert query(platform, "SELECT properties FROM materials") == [({},)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"geometry": [1e9, 4, 4, 60, 60, 60]}, "geometry"),
        ({"positions_fractional": [[0, 0, 0], [1e12, 0, 0]]}, "positions_fractional"),
    ],
)
def test_a_sentinel_in_a_crystal_is_no_number(
    platform: Platform, changes: dict[str, Any], field: str
) -> None:
    with aflux_server.serving([rocksalt(**changes)]) as server:
        fetch_aflow(platform, server)
    assert load(platform).quarantined == 1
    ((reason,),) = query(platform, "SELECT reason FROM quarantine")
    assert reason.startswith(f"{field}: ")


def test_an_entry_in_two_catalogs_is_loaded_once_and_accounted_for(platform: Platform) -> None:
    with aflux_server.serving([rocksalt(catalog="ICSD"), rocksalt(catalog="LIB1")]) as server:
        fetch_aflow(platform, server)
    settled = load(platform)
    assert (settled.new, settled.quarantined) == (1, 1)
    assert {account.problem for account in account_for_rows(platform.database, platform.objects)} == {""}


def describe(folder: Path, name: str, base_url: str) -> str:
    path = folder / f"{name}.yaml"
    path.write_text(
        yaml.safe_dump(
            {"name": name, "base_url": base_url, "licence": "CC0-1.0", "increments": False, "page_limit": 10}
        )
    )
    return str(path)


@pytest.mark.parametrize(
    "fault",
    [
        optimade_server.status(400),
        lambda handler: handler.reply(200, b'{"data": [], "errors": [{"detail": ""}]}'),
        lambda handler: handler.reply(200, b'{"errors": []}'),
        lambda handler: handler.reply(200, b'{"data": null}'),
    ],
)
def test_a_provider_that_fails_does_not_keep_the_others_waiting(
    platform: Platform, tmp_path: Path, fault: optimade_server.Fault
) -> None:
    entries = optimade_server.oqmd_entries()[:3]
    with optimade_server.serving(entries) as bad, optimade_server.serving(entries) as good:
        bad.faults = [fault] * 9
        providers = [describe(tmp_path, "bad", bad.base_url), describe(tmp_path, "good", good.base_url)]
        refreshed = refresh_source(OptimadeConfig(providers=providers), platform)

    assert list(refreshed.failures) == ["bad"]
    assert not refreshed.is_transient
    assert len(bad.asked) == 1
    assert load(platform).new == 3


def test_a_provider_that_is_always_busy_is_left_at_the_deadline(platform: Platform, tmp_path: Path) -> None:
    """The client of optimade-python-tools asks such a one for ever."""
    with optimade_server.serving([]) as server:
        server.faults = [optimade_server.status(429, Retry_After="3600")] * 100_000
        started = time.monotonic()
        refreshed = refresh_source(
            OptimadeConfig(providers=[describe(tmp_path, "busy", server.base_url)]),
            platform,
            fetcher=Fetcher(deadline_seconds=0.5, attempts=10**6, sleep=lambda _: None),
        )
    assert time.monotonic() - started < 10
    assert "status 429" in refreshed.failures["busy"]
    assert refreshed.is_transient


@pytest.mark.parametrize("form", ["text", "object"])
def test_the_next_page_may_be_named_by_text_or_an_object(
    platform: Platform, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with optimade_server.serving(optimade_server.oqmd_entries()[:25]) as server:
        answer = server.answer

        def renamed(asked: dict[str, str]) -> dict[str, Any]:
            page = answer(asked)
            link = (page["links"]["next"] or {}).get("href")
            return page | {"links": {"next": {"href": link, "meta": {}} if form == "object" else link}}

        monkeypatch.setattr(server, "answer", renamed)
        provider = describe(tmp_path, "local", server.base_url)
        assert refresh_source(OptimadeConfig(providers=[provider]), platform).fetched == 3


def parse(entries: list[Any], properties: dict[str, Any]) -> list[Record | Rejection]:
    data = json.dumps({"data": entries}).encode()
    request = {"kind": "optimade_page", "answers": False, "parameters": {"properties": properties}}
    raw = RawFile(1, "optimade_x", "u", request, "0" * 64, 1, "l", datetime.now(UTC), "pending", None)
    contents = OptimadeParser().survey(raw, io.BytesIO(data))
    return list(OptimadeParser().parse(raw, io.BytesIO(data), 0, contents.rows, contents.duplicates))


def test_the_materials_projects_stability_is_read_by_method() -> None:
    sample = json.loads((SAMPLES / "mp-7000-optimade.json").read_text())["data"]
    properties = {path: content.model_dump() for path, content in load_provider("mp").properties.items()}

    (record,) = parse([sample], properties)

    assert isinstance(record, Record)
    assert record.structure.reduced_formula == "SiO2"  # type: ignore[union-attr]
    assert {(value.property, value.method): round(value.value, 4) for value in record.values} == {
        ("formation_energy_per_atom", "r2SCAN"): -3.0458,
        ("energy_above_hull", "r2SCAN"): 0.0,
        ("formation_energy_per_atom", "PBE/PBE+U"): -3.2575,
        ("energy_above_hull", "PBE/PBE+U"): 0.0106,
    }


@pytest.mark.parametrize("sample", ["opt_test_bad_structures", "opt_special_species", "opt_test_structures"])
def test_bad_and_odd_structures_are_set_aside_or_sound(sample: str) -> None:
    documents = json.loads((SAMPLES / f"{sample}.json").read_text())
    entries = [{"id": f"entry-{number}", "attributes": document} for number, document in enumerate(documents)]

    outcomes = parse(entries, {})

    assert len(outcomes) == len(documents) > 0
    accepted, refused = validate([outcome for outcome in outcomes if isinstance(outcome, Record)])
    for record, crystal in accepted:
        assert crystal.ordered
        assert crystal.n_sites == documents[int(record.source_id.partition("-")[2])]["nsites"]
    if sample == "opt_special_species":
        assert accepted == []
    assert all(problem.field for rejection in refused for problem in rejection.problems)
