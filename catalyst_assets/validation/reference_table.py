"""The validator that answers from a table: published or shipped values, hidden from everything else."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from catalyst_assets.validation.validators import Answer, Collected, Progress, WorkRequest
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    import sqlalchemy as sa


class ReferenceTable:
    """Answers from ``reference_values``, which the role of the validator alone can read."""

    name: Final = "reference_table"

    def submit(self, connection: "sa.Connection", requests: Sequence[WorkRequest]) -> None:
        """Do nothing: every answer is there already."""

    def poll(self, connection: "sa.Connection", requests: Sequence[WorkRequest]) -> Mapping[str, Progress]:
        """Tell that all is done."""
        return {request.material_id: Progress.DONE for request in requests}

    def collect(self, connection: "sa.Connection", request: WorkRequest) -> Collected:
        """Return the table's values; of several sources the alphabetically first, always the same."""
        rows = fetch_all(
            connection,
            "validation/reference_answers",
            material_ids=[request.material_id],
            properties=list(request.properties),
            method=request.method,
        )
        first: dict[str, Answer] = {}
        for row in rows:
            answer = Answer(
                row["material_id"], row["property"], request.method, row["value"], row["unit"], row["source"]
            )
            first.setdefault(answer.property, answer)
        return Collected(tuple(first.values()), "no answer")

    def cancel(self, connection: "sa.Connection", request: WorkRequest, reason: str) -> None:
        """Do nothing: nothing is under way."""
