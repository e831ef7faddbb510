"""Results over HTTP: once each, whole or not at all, against a real PostgreSQL and as the role of the app."""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg2.errors
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from catalyst_assets.cli import app
from catalyst_assets.errors import LoopError
from catalyst_assets_tests.integration.dash_app.laboratory import Laboratory, laboratory
from resources.postgres.database import Database, Role
from resources.settings import Settings

CSV = "candidate,band gap direct [eV],band gap direct sd,method\n"


@pytest.fixture
def lab(database: Database, settings: Settings) -> Iterator[Laboratory]:
    with laboratory(database, settings) as opened:
        yield opened


def rows(database: Database) -> list[tuple[Any, ...]]:
    with database.transaction(Role.OWNER) as connection:
        found = connection.execute(
            sa.text(
                "SELECT material_id, property, outcome, value, reason, submitted_by FROM validation_results"
                " ORDER BY result_id"
            )
        )
        return [tuple(row) for row in found]


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert (response.status_code, found["status"]) == (status, status), found
    return found


def test_results_move_their_candidate_once_they_were_looked_at(lab: Laboratory, database: Database) -> None:
    shown = lab.send(lab.gap(), lab.energy(), preview=True)
    assert (shown.status_code, shown.json()["outcome"], shown.json()["added"]) == (200, "preview", 2)
    assert [(each["candidate"], each["before"], each["after"]) for each in shown.json()["movements"]] == [
        (lab.candidates[0], "flagged", "validated")
    ]
    assert (rows(database), lab.status()) == ([], "flagged")

    sent = lab.send(lab.gap(standard_deviation=0.05, sample="S-1", conditions={"T": "300 K"}), lab.energy())
    numbers = sent.json()["results"]
    assert (sent.status_code, sent.json()["outcome"], len(numbers)) == (201, "recorded", 2)
    first = lab.api.get(f"/results/{numbers[0]}").json()
    assert (first["value"], first["standard_deviation"], first["conditions"]) == (1.5, 0.05, {"T": "300 K"})
    assert (first["counts"], first["why_not"][:15]) == (False, "it is looked at")
    lab.look()
    assert lab.status() == "validated"
    assert lab.api.get(f"/results/{numbers[0]}").json()["counts"] is True

    again = lab.send(lab.gap(standard_deviation=0.05, sample="S-1", conditions={"T": "300 K"}), lab.energy())
    assert (again.status_code, again.json()["outcome"], again.json()["results"]) == (
        200,
        "unchanged",
        numbers,
    )
    assert rows(database) == [
        ("p:SrTiO3", "band_gap_direct", "measured", 1.5, "", "Lab A"),
        ("p:SrTiO3", "formation_energy_per_atom", "measured", -2.5, "", "Lab A"),
    ]


def test_another_value_is_a_conflict_that_shows_the_ledger_until_it_says_why(
    lab: Laboratory, database: Database
) -> None:
    (number,) = lab.send(lab.gap()).json()["results"]
    refused = problem(lab.send(lab.gap(1), lab.gap(value=1.7)), 409)
    (error,) = refused["errors"]
    assert (error["index"], error["pointer"]) == (1, "/1/value")
    assert (error["held"]["result_id"], error["held"]["value"]) == (number, 1.5)
    assert "correction" in refused["remedy"]
    assert len(rows(database)) == 1

    corrected = lab.send(lab.gap(value=1.7, correction="the other peak")).json()
    assert (corrected["corrected"], corrected["corrections"][0]["before"]) == (1, "1.5 eV")
    old = lab.api.get(f"/results/{number}").json()
    assert old["why_not"] == f"corrected by result {corrected['results'][0]}, by Lab A: the other peak"
    assert [each["value"] for each in old["chain"]] == [1.5, 1.7]

    assert "corrected by result" in problem(retract(lab, number, "no"), 409)["detail"]
    done = retract(lab, corrected["results"][0], "leaky cell").json()
    assert (done["changed"], done["result"]["why_not"]) == (True, "retracted, by Lab A: leaky cell")
    assert retract(lab, corrected["results"][0], "again").json()["changed"] is False
    assert rows(database)[-1] == ("p:SrTiO3", "band_gap_direct", "retracted", None, "leaky cell", "Lab A")


def retract(lab: Laboratory, number: int, reason: str) -> httpx.Response:
    return lab.api.post(f"/results/{number}/retract", json={"reason": reason})


def test_a_list_is_refused_whole_and_names_index_and_field(lab: Laboratory, database: Database) -> None:
    refused = problem(
        lab.send(lab.gap(), lab.gap(1, property="band_gp"), lab.gap(2, unit="kg"), {"method": "PBE"}), 422
    )
    assert [(error["index"], error["pointer"]) for error in refused["errors"]] == [(3, "/3")]
    assert "names no material" in refused["detail"]
    refused = problem(lab.send(lab.gap(), lab.gap(1, property="band_gp"), lab.gap(2, unit="kg")), 422)
    assert [error["pointer"] for error in refused["errors"]] == ["/1/property", "/2/unit"]
    assert "band_gap" in refused["errors"][0]["message"]
    assert rows(database) == []


def test_what_is_wrong_with_one_result_is_said_at_its_field(lab: Laboratory, database: Database) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"value": "1.5"}, "/value"),
        ({"value": None, "outcome": None}, ""),
        ({"value": True}, "/value"),
        ({"standard_deviation": -1}, ""),
        ({"candidate": 4711}, "/candidate"),
        ({"method": " "}, "/method"),
        ({"method": "guessing"}, "/method"),
        ({"valu": 1}, "/valu"),
        ({"date": "2999-01-01"}, "/date"),
        ({"replicate": 0}, "/replicate"),
        ({"operator": "Ada\u202e"}, "/operator"),
        ({"note": "a\0b"}, "/note"),
        ({"conditions": {"T\ud800": 1}}, "/conditions"),
        ({"conditions": {"T": {"deep": ["\0"]}}}, "/conditions/T/deep/0"),
        ({"formula": "PbTiO3"}, "/formula"),
        ({"campaign": "no-such"}, "/campaign"),
        ({"synthesis": "failed"}, ""),
        ({"value": 1e9}, "/value"),
    ]
    for more, pointer in cases:
        errors = problem(lab.send(lab.gap() | more), 422)["errors"]
        assert pointer in [error["pointer"] for error in errors], (more, errors)
    assert rows(database) == []


def test_a_file_is_read_as_the_command_reads_it(lab: Laboratory, database: Database) -> None:
    text = CSV + f"{lab.candidates[0]},1.50,0.05,PBE\n{lab.candidates[1]},0.9,,PBE\n"
    sent = lab.api.post("/results/files", files={"file": ("gaps.csv", text.encode())}).json()
    assert (sent["outcome"], sent["added"], len(sent["results"])) == ("recorded", 2, 2)
    assert [row[3] for row in rows(database)] == [1.5, 0.9]
    as_body = {"Content-Type": "text/csv"}
    again = lab.api.post("/results/files?filename=gaps.csv", content=text, headers=as_body)
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    assert lab.api.get(f"/results/{sent['results'][0]}").json()["submission"] == "gaps.csv"

    bad = CSV + f"{lab.candidates[2]},1.2,,PBE\n{lab.candidates[2]},wide,,PBE\n"
    refused = problem(lab.api.post("/results/files", content=bad, headers=as_body), 422)
    (error,) = refused["errors"]
    assert (error["place"], error["field"]) == ("line 3", "band gap direct [eV]")
    assert "is no number" in error["message"]
    assert len(rows(database)) == 2
    assert problem(lab.api.post("/results/files", content=text), 415)["detail"].count("curl") == 2
    assert "no file" in problem(lab.api.post("/results/files", files={"data": b"x"}), 422)["detail"]


def test_the_ledger_is_listed_page_by_page_and_by_what_is_asked(lab: Laboratory) -> None:
    lab.send(*(lab.gap(place) for place in range(3)), lab.energy())
    lab.send({"material_id": "p:AlLaO3", "property": "band_gap", "value": 2, "unit": "eV", "method": "HSE06"})

    def values(**query: Any) -> list[str]:
        page = lab.api.get("/results", params=query).json()
        assert page["total"] >= len(page["items"])
        return [f"{each['formula']} {each['property']}" for each in page["items"]]

    assert values(limit=2) == ["AlLaO3 band_gap", "SrTiO3 formation_energy_per_atom"]
    page = lab.api.get("/results", params={"limit": 4}).json()
    assert (page["total"], [each["formula"] for each in page["items"]][-1]) == (5, "PbTiO3")
    rest = lab.api.get("/results", params={"limit": 4, "before": page["next"]}).json()
    assert ([each["formula"] for each in rest["items"]], rest["next"]) == (["SrTiO3"], None)
    assert values(candidate=lab.candidates[2]) == ["AlLaO3 band_gap", "AlLaO3 band_gap_direct"]
    assert (
        values(material="p:SrTiO3", campaign=lab.campaign.name, iteration=0)[-1] == "SrTiO3 band_gap_direct"
    )
    # Nobody's iteration asked for the last one, but the campaign suggests its material.
    assert values(campaign=lab.campaign.name, limit=1) == ["AlLaO3 band_gap"]
    assert values(campaign=lab.campaign.name, iteration=0, limit=1) == ["AlLaO3 band_gap"]
    assert values(since="2999-01-01T00:00:00Z") == []
    assert values(since="2020-01-01T00:00:00", limit=1) == ["AlLaO3 band_gap"]
    problem(lab.api.get("/results", params={"campaign": "no-such"}), 404)
    problem(lab.api.get("/results/4711"), 404)
    problem(lab.api.get("/results/0"), 422)


def test_validation_is_started_and_given_back(lab: Laboratory, database: Database) -> None:
    one = lab.candidates[0]
    started = lab.api.post(f"/candidates/{one}/start").json()
    assert (started["changed"], started["candidate"]["status"]) == (True, "in_validation")
    assert started["candidate"]["events"][-1]["actor"] == "Lab A"
    assert lab.api.post(f"/candidates/{one}/start", json={"reason": "x"}).json()["changed"] is False
    problem(lab.api.post(f"/candidates/{one}/return", json={}), 422)
    back = lab.api.post(f"/candidates/{one}/return", json={"reason": "no precursor"}).json()
    assert (back["changed"], back["candidate"]["status"]) == (True, "flagged")
    # It was no failure: the first real one returns it too, with its own reason.
    lab.send({"candidate": one, "method": "PBE", "outcome": "failed", "note": "the pellet broke"})
    lab.look()
    last = lab.api.get(f"/candidates/{one}").json()["events"][-1]
    assert (last["to_status"], last["actor"]) == ("flagged", "laboratory")
    assert "the pellet broke" in last["reason"]

    lab.send(lab.gap(1), lab.energy(1))
    lab.look()
    assert (
        "is validated, not flagged"
        in problem(lab.api.post(f"/candidates/{lab.candidates[1]}/start"), 409)["detail"]
    )
    problem(lab.api.post("/candidates/4711/start"), 404)
    with database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text('UPDATE active_learning_runs SET document = document || \'{"validator": "gpaw"}\'')
        )
    assert "by gpaw" in problem(lab.api.post(f"/candidates/{lab.candidates[2]}/start"), 409)["detail"]


@pytest.mark.usefixtures("own_environment")
def test_the_command_line_starts_all_or_none(lab: Laboratory) -> None:
    one, two, _ = (str(each) for each in lab.candidates)
    lab.send(lab.gap(1), lab.energy(1))
    lab.look()
    refused = CliRunner().invoke(app, ["validation", "start", one, two, "--by", "Grace Hopper"])
    assert isinstance(refused.exception, LoopError)
    assert f"Candidate {two} is validated, not flagged." in str(refused.exception)
    assert lab.status() == "flagged"
    started = CliRunner().invoke(app, ["validation", "start", one, "--by", "Grace Hopper"])
    assert started.stdout == f"Candidate {one} is in validation.\n"
    back = CliRunner().invoke(app, ["validation", "return", one, "--reason", "ill", "--by", "Grace Hopper"])
    assert back.stdout == f"Candidate {one} is flagged.\n"
    event = lab.api.get(f"/candidates/{one}").json()["events"][-1]
    assert (event["actor"], event["reason"]) == ("Grace Hopper", "ill")


def test_the_role_of_the_app_examines_nothing_for_good(lab: Laboratory, database: Database) -> None:
    lab.send(lab.gap())
    refused = pytest.raises(sa.exc.ProgrammingError)
    with refused as caught, database.transaction(Role.APP) as connection:
        connection.execute(
            sa.text("INSERT INTO result_examinations (result_id) SELECT result_id FROM validation_results")
        )
    assert isinstance(caught.value.orig, psycopg2.errors.InsufficientPrivilege)
