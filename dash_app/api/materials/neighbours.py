"""`/materials/{material_id}/neighbours`: the materials whose structures are nearest by the features of the backbone in use."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from catalyst_assets.errors import LoopError
from catalyst_assets.vocabulary.known import known_properties
from dash_app.api.connection import Transaction
from dash_app.api.materials.listing import unknown_property
from dash_app.api.materials.nearest import find_nearest
from dash_app.api.materials.routes import MaterialId, find_material
from dash_app.api.problems import problem_responses
from dash_app.material_contract import NeighbourList

router = APIRouter(prefix="/materials", tags=["materials"], responses=problem_responses(404, 409, 422, 503))

_MOST: Final = 200


@router.get("/{material_id}/neighbours", summary="Find similar materials")
def list_neighbours(
    material_id: MaterialId,
    connection: Transaction,
    k: Annotated[int, Query(ge=1, le=_MOST, description="How many.")] = 10,
    labelled: Annotated[
        bool, Query(description="Only those of which a value is known, from a source or by a result.")
    ] = False,
    property: Annotated[  # noqa: A002 (as people call it)
        str | None,
        Query(max_length=100, description="Only those of which a value of this property is known."),
    ] = None,
) -> NeighbourList:
    """Find the materials that the backbone in use describes most alike, with what is known of them.

    Distances are Euclidean in the first 64 principal components of standardized features. With pgvector an index finds them
    (`method` is `index`: nearly always the nearest, in milliseconds); without, all are compared (`exact`).
    """
    find_material(connection, material_id)
    if property is not None and property not in known_properties():
        raise unknown_property(property)
    nearest = find_nearest(connection, material_id, k=k, labelled=labelled, name=property)
    if nearest is None:
        raise LoopError(
            f"The structure of {material_id} has no features yet.",
            "They follow materials by themselves; a structure that has none is in quarantine, with the reason.",
        )
    return NeighbourList(
        material_id=material_id,
        method="index" if nearest.is_indexed else "exact",
        explained_variance=nearest.explained_variance,
        items=nearest.items,
    )
