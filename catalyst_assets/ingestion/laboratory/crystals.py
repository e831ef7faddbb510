"""The source `laboratory`: crystals that came with results, kept and loaded as those of any source.

What was measured of them lies in the ledger of results, not here.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from catalyst_assets.errors import InvalidPoolError, UnreadableStructureError
from catalyst_assets.ingestion.loading import load_rows, prepare_rows
from catalyst_assets.ingestion.raw_cache import RawRequest, current_files, mark, mark_counted, store_raw
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.structure_json import read_records
from catalyst_assets.ingestion.records import Contents, Problem, Record, Rejection, place_of, validate

if TYPE_CHECKING:
    from catalyst_assets.ingestion.raw_cache import RawFile
    from resources.platform import Platform

SOURCE: Final = "laboratory"
_LICENCE: Final = "the laboratory's own"
_HASH_LETTERS: Final = 16


class LaboratoryParser:
    """Reads cached crystals of laboratories."""

    kind: Final = "laboratory_crystals"
    is_snapshot = False
    is_index = False

    def survey(self, raw: "RawFile", file: BinaryIO) -> Contents:
        """Count the crystals.

        Raises
        ------
        InvalidPoolError
            The bytes are not what was kept.
        """
        return Contents.of_entries([name for name, _ in _entries(raw, file)])

    def parse(
        self, raw: "RawFile", file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Record | Rejection]:
        """Yield a record or a rejection for each crystal in ``[start, stop)``."""
        for index, (name, structure) in enumerate(_entries(raw, file)[start:stop], start):
            (cell,) = read_records(json.dumps(structure))
            if isinstance(cell, UnreadableStructureError):
                problem = Problem("structure", str(cell))
                yield Rejection.of(raw.url, place_of(index), name, [problem])
            else:
                yield Record(SOURCE, name, place_of(index), cell)


def name_crystal(structure_hash: str) -> str:
    """Return what the material of a crystal is called that no source knows."""
    return f"{SOURCE}:{structure_hash[:_HASH_LETTERS]}"


def ingest_crystals(platform: "Platform", crystals: Sequence[tuple[str, Cell]]) -> None:
    """Keep crystals in the raw cache and load them; those that are known already change nothing.

    Parameters
    ----------
    crystals
        Each with its material, as :func:`name_crystal` calls it.
    """
    entries = sorted((name.partition(":")[2], cell.as_dict()) for name, cell in crystals)
    document = [{"name": name, "structure": structure} for name, structure in entries]
    data = json.dumps(document, sort_keys=True).encode()
    url = f"{SOURCE}:{','.join(name for name, _ in entries)}"[:2000]
    store_raw(
        platform.database, platform.objects, RawRequest(SOURCE, url, LaboratoryParser.kind, _LICENCE), data
    )
    (raw,) = (raw for raw in current_files(platform.database) if (raw.source, raw.url) == (SOURCE, url))
    records = [
        Record(SOURCE, name.partition(":")[2], place_of(index), cell)
        for index, (name, cell) in enumerate(sorted(crystals, key=lambda pair: pair[0]))
    ]
    accepted, refused = validate(records)
    counts = load_rows(platform.database, raw, prepare_rows(raw, accepted, refused))
    mark_counted(platform.database, raw.raw_file_id, len(records))
    mark(
        platform.database,
        raw.raw_file_id,
        "parsed",
        f"{counts.loaded} loaded, {counts.quarantined} quarantined",
    )


def _entries(raw: "RawFile", file: BinaryIO) -> list[tuple[str, Any]]:
    try:
        return [(entry["name"], entry["structure"]) for entry in json.loads(file.read())]
    except (ValueError, KeyError, TypeError):
        raise InvalidPoolError(
            f"The cached {raw.url} holds no crystals.", "Submit the results again."
        ) from None
