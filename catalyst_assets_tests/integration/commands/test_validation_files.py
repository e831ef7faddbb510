"""`catalyst validation submit`, `retract` and `export` as a laboratory meets them."""

from pathlib import Path

import pytest

from catalyst_assets_tests.command_line import CommandLine
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.loading import query
from resources.platform import Platform

pytestmark = pytest.mark.usefixtures("own_environment")
HEADER = "candidate,property,value,unit,method\n"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys, "validation")


@pytest.fixture
def candidate(campaign: ReviewedCampaign) -> int:
    """A candidate that the laboratory has."""
    (number,) = campaign.rank(0, ["demo:1"], ["SrTiO3"])
    campaign.move(number, "flagged", "in_validation")
    return number


def test_submitting_previewing_and_retracting(
    command: CommandLine, platform: Platform, candidate: int, tmp_path: Path
) -> None:
    file = tmp_path / "results.csv"
    file.write_text(f"{HEADER}{candidate},band_gap_direct,1.9,eV,PBE\n")
    shown = command("submit", str(file), "--dry-run")
    assert "1 would be added; nothing is recorded yet" in shown
    answered = command.json("submit", str(file))
    assert (answered["outcome"], answered["added"]) == ("accepted", 1)
    assert "in the ledger already, submitted by" in command("submit", str(file))
    assert "No reason is given." in command("retract", "1", code=2)
    ((result,),) = query(platform, "SELECT result_id FROM validation_results")
    taken = command("retract", "--candidate", str(candidate), "--reason", "wrong sample")
    assert taken.startswith(f"Retracted: result {result}.")
    assert "were retracted already" in command("retract", str(result), "--reason", "wrong sample")
    outcomes = query(platform, "SELECT outcome, reason FROM validation_results ORDER BY result_id")
    assert outcomes == [("measured", ""), ("retracted", "wrong sample")]


def test_refused_file_says_what_is_wrong_and_leaves_nothing(
    command: CommandLine, platform: Platform, candidate: int, tmp_path: Path
) -> None:
    file = tmp_path / "results.csv"
    file.write_text(
        f"{HEADER}{candidate},band_gap_direct,2-Jan,eV,PBE\n{candidate},band_gap_direct,1.9,,PBE\n"
    )
    told = command("submit", str(file), code=1)
    assert "results.csv is refused because of 2 problems" in told
    assert "line 2, column value: '2-Jan' is a date" in told
    assert query(platform, "SELECT count(*) FROM validation_results") == [(0,)]


def test_exported_table_comes_back_filled_in(
    command: CommandLine, platform: Platform, candidate: int, tmp_path: Path
) -> None:
    with platform.database.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE materials SET structure_json = structure_json || "
            '\'{"lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]}, "sites": '
            '[{"species": [{"element": "Sr", "occu": 1}], "abc": [0, 0, 0]}]}\''
        )
    written = command.json("export", "oxide-perovskites-demo", "--output", str(tmp_path / "order"))
    assert written["candidates"] == [candidate]
    table = Path(written["files"]["table"])
    text = table.read_text(encoding="utf-8-sig")
    table.write_text(text.replace(",PBE,,", ",PBE,1.5,"), encoding="utf-8")
    answered = command.json("submit", str(table))
    assert answered["added"] == 2
    assert [(row["candidate"], row["after"]) for row in answered["movements"]] == [
        (candidate, "rejected (poor)")
    ]
    assert "may have been filled in" in command(
        "export", "oxide-perovskites-demo", "--output", str(tmp_path / "order"), code=2
    )
