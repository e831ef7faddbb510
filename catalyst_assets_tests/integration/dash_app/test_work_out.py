"""Work that is out, through the API: calculations, work orders, who began what, and what a file would do."""

import json
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from catalyst_assets.validation.jobs.archive import kept_key
from catalyst_assets.validation.jobs.folder import job_folder
from catalyst_assets_tests.integration.dash_app.laboratory import laboratory
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign, ask_for
from catalyst_assets_tests.integration.dash_app.serving import api_client, bearer
from resources.object_store import ObjectStore
from resources.postgres.database import Database, Role
from resources.settings import Settings


@pytest.fixture
def computed(database: Database) -> ReviewedCampaign:
    """A campaign that GPAW validates, with two candidates in validation."""
    campaign = ReviewedCampaign(database)
    campaign.document = campaign.document | {"validator": "gpaw"}
    for candidate in campaign.start().rank(0, ["p:SrTiO3", "p:PbTiO3", "p:AlLaO3"])[:2]:
        campaign.move(candidate, "flagged", "in_validation")
    return campaign


def test_calculations_are_listed_with_why_they_failed_and_what_they_printed(
    database: Database, settings: Settings, computed: ReviewedCampaign
) -> None:
    failed = ask_for(database, "a1", "p:PbTiO3", "failed", reason="not converged", run_id="r-1", attempt=2)
    running = ask_for(database, "b2", "p:SrTiO3", "running")
    folder = job_folder(settings, running)
    folder.path.mkdir(parents=True)
    folder.file("log.txt").write_text("begun\niter 1\x1b[0m\n")
    ask_for(database, "c3", "p:AlLaO3")  # nobody sent it to validation here
    with api_client(database, settings, may="read") as api:
        path = f"/campaigns/{computed.name}/calculations"
        page = api.get(path).json()
        assert [(each["job_id"], each["status"], each["formula"]) for each in page["items"]] == [
            (running, "running", "SrTiO3"), (failed, "failed", "PbTiO3"),
        ]  # fmt: skip
        assert (page["total"], page["counts"], page["typical_seconds"]) == (
            2,
            {"running": 1, "failed": 1},
            None,
        )
        told = page["items"][1]
        assert (told["attempt"], told["reason"], told["candidate_id"]) == (2, "not converged", 2)
        assert "catalyst validation retry a10000000000" in told["remedy"]
        assert told["address"].endswith("/runs/r-1")
        assert [each["job_id"] for each in api.get(path, params={"status": "failed"}).json()["items"]] == [
            failed
        ]
        assert api.get(f"/calculations/{running}").json()["log"] == "begun\niter 1[0m"

        kept = "e" * 64
        ObjectStore(settings.object_store_url).put_bytes(kept_key(kept), b"kept at the end\n")
        with database.transaction(Role.VALIDATOR) as connection:
            connection.execute(
                sa.text("UPDATE validation_jobs SET files = CAST(:files AS jsonb) WHERE job_id = :job"),
                {"files": json.dumps({"log.txt": kept}), "job": failed},
            )
        assert api.get(f"/calculations/{failed}").json()["log"] == "kept at the end"
        assert api.get(f"/calculations/{'0' * 64}").status_code == 404

        events = api.get("/events", params={"after": 0, "kind": "calculation.*", "follow": False}).text
        assert [line for line in events.splitlines() if line.startswith("event: calculation")] == [
            "event: calculation.failed", "event: calculation.running",
        ]  # fmt: skip


def test_a_work_order_is_shown_and_downloaded(database: Database, settings: Settings) -> None:
    with laboratory(database, settings) as lab:
        path = f"/campaigns/{lab.campaign.name}/work-order"
        order = lab.api.get(path).json()
        assert (order["candidates"], order["method"], order["is_announced"]) == (3, "PBE", False)
        assert [(each["property"], each["unit"]) for each in order["asked"]] == [
            ("band_gap_direct", "eV"), ("formation_energy_per_atom", "eV/atom"),
        ]  # fmt: skip
        assert [(each["iteration"], each["flagged"]) for each in order["iterations"]] == [(0, 3)]

        root = str(lab.api.base_url).removesuffix("/api/v1/")
        for name, start in {
            "results.csv": b"\xef\xbb\xbfcandidate,",
            "results.xlsx": b"PK",
            "structures.cif": b"# candidate",
        }.items():
            file = lab.api.get(root + order["files"][name])
            assert (file.status_code, file.content[: len(start)]) == (200, start)
            assert "attachment" in file.headers["content-disposition"]
        filled = lab.api.get(f"{path}/results.csv", params={"delimiter": "semicolon"}).text
        rows = [line for line in filled.splitlines() if line.startswith(f"{lab.candidates[0]};")]
        assert len(rows) == 2
        assert lab.api.get(f"{path}/results.csv", params={"iteration": 7}).status_code == 404
        assert lab.api.get(f"{path}/report.pdf").status_code == 422


def test_who_began_what_and_gives_it_back_is_decided_like_everything_else(
    database: Database, settings: Settings
) -> None:
    with laboratory(database, settings) as lab:
        reviewer = bearer(database, "Grace Hopper", "review")
        first, second, _ = lab.candidates

        def decide(*decisions: dict[str, Any]) -> httpx.Response:
            body = {"decisions": list(decisions), "all_or_nothing": False}
            return lab.api.post("/candidates/decisions", json=body, headers=reviewer)

        version = lab.api.get(f"/candidates/{first}").json()["version"]
        begun = decide(
            {"candidate_id": first, "decision": "start", "version": version, "reason": "furnace 2"}
        ).json()
        assert [(item["status"], item["refusal"]) for item in begun["items"]] == [("in_validation", "")]
        shown = lab.api.get("/candidates", params={"status": "in_validation"}).json()["items"][0]
        assert (shown["moved"]["actor"], shown["moved"]["reason"]) == ("Grace Hopper", "furnace 2")
        assert shown["flagged"]["actor"] == "Ada Lovelace"

        late = decide(
            {"candidate_id": first, "decision": "return", "version": version, "reason": "broken"}
        ).json()
        assert "was changed since: it is in validation, by Grace Hopper" in late["items"][0]["refusal"]
        assert decide({"candidate_id": first, "decision": "return"}).status_code == 422
        mixed = decide(
            {"candidate_id": first, "decision": "return", "version": version + 1, "reason": "broken"},
            {"candidate_id": second, "decision": "return", "reason": "broken"},
        ).json()
        assert [(item["status"], item["changed"]) for item in mixed["items"]] == [
            ("flagged", True),
            ("flagged", False),
        ]


def test_a_preview_says_what_each_row_would_do(database: Database, settings: Settings) -> None:
    with laboratory(database, settings) as lab:
        lab.send(lab.gap(value=1.5, sample="S-1"))
        lab.look()
        rows = [
            lab.gap(value=1500, unit="meV", sample="S-1"),
            lab.gap(value=1.7, sample="S-2", standard_deviation=0.1),
            lab.gap(1, value=9.0, method="experiment"),
            lab.gap(2, value=0.1),
            lab.energy(2),
        ]
        found = lab.send(*rows, preview="true").json()
        assert [row["does"] for row in found["rows"]] == ["known", "new", "new", "new", "new"]
        known, second, other, low, _ = found["rows"]
        assert (known["value"], known["given"], known["label_of"]) == (1.5, "1500 meV", "Band gap direct")
        assert (second["label"], second["replicates"], second["is_label"]) == (1.6, 2, True)
        assert second["label_deviation"] == pytest.approx(0.1)
        assert (other["is_label"], other["label"], other["flags"]) == (False, None, [])
        assert low["flags"] == ["4.1 standard deviations below what was predicted"]
        assert [(each["candidate"], each["after"]) for each in found["movements"]] == [
            (lab.candidates[2], "rejected (poor)")
        ]
        corrected = lab.send(lab.gap(value=1.4, sample="S-1", correction="lamp"), preview="true").json()
        assert [row["does"] for row in corrected["rows"]] == ["correction"]
        assert lab.send(lab.gap(value=1.4, sample="S-3")).json()["rows"] == []

        bad = lab.send(lab.gap(value=1.4, sample="S-1"), lab.gap(1, value=2.0), preview="true").json()
        assert bad["detail"].endswith("One other result is in order.")


def test_prototypes_of_uploads_are_those_that_there_are() -> None:
    from catalyst_assets.ingestion.prototypes.crystals import PROTOTYPES
    from dash_app.upload_contract import PROTOTYPE_FORMULAS

    assert list(PROTOTYPE_FORMULAS) == list(PROTOTYPES)
