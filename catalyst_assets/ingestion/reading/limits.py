"""What a crystal must be to be used, wherever it comes from: one pandera schema, and its reasons in words."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from catalyst_assets.ingestion.reading.crystals import (
    MOST_SITES,
    SHORTEST_DISTANCE_ANGSTROM,
    VOLUME_PER_ATOM_ANGSTROM3,
    Crystal,
)

if TYPE_CHECKING:
    import pandas as pd


def structure_problems(crystals: Sequence[Crystal]) -> list[tuple[int, str]]:
    """Return what is wrong with measured crystals: the index of each, and a reason; a composition has no structure."""
    import pandas as pd

    schema = _structure_schema()
    places = [place for place, crystal in enumerate(crystals) if crystal.structure_json is not None]
    frame = pd.DataFrame(
        {name: [getattr(crystals[place], name) for place in places] for name in schema.columns}
    )
    return [
        (places[row], f"{column.replace('_', ' ')} {check}")
        for row, column, check in _failures(schema, frame)
    ]


@cache
def _structure_schema() -> Any:
    """Return the pandera schema of measured structures, one row a record."""
    import pandera.pandas as pa

    low, high = VOLUME_PER_ATOM_ANGSTROM3
    return pa.DataFrameSchema(
        {
            "ordered": pa.Column(bool, pa.Check.eq(True, error="is false: species share a site")),
            "known_species": pa.Column(bool, pa.Check.eq(True, error="is false: no chemical element")),
            "n_sites": pa.Column(int, pa.Check.in_range(1, MOST_SITES, error=f"outside 1 to {MOST_SITES}")),
            "thickness": pa.Column(
                float,
                pa.Check.ge(SHORTEST_DISTANCE_ANGSTROM, error=f"below {SHORTEST_DISTANCE_ANGSTROM:g} Å"),
            ),
            "volume_per_atom": pa.Column(
                float, pa.Check.in_range(low, high, error=f"outside {low:g} to {high:g} Å³")
            ),
            "shortest_distance": pa.Column(
                float,
                pa.Check.ge(SHORTEST_DISTANCE_ANGSTROM, error=f"below {SHORTEST_DISTANCE_ANGSTROM:g} Å"),
                nullable=True,
            ),
        }
    )


def _failures(schema: Any, frame: "pd.DataFrame") -> list[tuple[int, str, str]]:
    """Return (row, column, check) of every check of a schema that failed, in the order of rows."""
    import pandera.errors

    if frame.empty:
        return []
    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases[["index", "column", "check"]].itertuples(index=False)
        return sorted((int(row), str(column), str(check)) for row, column, check in cases)
    return []
