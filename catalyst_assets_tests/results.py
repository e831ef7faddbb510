"""Putting results into the ledger, as a validator does, for tests of what follows from them."""

from collections.abc import Mapping

from catalyst_assets.validation.results.examining import examine
from catalyst_assets.validation.results.ledger import record_results
from catalyst_assets.validation.results.model import Recorded, Result, Submission
from catalyst_assets.vocabulary.known import unit_of
from resources.postgres.database import Database, Role

SUBMISSION = Submission("0" * 64, "results.csv", "file", "ada")


def submit_results(
    database: Database,
    partition_key: str | None,
    material_id: str,
    values: Mapping[str, float | None],
    *,
    method: str = "PBE",
    validator: str = "reference_table",
    note: str = "",
) -> Recorded:
    """Record values of a material, None for a failure, and examine them; candidates stay where they are."""
    results = [
        Result(
            material_id, method, validator, name, "failed" if value is None else "measured", value, unit_of(name),
            partition_key=partition_key, note=note,
        )
        for name, value in values.items()
    ]  # fmt: skip
    with database.transaction(Role.VALIDATOR) as connection:
        recorded = record_results(connection, results, SUBMISSION)
        examine(connection, partition_key)
    return recorded
