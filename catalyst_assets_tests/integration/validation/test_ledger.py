"""The ledger of results: each once, corrected and retracted by rows of their own, and what candidates make of it."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import ResultConflictError, UsageError
from catalyst_assets.loop.campaigns import open_iteration
from catalyst_assets.partitions import IterationKey
from catalyst_assets.validation.answering import validate_iteration
from catalyst_assets.validation.results.ledger import record_results, retract
from catalyst_assets.validation.results.model import Recorded, Result
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.results import SUBMISSION, submit_results
from resources.postgres.database import Database, Role, fetch_all

GAP = Result("p:A", "PBE", "laboratory", "band_gap_direct", value=1.5, unit="eV", sample="S1")
HIT = {"band_gap_direct": 1.5, "formation_energy_per_atom": -2.5}
POOR = {"band_gap_direct": 0.0, "formation_energy_per_atom": -2.5}


@pytest.fixture
def laboratory(database: Database) -> ReviewedCampaign:
    """A campaign that a laboratory answers, and that gives up after two failures."""
    seeded = ReviewedCampaign(database)
    document = seeded.document | {"validator": "laboratory", "failures": {"attempts": 2}}
    return ReviewedCampaign(database, document=document).start()


def submit(database: Database, *results: Result) -> Recorded:
    with database.transaction(Role.VALIDATOR) as connection:
        return record_results(connection, results, SUBMISSION)


def rows(database: Database, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with database.transaction() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query), parameters)]


def standing(campaign: ReviewedCampaign, candidate: int) -> tuple[Any, ...]:
    found = rows(
        campaign.database,
        "SELECT status, rejection_kind FROM candidates WHERE candidate_id = :candidate",
        candidate=candidate,
    )
    return found[0]


def next_labels(campaign: ReviewedCampaign, iteration: int) -> dict[str, tuple[float, float | None]]:
    """Open the next iteration and return its band gaps with their deviations."""
    key = IterationKey(campaign.name, iteration)
    with campaign.database.transaction() as connection:
        open_iteration(connection, Campaign.model_validate(campaign.document), key)
        known = fetch_all(connection, "loop/iteration_labels", partition_key=str(key))
    return {
        row["material_id"]: (row["value"], row["standard_deviation"])
        for row in known
        if row["property"] == "band_gap_direct"
    }


def test_the_same_rows_again_change_nothing(database: Database, laboratory: ReviewedCampaign) -> None:
    laboratory.rank(0, ["p:A"])
    mine = replace(GAP, partition_key=laboratory.key(0), conditions={"temperature": "300 K"})
    first = submit(database, mine, replace(mine, sample="S2"))
    assert (len(first.added), first.unchanged, first.partition_keys) == (2, 0, (laboratory.key(0),))
    assert submit(database, mine, replace(mine, sample="S3"), mine).unchanged == 2
    assert rows(database, "SELECT count(*) FROM validation_results") == [(3,)]
    assert rows(database, "SELECT n_rows FROM result_submissions ORDER BY 1") == [(2,), (3,)]


def test_another_value_needs_a_reason_and_a_late_duplicate_brings_nothing_back(
    database: Database, laboratory: ReviewedCampaign
) -> None:
    laboratory.rank(0, ["p:A"])
    (first,) = submit(database, GAP).added
    with pytest.raises(ResultConflictError, match=r"sample S1\) is 1.5 eV in the ledger .* and 1.6 eV here"):
        submit(database, replace(GAP, sample="S9"), replace(GAP, value=1.6))
    assert rows(database, "SELECT count(*) FROM validation_results") == [(1,)]

    corrected = replace(GAP, value=1.6, corrects="wrong cell")
    (second,) = submit(database, corrected).corrected
    assert submit(database, GAP, corrected).unchanged == 2  # the first one came late
    with database.transaction(Role.VALIDATOR) as connection:
        with pytest.raises(UsageError, match=f"corrected by result {second}"):
            retract(connection, first, by="ada", reason="contaminated")
        assert retract(connection, second, by="ada", reason="contaminated") is True
        assert retract(connection, second, by="ada", reason="contaminated") is False
    assert submit(database, GAP, corrected).unchanged == 2
    chain = rows(
        database, "SELECT outcome, value, supersedes, reason FROM validation_results ORDER BY result_id"
    )
    assert chain == [
        ("measured", 1.5, None, ""),
        ("measured", 1.6, first, "wrong cell"),
        ("retracted", None, second, "contaminated"),
    ]
    with pytest.raises(ResultConflictError, match="was retracted as result"):
        submit(database, replace(GAP, value=1.7))
    assert len(submit(database, replace(GAP, value=1.7, corrects="measured anew")).corrected) == 1


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE validation_results SET value = 2", "append-only"),
        ("DELETE FROM validation_results", "append-only"),
        (
            "INSERT INTO validation_results (material_id, property, method, outcome, value, unit, validator, supersedes,"
            " reason) SELECT 'p:B', property, method, outcome, value, unit, validator, result_id, 'x'"
            " FROM validation_results",
            "of the same material",
        ),
        (
            "INSERT INTO validation_results (material_id, property, method, outcome, value, unit, validator,"
            " standard_deviation) VALUES ('p:A', 'band_gap_direct', 'PBE', 'measured', 1, 'eV', 'x', -1)",
            "standard_deviation",
        ),
        (
            "INSERT INTO validation_results (material_id, property, method, outcome, value, unit, validator,"
            " synthesis) VALUES ('p:A', 'band_gap_direct', 'PBE', 'measured', 1, 'eV', 'x', 'failed')",
            "synthesis",
        ),
        (
            "SELECT transition_candidate(candidate_id, 'validated', 'x', '') FROM candidates WHERE material_id = 'p:B'",
            "no measured value",
        ),
    ],
)
def test_the_database_itself_refuses_what_would_lose_or_contradict_a_result(
    database: Database, laboratory: ReviewedCampaign, statement: str, said: str
) -> None:
    _, other = laboratory.rank(0, ["p:A", "p:B"])
    laboratory.move(other, "flagged", "in_validation")
    submit(database, GAP)
    with pytest.raises(sa.exc.DBAPIError, match=said), database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text(statement))


def test_replicates_are_averaged_with_their_scatter_and_each_campaign_sees_its_own(
    database: Database, laboratory: ReviewedCampaign
) -> None:
    laboratory.rank(0, ["p:A", "p:B", "p:C"])
    mine = replace(GAP, partition_key=laboratory.key(0))
    submit(
        database,
        *[replace(mine, value=value, replicate=n) for n, value in enumerate((1.0, 1.2, 1.4), start=1)],
        *[replace(mine, material_id="p:B", value=0.2, replicate=n) for n in (1, 2, 3)],
        # Nobody's iteration asked for it: any campaign of its method may learn from it.
        replace(GAP, material_id="p:C", value=2.0, standard_deviation=0.1),
        replace(GAP, material_id="p:C", value=2.2, standard_deviation=0.1, sample="S2"),
        replace(GAP, material_id="p:C", value=9.0, method="HSE06"),
    )
    validate_iteration(database, laboratory.key(0), None)
    labels = next_labels(laboratory, 1)
    assert labels["p:A"] == (pytest.approx(1.2), pytest.approx(0.2 / 3**0.5))
    assert labels["p:B"] == (0.2, None)
    assert labels["p:C"] == (pytest.approx(2.1), pytest.approx(0.1))
    other = ReviewedCampaign(database, "another", laboratory.document | {"name": "another"}).start()
    assert set(next_labels(other, 0)) == {"p:C"}


def test_candidates_follow_their_results(database: Database, laboratory: ReviewedCampaign) -> None:
    key = laboratory.key(0)
    hit, poor, open_, idle = laboratory.rank(0, ["p:A", "p:B", "p:C", "p:D"])
    for candidate in (hit, poor, open_):
        laboratory.move(candidate, "flagged")
    submit_results(database, key, "p:A", HIT, validator="laboratory")
    submit_results(database, key, "p:B", POOR, validator="laboratory")
    submit_results(database, key, "p:C", {"band_gap_direct": 1.5}, validator="laboratory")
    submit_results(database, key, "p:D", HIT, validator="laboratory")
    answered = validate_iteration(database, key, None)
    assert (answered.settled.validated, answered.settled.poor, answered.waiting) == (1, 1, 1)
    assert standing(laboratory, hit) == ("validated", None)
    assert standing(laboratory, poor) == ("rejected", "poor")
    assert standing(laboratory, open_) == ("flagged", None)
    assert standing(laboratory, idle) == ("ranked", None)
    assert set(next_labels(laboratory, 1)) == {"p:A", "p:B", "p:C", "p:D"}
    again = validate_iteration(database, key, None).settled
    assert (again.validated, again.poor, again.failed, again.returned, again.reopened) == (0, 0, 0, 0, 0)


def test_a_correction_changes_the_verdict_and_a_retraction_opens_it_again(
    database: Database, laboratory: ReviewedCampaign
) -> None:
    key = laboratory.key(0)
    (candidate,) = laboratory.rank(0, ["p:A"])
    laboratory.move(candidate, "flagged")
    submit_results(database, key, "p:A", HIT, validator="laboratory")
    validate_iteration(database, key, None)
    labels = next_labels(laboratory, 1)
    gap = replace(GAP, partition_key=key, sample="", value=0.1, corrects="lamp was off")
    (corrected,) = submit(database, gap).corrected
    validate_iteration(database, key, None)
    assert standing(laboratory, candidate) == ("rejected", "poor")
    marked = rows(
        database,
        "SELECT partition_key, property, outcome, value, reason, submitted_by FROM superseded_labels",
    )
    assert marked == [(laboratory.key(1), "band_gap_direct", "measured", 0.1, "lamp was off", "ada")]
    with database.transaction(Role.VALIDATOR) as connection:
        retract(connection, corrected, by="ada", reason="wrong sample")
    validate_iteration(database, key, None)
    assert standing(laboratory, candidate) == ("in_validation", None)
    assert labels == {"p:A": (1.5, None)}
    assert next_labels(laboratory, 2) == {}
    events = rows(
        database,
        "SELECT to_status, reason FROM candidate_events WHERE candidate_id = :candidate ORDER BY event_id",
        candidate=candidate,
    )
    assert events[-2:] == [
        ("rejected", "measured, and no hit"),
        ("in_validation", "band_gap_direct was retracted: wrong sample"),
    ]


def test_a_failure_returns_a_candidate_and_the_last_one_rejects_it(
    database: Database, laboratory: ReviewedCampaign
) -> None:
    key = laboratory.key(0)
    (candidate,) = laboratory.rank(0, ["p:A"])
    laboratory.move(candidate, "flagged", "in_validation")
    failed = Result(
        "p:A", "PBE", "laboratory", outcome="failed", synthesis="failed", partition_key=key, note="melted"
    )
    submit(database, failed)
    assert validate_iteration(database, key, None).settled.returned == 1
    assert standing(laboratory, candidate) == ("flagged", None)
    assert validate_iteration(database, key, None).settled.returned == 0
    laboratory.move(candidate, "in_validation")
    submit(database, replace(failed, replicate=2))
    assert validate_iteration(database, key, None).settled.failed == 1
    assert standing(laboratory, candidate) == ("rejected", "infeasible")
    reasons = rows(database, "SELECT reason FROM candidate_events WHERE to_status IN ('flagged', 'rejected')")
    lacks = "laboratory has no answer for band_gap_direct, formation_energy_per_atom: melted"
    assert reasons == [("",), (lacks,), (f"failed 2 times, the last time because {lacks}",)]
    # What comes late all the same is an answer.
    submit_results(database, key, "p:A", HIT, validator="laboratory")
    validate_iteration(database, key, None)
    assert standing(laboratory, candidate) == ("validated", None)


def test_what_is_unfit_stays_in_the_ledger_and_is_not_learned_from(
    database: Database, laboratory: ReviewedCampaign
) -> None:
    key = laboratory.key(0)
    (candidate,) = laboratory.rank(0, ["p:A"])
    laboratory.move(candidate, "flagged")
    with database.transaction(Role.VALIDATOR) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO validation_results (partition_key, material_id, property, method, outcome, value, unit,"
                " validator) VALUES (:key, 'p:A', 'band_gap_direct', 'PBE', 'measured', 1500, 'meV', 'script')"
            ),
            {"key": key},
        )
    submit_results(database, key, "p:A", {"formation_energy_per_atom": -2.5}, validator="laboratory")
    assert validate_iteration(database, key, None).unfit == 1
    assert standing(laboratory, candidate) == ("flagged", None)
    (problem,) = rows(database, "SELECT problem FROM result_examinations WHERE problem IS NOT NULL")
    assert "band_gap_direct of p:A is in meV, not eV." in problem[0]
    assert next_labels(laboratory, 1) == {}
    assert rows(database, "SELECT submitted_by FROM validation_results WHERE validator = 'script'") == [
        ("catalyst_validator",)
    ]


def test_a_candidate_of_a_closed_iteration_is_not_flagged(
    database: Database, laboratory: ReviewedCampaign
) -> None:
    (candidate,) = laboratory.rank(0, ["p:A"])
    with database.transaction() as connection:
        connection.execute(sa.text("UPDATE active_learning_runs SET status = 'closed'"))
    with pytest.raises(sa.exc.DBAPIError, match=r"iteration .* is closed"):
        laboratory.move(candidate, "flagged")
