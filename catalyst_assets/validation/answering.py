"""Validating an iteration: have its flagged candidates worked on, take in what came of it, and let candidates follow.

All that one call does is one transaction, and doing it again finds nothing left to do.
"""

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalyst_assets.campaigns.evaluations import load_evaluations
from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.campaigns.library import read_stored
from catalyst_assets.errors import LoopError
from catalyst_assets.validation.results.examining import examine
from catalyst_assets.validation.results.ledger import record_results
from catalyst_assets.validation.results.model import Result, Submission
from catalyst_assets.validation.results.settling import Settled, settle
from catalyst_assets.validation.validators import Answer, Collected, Validator, WorkRequest
from catalyst_assets.vocabulary.known import unit_of
from catalyst_assets.vocabulary.validators import VALIDATORS, Answers
from resources.postgres.database import Role, execute, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.campaigns.iterations import Iteration
    from catalyst_assets.campaigns.model import Campaign
    from resources.postgres.database import Database


@dataclass(frozen=True)
class Answered:
    """What became of an iteration's candidates.

    Attributes
    ----------
    submitted
        How many the validator was asked about now.
    settled
        How many moved, and where.
    unfit
        Results that may not be learned from as they are.
    waiting
        How many still have no answer.
    """

    submitted: int = 0
    settled: Settled = field(default_factory=Settled)
    unfit: int = 0
    waiting: int = 0


def validate_iteration(database: "Database", partition_key: str, validator: Validator | None) -> Answered:
    """Ask about flagged candidates, record what came back, examine what is new, and settle the candidates.

    Parameters
    ----------
    validator
        None when answers come from outside: what was submitted is examined and settled.

    Raises
    ------
    LoopError
        An answer is in another unit or by another method than was asked for.
    """
    with database.transaction(Role.VALIDATOR) as connection:
        iteration = read_iteration(connection, partition_key)
        fetch_one(connection, "validation/lock_campaign", campaign=iteration.campaign.name)
        submitted = 0
        if validator is not None:
            # What is over makes room for what is flagged; what answers at once is collected in the same breath.
            _collect(connection, iteration, validator)
            submitted = _submit(connection, iteration, validator)
            _collect(connection, iteration, validator)
        unfit = examine(connection, partition_key)
        examine(connection, None)
        execute(connection, "validation/note_settled", partition_key=partition_key)
        settled = settle(connection, iteration)
        waiting = len(fetch_all(connection, "validation/pending", partition_key=partition_key))
    return Answered(submitted, settled, unfit, waiting)


def asked_properties(campaign: "Campaign") -> list[str]:
    """Return what a validator is asked for: what is judged and what is learned."""
    return sorted({*campaign.properties, *campaign.learned_properties})


def _request(campaign: "Campaign", material_id: str) -> WorkRequest:
    return WorkRequest(material_id, tuple(asked_properties(campaign)), campaign.method)


def _submit(connection: "sa.Connection", iteration: "Iteration", validator: Validator) -> int:
    """Send flagged candidates to the validator as far as budget and concurrency reach; it then has them."""
    pending = fetch_all(connection, "validation/pending", partition_key=iteration.partition_key)
    flagged = [row for row in pending if row["status"] == "flagged"]
    chosen = flagged[: _room(connection, iteration.campaign.name)] if flagged else []
    if not chosen:
        return 0
    validator.submit(connection, [_request(iteration.campaign, row["material_id"]) for row in chosen])
    for row in chosen:
        fetch_one(
            connection,
            "acquisition/transition",
            candidate_id=row["candidate_id"],
            to_status="in_validation",
            actor=validator.name,
            reason="",
        )
    return len(chosen)


def _room(connection: "sa.Connection", name: str) -> int | None:
    """Return how many more candidates of a campaign may be sent now, by its goal as it stands; None for any number."""
    stored = fetch_one(connection, "campaigns/one", name=name)
    if stored is None or stored["status"] != "active":
        return 0
    campaign = read_stored(stored["document"])
    room = []
    if campaign.stop.max_evaluations is not None:
        evaluated = {one.material_id for one in load_evaluations(connection, campaign)}
        under_way = {row["material_id"] for row in fetch_all(connection, "loop/under_way", campaign=name)}
        room.append(campaign.stop.max_evaluations - len(evaluated | under_way))
    answers = VALIDATORS[campaign.validator].answers
    if campaign.validation.concurrency is not None and answers is Answers.BY_JOBS:
        work = fetch_all(connection, "loop/work", campaign=name, answers=answers)
        busy = sum(row["n_working"] + row["n_to_collect"] for row in work)
        room.append(campaign.validation.concurrency - busy)
    return max(min(room), 0) if room else None


def _collect(connection: "sa.Connection", iteration: "Iteration", validator: Validator) -> None:
    pending = fetch_all(connection, "validation/pending", partition_key=iteration.partition_key)
    asked = {
        row["material_id"]: _request(iteration.campaign, row["material_id"])
        for row in pending
        if row["status"] == "in_validation"
    }
    progress = validator.poll(connection, list(asked.values())) if asked else {}
    # What was asked for before the structure or the settings changed is another calculation now.
    unasked = [request for material_id, request in asked.items() if material_id not in progress]
    if unasked:
        validator.submit(connection, unasked)
    results: list[Result] = []
    for material_id, stands in progress.items():
        if stands.is_over:
            collected = validator.collect(connection, asked[material_id])
            results += _as_results(iteration, validator.name, material_id, collected)
    if results:
        record_results(connection, results, _submission(iteration, validator.name, results))


def _as_results(
    iteration: "Iteration", validator: str, material_id: str, collected: Collected
) -> list[Result]:
    campaign, key = iteration.campaign, iteration.partition_key
    results = []
    for answer in collected.answers:
        _require_as_asked(answer, campaign)
        results.append(
            Result(
                material_id, campaign.method, validator, answer.property, "measured", answer.value, answer.unit,
                answer.standard_deviation, key, note=answer.note, replicate=collected.attempt,
            )
        )  # fmt: skip
    measured = {answer.property for answer in collected.answers}
    return results + [
        Result(
            material_id, campaign.method, validator, name, "failed", unit=unit_of(name), partition_key=key,
            note=collected.reason, replicate=collected.attempt,
        )
        for name in campaign.learned_properties if name not in measured
    ]  # fmt: skip


def _require_as_asked(answer: Answer, campaign: "Campaign") -> None:
    unit = unit_of(answer.property)
    if (answer.method, answer.unit) != (campaign.method, unit):
        raise LoopError(
            f"{answer.property} of {answer.material_id} was answered in {answer.unit} by {answer.method}; "
            f"campaign {campaign.name} asked for {unit} by {campaign.method}.",
            "Correct the unit and method in the validator's table.",
        )


def _submission(iteration: "Iteration", validator: str, results: list[Result]) -> Submission:
    said = "\n".join(sorted(repr((result.identity(), result.content())) for result in results))
    sha256 = hashlib.sha256(said.encode()).hexdigest()
    return Submission(sha256, f"answers to {iteration.partition_key}", "validator", validator)
