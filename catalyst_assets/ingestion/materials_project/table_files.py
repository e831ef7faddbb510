"""Data files of the Materials Project's own table into records: Parquet, its columns as emmet's `SummaryDoc` has them.

A structure is a nested column of pymatgen's dictionary form, with an empty field where that has none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.materials_project.documents import (
    FIELDS,
    find_licence,
    is_left_out,
    read_document,
)
from catalyst_assets.ingestion.materials_project.ids import identify_material
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.tables import shown
from catalyst_assets.ingestion.records import Contents, Problem, Record, Rejection, place_of

_ABOUT: Final = ("material_id", "deprecated", "builder_meta")
# Without the second, what may not be used commercially could not be told from the rest.
_NEEDED: Final = ("material_id", "builder_meta")
_ROWS_AT_ONCE: Final = 256


class SummaryTableParser:
    """Reads data files a few rows at a time; a later answer may say a row anew."""

    kind: Final = "mp_summary_parquet"
    is_snapshot = False
    is_index = False

    def survey(self, raw: RawFile, file: BinaryIO) -> Contents:
        """Count a file's rows and find those that come twice.

        Raises
        ------
        SourceError
            The bytes are no such file.
        """
        non_commercial = bool(raw.request["parameters"]["non_commercial"])
        names, left_out = [], set()
        for index, document in read_rows(file, _ABOUT):
            names.append(identify_material(document))
            if is_left_out(document, non_commercial):
                left_out.add(index)
        return Contents.of_entries(names, left_out)

    def parse(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Record | Rejection]:
        """Yield a record or a rejection for each row in ``[start, stop)`` that is not left out."""
        non_commercial = bool(raw.request["parameters"]["non_commercial"])
        for index, document in read_rows(file, FIELDS, start, stop):
            if is_left_out(document, non_commercial):
                continue
            problems: list[Problem] = []
            name = identify_material(document)
            if not name:
                problems.append(Problem("material_id", "is missing, or cannot name a record"))
            if index in duplicates:
                problems.append(Problem("material_id", f"{name} was already given by an earlier row"))
            structure, values = read_document(document, problems)
            if problems or structure is None:
                fields = [problem.field for problem in problems]
                payload = {"url": raw.url, "entry": index, "record": name, "fields": fields}
                yield Rejection(place_of(index), tuple(problems), payload)
            else:
                licence = find_licence(document) or ""
                yield Record(raw.source, name, place_of(index), structure, values, licence)


def read_rows(
    file: BinaryIO, columns: Sequence[str], start: int = 0, stop: int | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and the content of each row in ``[start, stop)``, without holding the file in memory.

    Raises
    ------
    SourceError
        The file is not Parquet, or has no column of materials.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
        present = [name for name in columns if name in table.schema_arrow.names]
        for needed in _NEEDED:
            if needed not in present:
                raise SourceError(f"The table's file has no column {needed}.", "Check the table's address.")
        first = 0
        for group in range(table.num_row_groups):
            count = table.metadata.row_group(group).num_rows
            if first + count > start and (stop is None or first < stop):
                batches = table.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=present)
                numbered = enumerate((row for batch in batches for row in batch.to_pylist()), first)
                for index, row in numbered:
                    if start <= index and (stop is None or index < stop):
                        yield index, row
            first += count
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = shown(str(error))
        raise SourceError(f"The table's file cannot be read: {reason}.", "Refresh the source.") from None
