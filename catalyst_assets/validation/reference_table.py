"""The validator that answers from a table: published or shipped values, hidden from everything else."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from catalyst_assets.validation.validators import Answer
from resources.postgres.database import Role, fetch_all

if TYPE_CHECKING:
    from resources.postgres.database import Database


class ReferenceTable:
    """Answers from ``reference_values``, which its database role alone can read.

    Parameters
    ----------
    database
        Must be able to connect as the validator.
    """

    name: Final = "reference_table"

    def __init__(self, database: "Database") -> None:
        self._database = database

    def answer(self, material_ids: Sequence[str], properties: Sequence[str], method: str) -> list[Answer]:
        """Return the table's values; of several sources the alphabetically first, always the same."""
        with self._database.transaction(Role.VALIDATOR) as connection:
            rows = fetch_all(
                connection,
                "validation/reference_answers",
                material_ids=list(material_ids),
                properties=list(properties),
                method=method,
            )
        first: dict[tuple[str, str], Answer] = {}
        for row in rows:
            answer = Answer(
                row["material_id"], row["property"], method, row["value"], row["unit"], row["source"]
            )
            first.setdefault((answer.material_id, answer.property), answer)
        return list(first.values())
