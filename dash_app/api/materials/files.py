"""Candidates as CSV, Parquet and CIF, part by part: no file is in memory as a whole."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from catalyst_assets.constants import NO_STRUCTURE
from catalyst_assets.validation.work_orders.files import as_text_cell
from catalyst_assets.vocabulary.known import unit_of
from dash_app.contract import Candidate
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    import pyarrow as pa

# Name and the type that Parquet gives it.
_COLUMNS: Final = {
    "candidate_id": "int64", "campaign": "string", "iteration": "int32", "rank": "int32", "material_id": "string",
    "formula": "string", "chemical_system": "string", "status": "string", "rejection_kind": "string", "hit": "bool",
    "acquisition": "float64", "feasibility": "float64", "distance": "float64", "out_of_distribution": "bool",
    "model_version": "int64", "updated_at": "string",
}  # fmt: skip
_KINDS: Final = ("predicted", "uncertainty", "validated")


@dataclass(frozen=True)
class Part:
    """Some candidates.

    Attributes
    ----------
    structures
        As pymatgen writes them, by number of the candidate, None where only the composition is known; empty where the
        file needs none.
    """

    candidates: list[Candidate]
    structures: dict[int, dict[str, Any] | None]


@dataclass(frozen=True)
class Exported:
    """Properties that a file has columns of.

    Attributes
    ----------
    names
        Those that are predicted.
    methods
        By campaign, the method whose measured values are given.
    """

    names: list[str]
    methods: dict[str, str]

    @property
    def columns(self) -> dict[str, str]:
        """Every column with its type."""
        return _COLUMNS | {
            f"{kind}.{name} [{unit_of(name)}]": "float64" for name in self.names for kind in _KINDS
        }


def exported_properties(connection: sa.Connection, campaign: str | None) -> Exported:
    """Return what a file of a campaign's candidates, or of all campaigns', has columns of."""
    if campaign is None:
        rows = fetch_all(connection, "app/candidates/slots")
        names = sorted(row["property"] for row in rows)
    else:
        rows = fetch_all(connection, "app/predicted_properties", campaign=campaign)
        names = [row["name"] for row in rows]
    campaigns = fetch_all(connection, "app/candidates/methods")
    return Exported(names, {row["name"]: row["method"] for row in campaigns})


def write_csv(first: Part, rest: Iterator[Part], properties: Exported) -> Iterator[bytes]:
    """Yield a CSV file."""
    yield csv_text([list(properties.columns)])
    for part in chain([first], rest):
        yield csv_text([_cell(value) for value in _values(each, properties)] for each in part.candidates)


def write_parquet(first: Part, rest: Iterator[Part], properties: Exported) -> Iterator[bytes]:
    """Yield a Parquet file, a row group a part."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, getattr(pa, _ARROW[kind])()) for name, kind in properties.columns.items()])
    written = io.BytesIO()
    with pq.ParquetWriter(_Pipe(written), schema, compression="zstd") as writer:
        for part in chain([first], rest):
            writer.write_table(_table(part, properties, schema))
            yield _taken(written)
    yield _taken(written)


def write_cif(first: Part, rest: Iterator[Part], _: Exported) -> Iterator[bytes]:
    """Yield a CIF file, a block a candidate."""
    for part in chain([first], rest):
        for each in part.candidates:
            yield cif_block(each, part.structures[each.candidate_id]).encode()


def cif_block(candidate: Candidate, structure: dict[str, Any] | None) -> str:
    """Return a candidate's structure as a block of CIF named after it; where it has none, a remark."""
    about = (
        f"# candidate {candidate.candidate_id}: {candidate.material_id}, {candidate.campaign} iteration "
        f"{candidate.iteration} rank {candidate.rank}, {candidate.status.value}\n"
    )
    return structure_block(structure, f"{candidate.candidate_id}_{candidate.formula}", about)


def structure_block(structure: dict[str, Any] | None, name: str, about: str) -> str:
    """Return a structure as a block of CIF behind remarks; a remark in its place where it cannot be written."""
    from pymatgen.core.structure import Structure
    from pymatgen.io.cif import CifWriter

    if structure is None:
        return f"{about}# {NO_STRUCTURE}\n\n"
    try:
        text = str(CifWriter(Structure.from_dict(structure)))
    except (KeyError, ValueError, TypeError) as error:
        return f"{about}# its structure cannot be written: {type(error).__name__}\n\n"
    _, _, body = text.partition("data_")
    _, _, body = body.partition("\n")
    return f"{about}data_{name}\n{body}\n"


_ARROW: Final = {
    "int64": "int64",
    "int32": "int32",
    "string": "string",
    "bool": "bool_",
    "float64": "float64",
}


class _Pipe(io.RawIOBase):
    """Takes what is written and is never asked for it: what was taken out stays counted."""

    def __init__(self, into: io.BytesIO) -> None:
        self._into = into
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        self._position += len(data)
        return self._into.write(data)


def _taken(written: io.BytesIO) -> bytes:
    data = written.getvalue()
    written.seek(0)
    written.truncate()
    return data


def _table(part: Part, properties: Exported, schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    rows = [_values(each, properties) for each in part.candidates]
    columns = zip(*rows, strict=True) if rows else [[] for _ in schema]
    return pa.table(
        [pa.array(list(column), field.type) for column, field in zip(columns, schema, strict=True)], schema
    )


def _values(candidate: Candidate, properties: Exported) -> list[Any]:
    values = [getattr(candidate, name) for name in _COLUMNS]
    plain = [getattr(value, "value", value) for value in values[:-1]]
    row = [*plain, candidate.updated_at.isoformat()]
    method = properties.methods.get(candidate.campaign)
    measured = {each.property: each.value for each in candidate.validated if each.method == method}
    for name in properties.names:
        predicted = candidate.predicted.get(name)
        row += [predicted and predicted.mean, predicted and predicted.std, measured.get(name)]
    return row


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return as_text_cell(value) if isinstance(value, str) else value


def csv_text(rows: Any) -> bytes:
    """Return rows of a CSV file."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
