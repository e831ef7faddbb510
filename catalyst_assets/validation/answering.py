"""Putting an iteration's waiting candidates to its validator and recording what comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.campaigns.rejections import RejectionKind
from catalyst_assets.errors import LoopError
from catalyst_assets.validation.validators import Answer, Validator
from catalyst_assets.vocabulary.known import unit_of
from resources.postgres.database import Role, execute_many, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.campaigns.iterations import Iteration
    from catalyst_assets.campaigns.model import Campaign
    from resources.postgres.database import Database, Row


@dataclass(frozen=True)
class Answered:
    """What became of the candidates that waited.

    Attributes
    ----------
    validated, rejected
        How many were answered for in full, and how many were not.
    waiting
        How many an outside validator still has to answer for.
    """

    validated: int = 0
    rejected: int = 0
    waiting: int = 0


def answer_pending(database: "Database", partition_key: str, validator: Validator | None) -> Answered:
    """Ask about every flagged candidate of an iteration; all that comes of it is one transaction.

    Asking again finds nobody waiting and changes nothing.

    Parameters
    ----------
    validator
        None when answers come from outside: the candidates go on waiting.

    Raises
    ------
    LoopError
        An answer is in another unit or by another method than was asked for.
    """
    with database.transaction(Role.VALIDATOR) as connection:
        fetch_one(connection, "validation/lock_iteration", partition_key=partition_key)
        iteration = read_iteration(connection, partition_key)
        pending = fetch_all(connection, "validation/pending", partition_key=partition_key)
        if validator is None or not pending:
            return Answered(waiting=len(pending))
        campaign = iteration.campaign
        material_ids = [row["material_id"] for row in pending]
        answers = validator.answer(material_ids, asked_properties(campaign), campaign.method)
        by_material: dict[str, dict[str, Answer]] = {material_id: {} for material_id in material_ids}
        for answer in answers:
            _require_as_asked(answer, campaign)
            by_material[answer.material_id][answer.property] = answer
        lacking = {
            material_id: [name for name in campaign.learned_properties if name not in found]
            for material_id, found in by_material.items()
        }
        _record(connection, iteration, validator.name, by_material, lacking)
        _transition(connection, pending, validator.name, lacking)
    rejected = sum(bool(names) for names in lacking.values())
    return Answered(validated=len(pending) - rejected, rejected=rejected)


def asked_properties(campaign: "Campaign") -> list[str]:
    """Return what a validator is asked for: what is judged and what is learned."""
    return sorted({*campaign.properties, *campaign.learned_properties})


def _require_as_asked(answer: Answer, campaign: "Campaign") -> None:
    unit = unit_of(answer.property)
    if (answer.method, answer.unit) != (campaign.method, unit):
        raise LoopError(
            f"{answer.property} of {answer.material_id} was answered in {answer.unit} by {answer.method}; "
            f"campaign {campaign.name} asked for {unit} by {campaign.method}.",
            "Correct the unit and method in the validator's table.",
        )


def _record(
    connection: "sa.Connection",
    iteration: "Iteration",
    validator: str,
    by_material: Mapping[str, Mapping[str, Answer]],
    lacking: Mapping[str, Sequence[str]],
) -> None:
    common = {
        "partition_key": iteration.partition_key,
        "method": iteration.campaign.method,
        "validator": validator,
    }
    failed = {"outcome": "failed", "value": None, "note": "no answer"}
    rows: list[dict[str, Any]] = []
    for material_id, found in by_material.items():
        here = common | {"material_id": material_id}
        rows += [here | {"outcome": "measured"} | _as_row(answer) for answer in found.values()]
        rows += [here | failed | {"property": name, "unit": unit_of(name)} for name in lacking[material_id]]
    execute_many(connection, "validation/record_result", rows)


def _as_row(answer: Answer) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in ("property", "value", "unit", "note")}


def _transition(
    connection: "sa.Connection", pending: "list[Row]", validator: str, lacking: Mapping[str, Sequence[str]]
) -> None:
    for row in pending:
        step = {"candidate_id": row["candidate_id"], "actor": validator}
        absent = lacking[row["material_id"]]
        fetch_one(connection, "acquisition/transition", **step, to_status="in_validation", reason="")
        if absent:
            reason = f"{validator} has no answer for {', '.join(absent)}"
            fetch_one(
                connection, "acquisition/reject", **step, reason=reason, kind=RejectionKind.FAILED.value
            )
        else:
            fetch_one(connection, "acquisition/transition", **step, to_status="validated", reason="")
