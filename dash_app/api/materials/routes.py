"""`/materials`: one material with all that is known of it."""

import re
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, Path, Response

from catalyst_assets.constants import NO_STRUCTURE
from catalyst_assets.vocabulary.known import label_of, unit_of
from dash_app.api.access import PersonOf
from dash_app.api.connection import Transaction, as_json
from dash_app.api.ledger import read_results
from dash_app.api.materials.addresses import source_page
from dash_app.api.materials.files import structure_block
from dash_app.api.materials.nearest import find_nearest
from dash_app.api.materials.rows import read_candidates
from dash_app.api.materials.symmetry import find_symmetry
from dash_app.api.problems import NotFoundError, problem_responses
from dash_app.contract import Predicted
from dash_app.material_contract import (
    ComputedProperty,
    MaterialDetail,
    MaterialEvent,
    MaterialPrediction,
    MaterialSource,
    NewNote,
    Note,
    NoteList,
    Relaxation,
)
from resources.postgres.database import Row, fetch_all, fetch_one

router = APIRouter(prefix="/materials", tags=["materials"], responses=problem_responses(404, 422, 503))

_SHOWN_RESULTS: Final = 100
_SHOWN_NEIGHBOURS: Final = 5
_CIF: Final = "chemical/x-cif"
MaterialId = Annotated[
    str,
    Path(
        max_length=300,
        description="The material, as candidates and results name it.",
        examples=["mp:mp-5229"],
    ),
]


@router.get("/{material_id}", summary="Show a material", response_model=MaterialDetail)
def show_material(material_id: MaterialId, connection: Transaction) -> Response:
    """Show a material: structure, properties with method and source, predictions by iteration, results, history."""
    row = find_material(connection, material_id)
    numbers = fetch_all(connection, "app/candidates/of_material", material_id=material_id)
    nearest = find_nearest(connection, material_id, k=_SHOWN_NEIGHBOURS, only_indexed=True)
    shown = MaterialDetail(
        **(row | {"properties": _computed(row["properties"])}),
        symmetry=find_symmetry(row["structure"]),
        sources=[
            MaterialSource(**each, page=source_page(each["source"], each["source_id"]))
            for each in fetch_all(connection, "app/materials/sources", material_id=material_id)
        ],
        relaxations=[
            Relaxation.model_validate(each)
            for each in fetch_all(connection, "app/materials/relaxations", material_id=material_id)
        ],
        predictions=[
            _prediction(each)
            for each in fetch_all(connection, "app/materials/predictions", material_id=material_id)
        ],
        candidates=read_candidates(connection, [each["candidate_id"] for each in numbers]),
        results=read_results(connection, material_id=material_id, limit=_SHOWN_RESULTS),
        neighbours=nearest.items if nearest else [],
        notes=_notes(connection, material_id),
        history=[
            MaterialEvent(**each)
            for each in fetch_all(connection, "app/materials/history", material_id=material_id)
        ],
    )
    return as_json(shown)


@router.get(
    "/{material_id}/cif",
    summary="Send the structure as CIF",
    response_class=Response,
    responses={200: {"description": "The file.", "content": {_CIF: {"schema": {"type": "string"}}}}},
)
def send_structure(material_id: MaterialId, connection: Transaction) -> Response:
    """Send a material's structure as a CIF file with one block."""
    row = find_material(connection, material_id)
    if row["structure"] is None:
        raise NotFoundError(f"{material_id} has no structure. {NO_STRUCTURE}", "Its formula is all there is.")
    about = f"# {material_id}\n"
    name = re.sub(r"[^\w.+-]+", "_", material_id, flags=re.ASCII).strip("_") or "material"
    return Response(
        structure_block(row["structure"], row["formula"], about),
        media_type=_CIF,
        headers={"Content-Disposition": f'attachment; filename="{name}.cif"'},
    )


@router.get("/{material_id}/notes", summary="List notes about a material")
def list_notes(material_id: MaterialId, connection: Transaction) -> NoteList:
    """List what people wrote about a material, the oldest first."""
    find_material(connection, material_id)
    items = _notes(connection, material_id)
    return NoteList(items=items, total=len(items))


@router.post("/{material_id}/notes", summary="Write a note", status_code=201)
def write_note(material_id: MaterialId, note: NewNote, person: PersonOf, connection: Transaction) -> Note:
    """Write a note about a material; it carries the name of who is signed in, and stays as it was written."""
    find_material(connection, material_id)
    row = fetch_one(
        connection, "app/materials/add_note", material_id=material_id, author=person.name, text=note.text
    )
    return Note.model_validate(row)


def _notes(connection: sa.Connection, material_id: str) -> list[Note]:
    rows = fetch_all(connection, "app/materials/notes", material_id=material_id)
    return [Note.model_validate(row) for row in rows]


def find_material(connection: sa.Connection, material_id: str) -> Row:
    """Return a material.

    Raises
    ------
    NotFoundError
        There is none of this name.
    """
    row = None
    if "\0" not in material_id:
        row = fetch_one(connection, "app/materials/one", material_id=material_id)
    if row is None:
        raise NotFoundError(
            f"There is no material {material_id!r}.", "GET /candidates names those that are ranked."
        )
    return row


def _computed(properties: dict[str, list[dict[str, Any]]]) -> list[ComputedProperty]:
    return [
        ComputedProperty(
            property=name,
            label=label_of(name),
            value=entry.get("value"),
            unit=entry.get("unit") or "",
            method=entry.get("method") or "",
            source=entry.get("source") or "",
        )
        for name, entries in sorted(properties.items())
        for entry in entries
    ]


def _prediction(row: Row) -> MaterialPrediction:
    predicted = {
        name: Predicted(mean=mean, std=std, unit=unit_of(name))
        for name, mean, std in zip(row["properties"], row["mean"], row["std"], strict=True)
    }
    return MaterialPrediction(**row, predicted=predicted)
