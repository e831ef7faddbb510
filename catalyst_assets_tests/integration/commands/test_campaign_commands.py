"""`catalyst campaign`: what each command says and does on a real database."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.cli import app
from catalyst_assets.errors import CatalystError, InvalidCampaignError, UsageError
from catalyst_assets.loop.campaigns import open_iteration, start_campaign
from catalyst_assets.partitions import IterationKey
from catalyst_assets_tests.integration.learning.learning_campaign import CAMPAIGN as SALTS
from catalyst_assets_tests.integration.learning.learning_campaign import load_salts, salts
from catalyst_assets_tests.integration.loop.iterations import measure_batch, rank_iteration, start_iteration
from resources.platform import Platform
from resources.postgres.database import Role, copy_rows

CRITERIA = Campaign.model_validate(
    SALTS.document
    | {
        "name": "stable-salts",
        "objective": None,
        "criteria": [{"property": "formation_energy_per_atom", "max": -2.0}],
        "acquisition": {"batch_size": 4},
        "initial_batch": 4,
        "learning": {"heads": ["gaussian_process"]},
        "validator": "reference_table",
    }
)


@pytest.fixture
def run(own_environment: None, monkeypatch: pytest.MonkeyPatch) -> "type[Runner]":
    monkeypatch.setenv("COLUMNS", "160")
    return Runner


class Runner:
    """Runs commands in this process."""

    @staticmethod
    def campaign(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["campaign", *arguments])

    @staticmethod
    def says(*arguments: str) -> str:
        outcome = Runner.campaign(*arguments)
        assert outcome.exit_code == 0, outcome.exception
        return " ".join(outcome.output.split())

    @staticmethod
    def refusal(*arguments: str) -> CatalystError:
        outcome = Runner.campaign(*arguments)
        assert isinstance(outcome.exception, CatalystError)
        return outcome.exception


def energies() -> dict[str, float]:
    return {name: -1.0 - 0.1 * place for place, name in enumerate(sorted(salts()))}


def know_answers(platform: Platform, names: list[str]) -> None:
    """Let the validator know what each salt's energy is."""
    with platform.database.transaction(Role.OWNER) as connection:
        copy_rows(
            connection,
            "reference_values",
            ["source", "material_id", "property", "method", "value", "unit", "raw_sha256"],
            [
                ("t", name, "formation_energy_per_atom", "PBE", energies()[name], "eV/atom", "0" * 64)
                for name in names
            ],
        )


def salted(platform: Platform, campaign: Campaign = CRITERIA) -> str:
    """Run the first iteration of a campaign, four of whose candidates are answered, and rank the second."""
    load_salts(platform, campaign)
    know_answers(platform, sorted(salts()))
    first = start_iteration(platform, campaign, 0)
    rank_iteration(platform, first)
    measure_batch(
        platform, first, campaign, lambda name: {"formation_energy_per_atom": energies()[name]}, 4, "eV/atom"
    )
    second = start_iteration(platform, campaign, 1)
    rank_iteration(platform, second)
    return second


def test_a_campaign_is_shown_with_its_goal_iterations_hits_and_next_batch(
    run: type[Runner], platform: Platform
) -> None:
    second = salted(platform)
    text = run.says("show", "stable-salts")
    assert "stable-salts (active) Materials with at most 8 sites" in text
    assert "Formation energy per atom at most -2 eV/atom" in text
    assert "Measured with PBE by the reference table" in text
    held = json.loads(run.campaign("show", "stable-salts", "--json").output)
    expected = sum(value <= -2.0 for value in energies().values())
    assert (held["pool_size"], held["evaluated"], held["hits_in_pool"]) == (30, 4, expected)
    assert (
        held["hits"]
        == len(held["found"])
        == sum(hit["values"]["formation_energy_per_atom"] <= -2 for hit in held["found"])
    )
    assert [one["labels"] for one in held["iterations"]] == [0, 4]
    assert [one["rank"] for one in held["next_batch"]] == [1, 2, 3, 4]
    assert held["model"]["partition"] == second
    assert held["provenance"]["iteration"] == second
    assert all(
        re.fullmatch("[0-9a-f]{64}", held["provenance"][name]) for name in ("labels", "model", "ranking")
    )
    assert f"{held['hits']} of {expected} hits after 4 evaluations of 30 candidates" in text
    (listed,) = json.loads(run.campaign("list", "--json").output)
    assert (listed["n_evaluated"], listed["n_hits"]) == (4, held["hits"])


def test_a_report_is_written_at_any_time(run: type[Runner], platform: Platform, tmp_path: Path) -> None:
    load_salts(platform, CRITERIA)
    page = tmp_path / "a new" / "report.html"
    assert str(page) in run.says("report", "stable-salts", "--output", str(page))
    assert "0 of 30" in page.read_text()
    objective = SALTS.model_copy(update={"learning": CRITERIA.learning, "name": "salts-two"})
    start_campaign(platform.database, objective)
    first = start_iteration(platform, objective, 0)
    rank_iteration(platform, first)
    run.says("report", "salts-two", "--output", str(page))
    text = page.read_text()
    assert "Minimize formation energy per atom (eV/atom)" in text
    assert "30 members of the pool that have features" in text
    refused = run.refusal("report", "nobody")
    assert isinstance(refused, UsageError)
    assert "no campaign nobody" in refused.message


def test_a_stopped_campaign_says_why_and_goes_on_when_it_is_started_again(
    run: type[Runner], platform: Platform, tmp_path: Path
) -> None:
    load_salts(platform, CRITERIA)
    with platform.database.transaction() as connection:
        open_iteration(connection, CRITERIA, IterationKey("stable-salts", 0))
    assert "empty" in run.refusal("stop", "stable-salts", "--reason", " ").message
    assert "has ended" in run.says("stop", "stable-salts", "--reason", "the oven broke")
    assert (
        "has ended already: stopped: the oven broke"
        in run.refusal("stop", "stable-salts", "--reason", "x").message
    )
    assert "no campaign nobody" in run.refusal("stop", "nobody", "--reason", "x").message
    (row,) = json.loads(run.campaign("list", "--json").output)
    assert (row["status"], row["stop_reason"], row["n_iterations"]) == (
        "finished",
        "stopped: the oven broke",
        1,
    )
    assert "It ended: stopped: the oven broke." in run.says("show", "stable-salts")

    file = tmp_path / "again.yaml"
    file.write_text(json.dumps(CRITERIA.document))
    run.says("start", str(file))
    (row,) = json.loads(run.campaign("list", "--json").output)
    assert (row["status"], row["stop_reason"], row["n_iterations"]) == ("active", None, 1)


def test_validation_of_a_file_says_what_a_home_lacks_for_it(
    run: type[Runner], platform: Platform, tmp_path: Path
) -> None:
    file = tmp_path / "salts.yaml"
    file.write_text(json.dumps(CRITERIA.document))
    platform.settings.home.mkdir(parents=True, exist_ok=True)
    empty = run.campaign("validate", str(file))
    assert empty.exit_code == 1
    assert "missing: The pool is empty" in empty.output

    load_salts(platform, SALTS)
    unanswered = run.campaign("validate", str(file))
    assert unanswered.exit_code == 1
    assert "The reference table knows formation_energy_per_atom by PBE of no member" in unanswered.output

    know_answers(platform, sorted(salts())[:20])
    ready = run.campaign("validate", str(file), "--json")
    assert ready.exit_code == 0
    found = json.loads(ready.output)["home"]
    assert (found["pool_size"], found["with_features"], found["answerable"]) == (30, 30, 20)
    assert found["labels"] == {"formation_energy_per_atom": 0}
    assert found["problems"] == []
    assert found["remarks"] == [
        "10 members have no answer and will be rejected when they are asked for.",
        "No value by PBE is known: the initial batch is chosen to cover the pool.",
        "There is no stop rule: it goes on until the pool ends.",
    ]
    for changes, remark in (
        ({"initial_batch": 100_000}, "The initial batch of 100000 is the whole pool of 30"),
        ({"acquisition": {"batch_size": 100_000}}, "one of 100000 are the whole pool of 30"),
        ({"stop": {"max_evaluations": 4}}, "stop.max_evaluations 4 ends it with the initial batch of 4"),
    ):
        file.write_text(json.dumps(CRITERIA.document | changes))
        assert remark in " ".join(run.says("validate", str(file)).split())


def test_a_file_is_checked_without_making_a_home(tmp_path: Path) -> None:
    home = tmp_path / "none"
    text = Runner.says("validate", "hydrogen-evolution", "--home", str(home))
    assert "does not exist yet: only the file was checked" in text
    assert "Adsorption free energy H -0.1 to 0.1 eV" in text
    assert not home.exists()
    wrong = tmp_path / "wrong.yaml"
    document = load_campaign("hydrogen-evolution").document
    document["derive"] = {"adsorption_free_energy_H": "hydrogen_free_energy(adsorption_energy_O)"}
    wrong.write_text(json.dumps(document))
    refused = Runner.refusal("validate", str(wrong), "--home", str(home))
    assert isinstance(refused, InvalidCampaignError)
    assert refused.exit_code == 2
    assert "adsorption_energy_H" in refused.message


def test_formulas_are_listed_with_unit_and_paper() -> None:
    known = json.loads(Runner.campaign("derivations", "--json").output)
    assert known["hydrogen_free_energy"]["unit"] == "eV"
    assert known["oer_overpotential"]["arguments"][1]["properties"] == ["adsorption_energy_OH"]
    text = Runner.says("derivations")
    for name, formula in known.items():
        assert name in text
        assert formula["paper"].split("(")[0].split(",")[0] in text
