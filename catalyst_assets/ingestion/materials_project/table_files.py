"""Data files of the Materials Project's own table into records: Parquet, its columns as emmet's `SummaryDoc` has them.

A structure is a nested column of pymatgen's dictionary form, with an empty field where that has none.
"""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.materials_project.documents import FIELDS, SummaryParser
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.tables import shown

_ABOUT: Final = ("material_id", "deprecated", "builder_meta")
# Without the second, what may not be used commercially could not be told from the rest.
_NEEDED: Final = ("material_id", "builder_meta")
_ROWS_AT_ONCE: Final = 256


class SummaryTableParser(SummaryParser):
    """Reads data files a few rows at a time; a later answer may say a row anew."""

    kind = "mp_summary_parquet"

    def read_entries(
        self, raw: RawFile, file: BinaryIO, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield number and content of each row in ``[start, stop)``.

        Raises
        ------
        SourceError
            The bytes are no such file.
        """
        return read_rows(file, FIELDS, start, stop)

    def read_outlines(self, raw: RawFile, file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield number of each row, and what names it and tells whether it is left out."""
        return read_rows(file, _ABOUT)


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
