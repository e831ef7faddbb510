"""Values that were derived, as properties of materials: entries beside those that sources give, marked as derived."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from catalyst_assets.vocabulary.known import known_properties
from resources.postgres.database import execute

if TYPE_CHECKING:
    import sqlalchemy as sa


def set_derived_values(
    connection: "sa.Connection",
    property_name: str,
    *,
    label: str,
    method: str,
    before: Mapping[str, float],
    wanted: Mapping[str, float],
) -> int:
    """Make these the derived values of a property under one source and method; return how many materials that changed.

    Parameters
    ----------
    label
        Under which source they are kept.
    before
        What the materials concerned have, by material; one that is not wanted any more loses it.
    """
    unit = known_properties()[property_name].unit
    about = {"unit": unit, "method": method, "source": label}
    rows = [
        {
            "material_id": name,
            "entries": [{"value": wanted[name], "derived": True, **about}] if name in wanted else [],
        }
        for name in sorted(before.keys() | wanted.keys())
        if before.get(name) != wanted.get(name)
    ]
    if rows:
        execute(
            connection,
            "ingestion/set_derived_values",
            property=property_name,
            rows=json.dumps(rows),
            label=label,
            method=method,
        )
    return len(rows)
