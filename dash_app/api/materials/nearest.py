"""Finding the materials nearest to one, by the index of pgvector or by comparing with all."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from catalyst_assets.vocabulary.known import label_of
from dash_app.material_contract import ComputedProperty, Neighbour
from resources.postgres.database import Row, fetch_all, fetch_one


@dataclass(frozen=True)
class Nearest:
    """Neighbours, the nearest first.

    Attributes
    ----------
    is_indexed
        Whether the index found them; else all were compared.
    """

    items: list[Neighbour]
    explained_variance: float
    is_indexed: bool


def find_nearest(
    connection: sa.Connection,
    material_id: str,
    *,
    k: int,
    labelled: bool = False,
    name: str | None = None,
    only_indexed: bool = False,
) -> Nearest | None:
    """Return the materials nearest to one; None while it has no features, or where there is no index and one is asked for.

    Parameters
    ----------
    labelled
        Only those of which a value is known.
    name
        Only those of which a value of this property is known.
    """
    asked = fetch_one(connection, "app/neighbours/standing", material_id=material_id)
    if asked is None or (only_indexed and not asked["is_indexed"]):
        return None
    filters = {"labelled": labelled or name is not None, "property": name}
    rows, is_indexed = _find(connection, material_id, asked, filters, k)
    known = _known(connection, [row["material_id"] for row in rows], name)
    items = [Neighbour(**row, known=known.get(row["material_id"], [])) for row in rows]
    return Nearest(items, asked["explained"], is_indexed)


def _find(
    connection: sa.Connection, material_id: str, asked: Row, filters: dict[str, Any], k: int
) -> tuple[list[Row], bool]:
    """Return the nearest, and whether the index found them: of few that pass the filters it finds too few."""
    parameters: dict[str, Any] = {
        "material_id": material_id,
        "components": list(asked["components"]),
        "limit": k,
        **filters,
    }
    if asked["is_indexed"]:
        fetch_one(connection, "app/neighbours/prepare")
        rows = fetch_all(connection, "app/neighbours/indexed", **parameters)
        if len(rows) == k:
            return rows, True
    return fetch_all(connection, "app/neighbours/compared", **parameters), False


def _known(
    connection: sa.Connection, material_ids: list[str], name: str | None
) -> dict[str, list[ComputedProperty]]:
    found: dict[str, list[ComputedProperty]] = {}
    rows = fetch_all(connection, "app/neighbours/values", material_ids=material_ids, property=name)
    for row in rows:
        value = ComputedProperty(
            property=row["property"],
            label=label_of(row["property"]),
            value=row["value"],
            unit=row["unit"] or "",
            method=row["method"] or "",
            source=row["source"] or "",
        )
        found.setdefault(row["material_id"], []).append(value)
    return found
