"""JSON, JSON lines and Parquet: results with typed cells."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from catalyst_assets.validation.submissions.reading.columns import FIELDS, is_header, read_header
from catalyst_assets.validation.submissions.reading.problems import Problems
from catalyst_assets.validation.submissions.reading.sheets import Sheet, tell_no_header

_LIST: Final = "results"
_MOST_COLUMNS: Final = 500
_REMEDY: Final = 'Give a list of objects, {"results": [...]}, or one object a line.'


def read_json(data: bytes, problems: Problems) -> Iterator[Sheet]:
    """Yield the one sheet of a list of objects, of ``{"results": [...]}`` with what is true of all, or of one object."""
    document = _parse(data, "", problems)
    if document is None:
        return
    defaults: Mapping[str, object] = {}
    if isinstance(document, dict):
        if isinstance(document.get(_LIST), list):
            defaults = {name: value for name, value in document.items() if name != _LIST}
            document = document[_LIST]
        else:
            document = [document]
    if not isinstance(document, list):
        problems.add("", "", "", "it is JSON, but no list of results", _REMEDY)
        return
    unknown = [name for name in defaults if name not in FIELDS]
    if unknown:
        problems.add(
            "",
            "",
            ", ".join(unknown),
            f"stands beside {_LIST} and is no field",
            f"Known are {', '.join(FIELDS)}.",
        )
    names = _names(enumerate(document, 1))
    yield from _named_sheet(names, enumerate(document, 1), "entry {}", defaults, problems)


def read_json_lines(data: bytes, problems: Problems) -> Iterator[Sheet]:
    """Yield the one sheet of a file with an object a line."""

    def lines(told: Problems) -> Iterator[tuple[int, Any]]:
        for number, line in enumerate(io.BytesIO(data), 1):
            text = line.strip(b"\xef\xbb\xbf \t\r\n")
            if text:
                entry = _parse(text, f"line {number}", told)
                yield number, {} if entry is None else entry

    # What the first reading, which finds the names, cannot read the second one tells.
    names = _names(lines(Problems()))
    yield from _named_sheet(names, lines(problems), "line {}", {}, problems)


def read_parquet(data: bytes, problems: Problems) -> Iterator[Sheet]:
    """Yield the one sheet of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def rows() -> Iterator[tuple[int, Sequence[object]]]:
        number = 0
        for batch in file.iter_batches(batch_size=20_000):
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, cells

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        columns = read_header(file.schema_arrow.names)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        problems.add("", "", "", f"it cannot be read as Parquet ({reason})", "Write the file again.")
        return
    if not is_header(columns):
        tell_no_header(file.schema_arrow.names, "the schema", problems)
        return
    yield Sheet(columns, rows(), "row {}", "the schema")


def _named_sheet(
    names: Sequence[str],
    entries: Iterable[tuple[int, Any]],
    place: str,
    defaults: Mapping[str, object],
    problems: Problems,
) -> Iterator[Sheet]:
    if len(names) > _MOST_COLUMNS:
        problems.add("", "", "", f"its objects have {len(names):,} different names", _REMEDY)
        return
    columns = read_header(names)
    if not is_header(read_header([*names, *defaults])):
        tell_no_header(names, "", problems)
        return
    yield Sheet(columns, _cells(names, entries, place, problems), place, "the names", defaults=defaults)


def _names(entries: Iterable[tuple[int, Any]]) -> list[str]:
    names: dict[str, None] = {}
    for _, entry in entries:
        if isinstance(entry, dict):
            names.update(dict.fromkeys(entry))
    return list(names)


def _cells(
    names: Sequence[str], entries: Iterable[tuple[int, Any]], place: str, problems: Problems
) -> Iterator[tuple[int, Sequence[object]]]:
    for number, entry in entries:
        if not isinstance(entry, dict):
            problems.add(place.format(number), "", entry, "is no object with fields", _REMEDY)
        elif entry:
            yield number, [entry.get(name) for name in names]


def _parse(data: bytes, place: str, problems: Problems) -> Any:
    try:
        return orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        pass
    try:
        # NaN is no JSON, though Python and R write it: it is refused where it stands, by its field.
        return json.loads(data, parse_constant=str)
    except (ValueError, RecursionError) as error:
        problems.add(
            place, "", "", f"it is no JSON: {error}", "Have it written by a program, or give CSV or .xlsx."
        )
        return None
