"""A campaign that the program of docs/validation.md answers, from its YAML to its end."""

import re
from pathlib import Path

import dagster as dg
import pytest
import yaml

from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.ingestion.prototypes.spec import SPEC
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets.loop.state import FEATURES_JOB
from catalyst_assets_tests.loading import query
from catalyst_assets_tests.unit.project.test_conventions import PROJECT
from resources.platform import Platform

DOCUMENT = (PROJECT / "docs" / "validation.md").read_text()
CAMPAIGN = """
name: by-command
pool: {source: prototypes_few}
criteria: [{property: band_gap_direct, min: 1.0, max: 2.3}]
method: PBE
initial_batch: 3
acquisition: {batch_size: 2}
validator: command
review: automatic
stop: {max_iterations: 2}
test_fraction: 0
"""
ENUMERATION = {
    "name": "few",
    "prototype": "cubic_perovskite",
    # no electronegativity of Tl is in the example: those fail
    "sites": {"A": ["Ca", "Sr", "Ba", "Tl"], "B": ["Ti", "Zr", "Hf", "Sn", "Nb"], "X": ["O"]},
}


def documented_command() -> str:
    (command,) = re.findall(r"export CATALYST_VALIDATOR_COMMAND='(.*)'", DOCUMENT)
    return str(command).replace("docs/", f"{PROJECT}/docs/")


@pytest.mark.long
def test_a_program_answers_a_campaign_to_its_end(
    platform: Platform, dagster_instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    settings = platform.settings.model_copy(update={"validator_command": documented_command()})
    ours = Platform(settings, platform.database)
    enumeration, campaign = tmp_path / "few.yaml", tmp_path / "by-command.yaml"
    enumeration.write_text(yaml.safe_dump(ENUMERATION))
    campaign.write_text(CAMPAIGN)
    driver = LoopDriver(ours, dagster_instance)
    driver.execute(SPEC.job, ops={SPEC.asset: {"config": {"files": [str(enumeration)]}}})
    driver.execute(FEATURES_JOB)
    start_campaign(ours.database, load_campaign(str(campaign)))
    driver.drive("by-command")

    jobs = query(ours, "SELECT status, attempt, reason FROM validation_jobs ORDER BY status")
    assert {(status, attempt) for status, attempt, _ in jobs} <= {("done", 1), ("failed", 1)}
    answered = query(
        ours,
        "SELECT c.status, v.outcome, v.validator, v.unit, v.standard_deviation FROM candidates c"
        " JOIN validation_results v USING (partition_key, material_id) WHERE v.outcome = 'measured'",
    )
    assert 2 <= len(answered) <= 5
    assert {row[1:] for row in answered} == {("measured", "command", "eV", 0.8)}
    assert {row[0] for row in answered} <= {"validated", "rejected"}
    ((labels,),) = query(
        ours, "SELECT count(*) FROM iteration_labels WHERE partition_key = 'by-command__0001'"
    )
    assert labels == sum(1 for _ in query(ours, "SELECT 1 FROM validation_results WHERE partition_key LIKE '%0000' AND outcome = 'measured'"))  # fmt: skip
    runs = dagster_instance.get_runs(dg.RunsFilter(job_name="calculation"))
    assert len(runs) == len(jobs)
    assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
