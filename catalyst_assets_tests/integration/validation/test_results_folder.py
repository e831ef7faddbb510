"""The watched folder takes each complete file once, with a receipt beside it, whatever kills it in between."""

import json
import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from catalyst_assets.build import build_defs
from catalyst_assets.validation.submissions import folder as watched
from catalyst_assets.validation.submissions.folder import ResultsFolder, WaitingFile, find_quiet
from catalyst_assets.validation.submissions.reading.problems import RefusedFileError
from catalyst_assets.validation.submissions.sensors import results_folder_sensor
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.loading import query
from resources.platform import Platform

HEADER = "formula,property,value,unit,method\n"
GOOD = f"{HEADER}SrTiO3,band_gap_direct,1.9,eV,PBE\n"
BAD = f"{HEADER}SrTiO3,band_gap_direct,1.9,,PBE\nSrTiO3,band_gap_direct,2-Jan,eV,PBE\n"


@pytest.fixture
def inbox(tmp_path: Path, platform: Platform, campaign: ReviewedCampaign) -> Path:
    campaign.rank(0, ["demo:1"], ["SrTiO3"])
    path = tmp_path / "inbox"
    path.mkdir()
    return path


def names(inbox: Path) -> list[str]:
    return sorted(str(path.relative_to(inbox)) for path in inbox.rglob("*") if path.is_file())


def test_good_and_bad_files_get_their_receipts(platform: Platform, inbox: Path) -> None:
    (inbox / "good.csv").write_text(GOOD)
    (inbox / "oxide-perovskites-demo").mkdir()
    (inbox / "oxide-perovskites-demo" / "bad.csv").write_text(BAD)
    for other in ("unfinished.csv.part", "~$good.xlsx", ".hidden.csv", "photo.png", "1.cif"):
        (inbox / other).write_text("x")
    folder = ResultsFolder(str(inbox))
    waiting = [file.name for file in folder.list_waiting()]
    assert waiting == ["good.csv", "oxide-perovskites-demo/bad.csv"]
    for name in waiting:
        folder.take(platform, name)
    assert [name for name in names(inbox) if name.startswith(("accepted", "refused"))] == [
        "accepted/good.csv",
        "accepted/good.csv.accepted.json",
        "refused/oxide-perovskites-demo/bad.csv",
        "refused/oxide-perovskites-demo/bad.csv.refused.txt",
    ]
    receipt = json.loads((inbox / "accepted/good.csv.accepted.json").read_text())
    assert (receipt["outcome"], receipt["added"]) == ("accepted", 1)
    told = (inbox / "refused/oxide-perovskites-demo/bad.csv.refused.txt").read_text()
    assert "line 2, column value: the unit of band_gap_direct is missing" in told
    assert "line 3, column value: '2-Jan' is a date" in told
    assert folder.list_waiting() == []
    assert query(platform, "SELECT channel, n_rows FROM result_submissions") == [("folder", 1)]


@pytest.mark.parametrize("step", ["put_bytes", "move"])
def test_killed_between_its_steps_it_takes_the_file_once(
    platform: Platform, inbox: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    (inbox / "good.csv").write_text(GOOD)
    folder = ResultsFolder(str(inbox))

    class KilledError(BaseException):
        pass

    def die(*_: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(folder._store, step, die)
        with pytest.raises(KilledError):
            folder.take(platform, "good.csv")
    assert (inbox / "good.csv").exists()
    folder.take(platform, "good.csv")
    assert names(inbox)[0] == "accepted/good.csv"
    assert query(platform, "SELECT count(*) FROM validation_results") == [(1,)]


def test_a_later_file_of_the_same_name_leaves_the_earlier_one(platform: Platform, inbox: Path) -> None:
    folder = ResultsFolder(str(inbox))
    for text in (BAD, BAD + "\n", GOOD):
        (inbox / "results.csv").write_text(text)
        told = folder.take(platform, "results.csv")
    assert not isinstance(told, RefusedFileError)
    assert len(list((inbox / "refused").glob("*.csv"))) == 2
    assert (inbox / "accepted" / "results.csv").read_text() == GOOD


def test_links_out_of_the_folder_are_not_followed(platform: Platform, inbox: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(GOOD)
    (inbox / "link.csv").symlink_to(secret)
    assert ResultsFolder(str(inbox)).list_waiting() == []
    (inbox / "results.csv").write_text("formula,structure,band_gap [eV],method\nSrTiO3,../secret.csv,1,PBE\n")
    told = ResultsFolder(str(inbox)).take(platform, "results.csv")
    assert isinstance(told, RefusedFileError)
    assert "is no structure, and no file of this name lies beside the table" in str(told)


def test_file_is_quiet_when_nothing_of_it_changed_for_ten_seconds() -> None:
    growing, done = WaitingFile("a.csv", 1, "1 x"), WaitingFile("b.csv", 2, "2 y")
    quiet, cursor = find_quiet([growing, done], None, 100.0)
    assert quiet == []
    grown = WaitingFile("a.csv", 5, "5 z")
    quiet, cursor = find_quiet([grown, done], cursor, 111.0)
    assert quiet == [done]
    assert find_quiet([grown], cursor, 50.0)[0] == []  # the clock was set back
    assert find_quiet([], cursor, 120.0) == ([], None)


def test_sensor_requests_one_run_a_file_and_idles_otherwise(
    platform: Platform, inbox: Path, dagster_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = platform.settings.model_copy(update={"results_folder": str(inbox)})
    watching = Platform(settings, platform.database)
    defs = build_defs(platform=watching)

    def look(cursor: str | None, seconds: float) -> Any:
        monkeypatch.setattr(watched, "QUIET_SECONDS", seconds)
        context = dg.build_sensor_context(
            instance=dagster_instance, cursor=cursor, resources={"platform": watching}, definitions=defs
        )
        tick = results_folder_sensor.evaluate_tick(context)
        return tick, tick.cursor

    skipped, cursor = look(None, 0.0)
    assert skipped.skip_message == "No file waits."
    (inbox / "good.csv").write_text(GOOD)
    os.utime(inbox / "good.csv", (1, 1))
    skipped, cursor = look(cursor, 60.0)
    assert skipped.skip_message == "1 files are still changing."
    (request,) = look(cursor, 0.0)[0].run_requests
    job = defs.resolve_job_def("submit_results")
    done = job.execute_in_process(run_config=request.run_config, instance=dagster_instance, tags=request.tags)
    assert done.success
    assert names(inbox) == ["accepted/good.csv", "accepted/good.csv.accepted.json"]
    assert look(cursor, 0.0)[0].skip_message == "No file waits."
    assert query(platform, "SELECT count(*) FROM validation_results") == [(1,)]


def test_people_in_dagster_submit_export_and_retract(
    platform: Platform, inbox: Path, dagster_instance: dg.DagsterInstance
) -> None:
    defs = build_defs(platform=platform)

    def run(job: str, op: str, *, fails: bool = False, **config: Any) -> None:
        settings = {"ops": {op: {"config": config}}}
        found = defs.resolve_job_def(job)
        done = found.execute_in_process(run_config=settings, instance=dagster_instance, raise_on_error=False)
        assert done.success is not fails

    (inbox / "good.csv").write_text(GOOD)
    (inbox / "bad.csv").write_text(BAD)
    run("submit_results", "take_results", file=str(inbox / "bad.csv"), fails=True)
    run("submit_results", "take_results", file="/etc/passwd", fails=True)
    run("submit_results", "take_results", file=str(inbox / "good.csv"))
    ((result,),) = query(platform, "SELECT result_id FROM validation_results")
    run("retract_results", "retract", results=[result], reason="wrong sample")
    assert query(platform, "SELECT outcome FROM validation_results ORDER BY result_id") == [
        ("measured",),
        ("retracted",),
    ]
    run("export_work_order", "export_order", campaign="oxide-perovskites-demo")
    assert not (platform.settings.home / "work-orders").exists()  # nothing waits
