"""Candidates by filters, in any order, page behind page: what the API lists is what was ranked, each once."""

import csv
import io
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from catalyst_assets_tests.conftest import prepared_template
from catalyst_assets_tests.integration.dash_app.listed_pool import (
    CAMPAIGN,
    FORMULAS,
    GAP,
    prepare_pool,
)
from catalyst_assets_tests.integration.dash_app.serving import api_client
from dash_app.api.materials import listing
from dash_app.candidate_contract import MOST_FILTERED
from resources.paths import project_file
from resources.postgres.database import Database, Role, copy_rows
from resources.postgres.embedded import EmbeddedPostgres


@dataclass
class Served:
    """A pool that tests read, and its API."""

    database: Database
    api: httpx.Client


@pytest.fixture(scope="module")
def served(postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with prepared_template(postgres_server, tmp_path_factory.mktemp("pool"), prepare_pool) as prepared:
        database = Database({role: postgres_server.url(role, prepared.database) for role in Role})
        with api_client(database) as api:
            yield Served(database, api)
        database.dispose()


def listed(api: httpx.Client, **query: Any) -> list[str]:
    answer = api.get("/candidates", params=query)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert (page["total"], page["total_is_exact"]) == (len(page["items"]), True)
    return [item["formula"] for item in page["items"]]


def refused(api: httpx.Client, **query: Any) -> str:
    answer = api.get("/candidates", params=query)
    assert (answer.status_code, answer.json()["status"]) == (422, 422)
    return f"{answer.json()['detail']} {answer.json()['remedy']}"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, FORMULAS),
        ({"elements": "Ti"}, ["SrTiO3", "BaTiO3", "PbTiO3", "TiO2"]),
        ({"elements": ["Ti", "Sr"]}, ["SrTiO3"]),
        ({"elements": "Ti", "exclude_elements": "Pb,Sr"}, ["BaTiO3", "TiO2"]),
        ({"only_elements": "O,Ti,Sr,Ba"}, ["SrTiO3", "BaTiO3", "TiO2"]),
        ({"formula": "O3TiSr"}, ["SrTiO3"]),
        ({"formula": "Ti₂O₄"}, ["TiO2"]),
        ({"material": "p:KNbO3"}, ["KNbO3"]),
        ({"predicted": f"{GAP}:1.5:1.7"}, ["BaTiO3", "PbTiO3"]),
        (
            {"predicted": [f"{GAP}:1.5:", "formation_energy_per_atom::-3"], "sort": "-feasibility"},
            ["SrTiO3", "BaTiO3", "TiO2"],
        ),
        ({"uncertainty": f"{GAP}::0.15"}, ["SrTiO3", "KNbO3"]),
        ({"predicted": "heat_of_formation:0:"}, []),
        ({"feasibility": "0.6:0.8", "rank": ":3"}, ["BaTiO3", "PbTiO3"]),
        ({"status": "flagged"}, []),
        ({"rejection_kind": "poor"}, []),
        ({"updated_since": "2999-01-01T00:00:00Z"}, []),
        ({"sort": f"predicted.{GAP}"}, ["CsPbI3", "KNbO3", "PbTiO3", "BaTiO3", "SrTiO3", "TiO2"]),
        ({"sort": f"-uncertainty.{GAP}", "elements": "Pb"}, ["CsPbI3", "PbTiO3"]),
        ({"sort": "-formula", "elements": "Ti,O", "exclude_elements": "Ba"}, ["TiO2", "SrTiO3", "PbTiO3"]),
    ],
)
def test_filters_list_what_passes_all_of_them(
    served: Served, query: dict[str, Any], expected: list[str]
) -> None:
    assert listed(served.api, campaign=CAMPAIGN, iteration=1, **query) == expected


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"elements": "Zz"}, "Zz is no element"),
        ({"elements": ""}, "no element"),
        ({"predicted": f"{GAP}:2:1"}, "first bound is the larger"),
        ({"predicted": f"{GAP}::"}, "no finite bound"),
        ({"predicted": "1:2"}, "names no property"),
        ({"predicted": "nonsense:1:2"}, "No property is called nonsense"),
        ({"predicted": [f"{GAP}:1:2"] * 7}, "6 are the most"),
        ({"sort": "predicted.nonsense"}, "No property is called nonsense"),
        ({"formula": "Sr0TiO3"}, "no chemical formula"),
        ({"feasibility": "nan:"}, "no finite bound"),
        ({"offset": 100_001}, "100000"),
        ({"cursor": "AAAA"}, "not of this query"),
        ({"element": "Sr"}, "element"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused(served: Served, query: dict[str, Any], reason: str) -> None:
    assert reason in refused(served.api, **query)


SORTS = [
    "-rank", "iteration", "-feasibility", "-updated_at", "formula", "-status", f"-uncertainty.{GAP}",
    f"validated.{GAP}", "predicted.heat_of_formation",
]  # fmt: skip


@pytest.mark.parametrize("sort", [*SORTS, "-iteration"])
@pytest.mark.parametrize("most", [MOST_FILTERED, 5], ids=["few", "many"])
def test_pages_behind_cursors_hold_every_candidate_once_in_the_order_of_one_page(
    served: Served, sort: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    query: dict[str, Any] = {"campaign": CAMPAIGN, "sort": sort}
    if most < MOST_FILTERED:
        # What is sorted at once is as what an index holds in order.
        expected = served.api.get("/candidates", params=query).json()["items"]
        monkeypatch.setattr(listing, "MOST_FILTERED", most)
        assert served.api.get("/candidates", params=query).json()["items"] == expected
    whole = [item["candidate_id"] for item in served.api.get("/candidates", params=query).json()["items"]]
    assert len(whole) == len(set(whole)) == 52
    read: list[int] = []
    cursor = None
    while cursor is not None or not read:
        page = served.api.get(
            "/candidates", params=query | {"limit": 15} | ({"cursor": cursor} if cursor else {})
        ).json()
        assert page["total"] == 52
        read += [item["candidate_id"] for item in page["items"]]
        cursor = page["next"]
    assert read == whole
    by_offset = served.api.get("/candidates", params=query | {"limit": 9, "offset": 20}).json()
    assert [item["candidate_id"] for item in by_offset["items"]] == whole[20:29]


def test_of_many_that_pass_a_filter_no_more_are_counted_than_are_worth_it(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    query: dict[str, Any] = {"predicted": f"{GAP}:1:", "sort": f"-predicted.{GAP}", "limit": 4}
    exact = served.api.get("/candidates", params=query | {"limit": 100}).json()
    assert (exact["total"], exact["total_is_exact"]) == (len(exact["items"]), True)
    monkeypatch.setattr(listing, "MOST_FILTERED", 5)
    first = served.api.get("/candidates", params=query).json()
    assert (first["total"], first["total_is_exact"]) == (5, False)
    second = served.api.get("/candidates", params=query | {"cursor": first["next"]}).json()
    assert first["items"] + second["items"] == exact["items"][:8]
    counted = served.api.get("/candidates", params={"campaign": CAMPAIGN, "status": "ranked"}).json()
    assert (counted["total"], counted["total_is_exact"]) == (49, True)


def test_a_cursor_of_another_query_is_refused(served: Served) -> None:
    page = served.api.get("/candidates", params={"campaign": CAMPAIGN, "limit": 5}).json()
    other = {"campaign": CAMPAIGN, "limit": 5, "sort": "-rank", "cursor": page["next"]}
    assert "not of this query" in refused(served.api, **other)
    assert "cursor or an offset" in refused(served.api, campaign=CAMPAIGN, cursor=page["next"], offset=5)


def test_hits_and_measured_values_are_filtered(served: Served) -> None:
    assert listed(served.api, hit=True) == ["SrTiO3"]
    assert listed(served.api, hit=False) == ["BaTiO3", "KNbO3"]
    assert listed(served.api, validated=f"{GAP}:1.5:") == ["SrTiO3", "BaTiO3"]


def test_a_material_shows_all_that_is_known_of_it(served: Served) -> None:
    shown = served.api.get("/materials/p:SrTiO3").json()
    assert (shown["formula"], shown["elements"]) == ("SrTiO3", ["O", "Sr", "Ti"])
    assert shown["structure"]["lattice"]["a"] == 3.9
    assert [(each["iteration"], each["status"]) for each in shown["candidates"]] == [
        (1, "ranked"),
        (0, "validated"),
    ]
    assert [(each["iteration"], each["to_status"]) for each in shown["history"]] == [
        (0, "ranked"),
        (1, "ranked"),
        (0, "flagged"),
        (0, "in_validation"),
        (0, "validated"),
    ]
    assert {(each["property"], each["value"]) for each in shown["results"]} == {
        (GAP, 1.5),
        ("formation_energy_per_atom", -2.5),
    }
    (predicted,) = shown["predictions"]
    assert (predicted["iteration"], predicted["is_current"]) == (0, True)
    assert predicted["predicted"][GAP] == {"mean": 1.75, "std": 0.1, "unit": "eV"}
    (computed,) = shown["properties"]
    assert (computed["value"], computed["method"], computed["source"]) == (1.77, "PBE", "p")
    assert [source["source_id"] for source in shown["sources"]] == ["SrTiO3"]
    assert shown["symmetry"] == {"number": 221, "symbol": "Pm-3m", "crystal_system": "cubic"}
    missing = served.api.get("/materials/p:Nothing")
    assert (missing.status_code, missing.json()["detail"]) == (404, "There is no material 'p:Nothing'.")


def test_a_material_is_sent_as_cif_and_names_its_page_at_each_source_that_has_one(served: Served) -> None:
    from pymatgen.core.structure import Structure

    sent = served.api.get("/materials/p:SrTiO3/cif")
    assert (sent.status_code, sent.headers["content-type"]) == (200, "chemical/x-cif")
    assert sent.headers["content-disposition"] == 'attachment; filename="p_SrTiO3.cif"'
    assert sent.text.startswith("# p:SrTiO3\ndata_SrTiO3\n")
    read = Structure.from_str(sent.text, fmt="cif")
    assert (read.composition.reduced_formula, round(read.lattice.a, 3)) == ("SrTiO3", 3.9)
    assert served.api.get("/materials/p:Nothing/cif").status_code == 404

    pages = {
        ("materials_project", "mp-2657"): "https://materialsproject.org/materials/mp-2657",
        ("optimade_mp", "mp-2657"): "https://materialsproject.org/materials/mp-2657",
        ("aflow", "e9c6d914c4b8d9ca"): "https://aflow.org/material/?id=aflow:e9c6d914c4b8d9ca",
        ("optimade_oqmd", "4061139"): "https://oqmd.org/optimade/structures/4061139",
        ("materials_project", "../elsewhere"): None,
        ("my_oxides", "17"): None,
    }
    with served.database.transaction(Role.PIPELINE) as connection:
        copy_rows(
            connection,
            "material_sources",
            ["source", "source_id", "material_id", "raw_sha256", "licence", "retrieved_at"],
            [(*known, "p:TiO2", "", "CC-BY-4.0", "2026-11-01") for known in pages],
        )
    sources = served.api.get("/materials/p:TiO2").json()["sources"]
    assert {(each["source"], each["source_id"]): each["page"] for each in sources} == pages


def test_notes_about_a_material_keep_their_author_and_stay(served: Served) -> None:
    path = "/materials/p:KNbO3/notes"
    written = served.api.post(path, json={"text": "  grown on glass "})
    assert (written.status_code, written.json()["author"], written.json()["text"]) == (
        201, "Ada Lovelace", "grown on glass",
    )  # fmt: skip
    assert served.api.get(path).json()["items"] == [written.json()]
    assert served.api.get("/materials/p:KNbO3").json()["notes"] == [written.json()]
    assert served.api.post(path, json={"text": " "}).status_code == 422
    assert served.api.post("/materials/p:Nothing/notes", json={"text": "x"}).status_code == 404
    with (
        pytest.raises(sa.exc.DBAPIError, match="append-only"),
        served.database.transaction(Role.OWNER) as connection,
    ):
        connection.execute(sa.text("UPDATE material_notes SET text = 'other'"))


def test_what_is_listed_follows_decisions_and_corrected_materials(served: Served) -> None:
    assert listed(served.api, status="validated") == ["SrTiO3"]
    assert listed(served.api, rejection_kind=["poor", "failed"]) == ["BaTiO3"]
    with served.database.transaction(Role.PIPELINE) as connection:
        connection.execute(
            sa.text(
                "UPDATE materials SET elements = '{Mn,O}', reduced_formula = 'MnO2' WHERE material_id = 'p:TiO2'"
            )
        )
    assert listed(served.api, elements="Mn", iteration=0, campaign=CAMPAIGN) == ["MnO2"]
    assert "TiO2" not in listed(served.api, elements="Ti", iteration=0, campaign=CAMPAIGN)


def test_exports_hold_every_candidate_that_passes_the_filters(served: Served) -> None:
    import pyarrow.parquet as pq

    query: dict[str, Any] = {"campaign": CAMPAIGN, "iteration": 0, "sort": f"-predicted.{GAP}"}
    text = served.api.get("/exports/candidates.csv", params=query)
    assert text.headers["content-disposition"] == 'attachment; filename="candidates.csv"'
    rows = list(csv.DictReader(io.StringIO(text.text)))
    assert [row["rank"] for row in rows] == ["1", "6", "2", "3", "4", "5"]
    best = next(row for row in rows if row["formula"] == "SrTiO3")
    assert (best["hit"], best["status"], best[f"validated.{GAP} [eV]"]) == ("true", "validated", "1.5")
    assert (best[f"predicted.{GAP} [eV]"], best[f"uncertainty.{GAP} [eV]"]) == ("1.8", "0.1")

    data = served.api.get("/exports/candidates.parquet", params=query | {"limit": 4}).content
    table = pq.read_table(io.BytesIO(data))
    assert table["rank"].to_pylist() == [int(row["rank"]) for row in rows[:4]]
    chosen = ",".join(row["candidate_id"] for row in rows[1:3])
    text = served.api.get("/exports/candidates.csv", params=query | {"candidates": chosen})
    assert [row["rank"] for row in csv.DictReader(io.StringIO(text.text))] == ["6", "2"]
    assert table[f"predicted.{GAP} [eV]"].to_pylist() == [1.8, 1.8, 1.7, 1.5]


def test_a_spreadsheet_computes_nothing_of_an_exported_text(served: Served) -> None:
    with served.database.transaction(Role.PIPELINE) as connection:
        connection.execute(
            sa.text("UPDATE materials SET reduced_formula = '=1+1' WHERE material_id = 'p:M001'")
        )
    text = served.api.get("/exports/candidates.csv", params={"iteration": 2, "rank": ":3"}).text
    assert [row["formula"] for row in csv.DictReader(io.StringIO(text))] == ["M000", "'=1+1", "M002"]


def test_structures_are_exported_as_blocks_of_cif(served: Served) -> None:
    from pymatgen.io.cif import CifParser

    query = {"campaign": CAMPAIGN, "iteration": 1, "formula": "SrTiO3"}
    text = served.api.get("/exports/candidates.cif", params=query).text
    (number,) = [item["candidate_id"] for item in served.api.get("/candidates", params=query).json()["items"]]
    assert f"\ndata_{number}_SrTiO3\n" in text
    (structure,) = CifParser.from_str(text).parse_structures(primitive=False)
    assert (structure.composition.reduced_formula, structure.lattice.a) == ("SrTiO3", 3.9)


def test_an_export_of_a_question_that_cannot_be_meant_is_refused_before_anything_is_sent(
    served: Served,
) -> None:
    for query in ({"elements": "Zz"}, {"cursor": "x"}, {"sort": "predicted.nonsense"}):
        assert served.api.get("/exports/candidates.csv", params=query).status_code == 422
    assert served.api.get("/exports/candidates.csv", params={"campaign": "nobody"}).status_code == 404
    assert served.api.get("/exports/candidates.xls").status_code == 422
    # Each gave its place back.
    assert served.api.get("/exports/candidates.csv", params={"limit": 1}).status_code == 200


def test_the_examples_of_the_documentation_run(served: Served, tmp_path: Path) -> None:
    text = project_file("docs").joinpath("api.md").read_text(encoding="utf-8")
    token = served.api.headers["Authorization"].removeprefix("Bearer ")
    for title in ("Candidates and materials", "Exports"):
        section = re.split(r"^## ", text.split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]
        examples = re.findall(r"^```(bash|python)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        assert {kind for kind, _ in examples} == {"bash", "python"}
        shell = "".join(code for kind, code in examples if kind == "bash")
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", shell], cwd=tmp_path, capture_output=True, text=True,
            env={**os.environ, "TOKEN": token, "API": str(served.api.base_url).rstrip("/")},
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        for kind, code in examples:
            if kind == "python":
                exec(code, {"api": served.api})  # noqa: S102 - our own documentation
    assert "SrTiO3" in tmp_path.joinpath("candidates.csv").read_text()
    assert "_SrTiO3" in tmp_path.joinpath("candidates.cif").read_text()
