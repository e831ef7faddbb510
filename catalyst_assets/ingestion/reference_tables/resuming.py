"""Rows of one table, chunk after chunk: each goes on where the last one of this process stopped.

To read a table from its beginning for each chunk costs the square of its rows.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from catalyst_assets.ingestion.reading.tables import Row

_held: dict[str, tuple[int, Iterator[Row]]] = {}


def resumed_rows(key: str, open_rows: Callable[[], Iterator[Row]], start: int, stop: int) -> Iterator[Row]:
    """Yield the rows ``[start, stop)`` of a table.

    Parameters
    ----------
    key
        Names the table and how it is read; only the one read last is held open.
    open_rows
        Returns all of its rows.
    """
    at, rows = _held.pop(key, (0, None))
    if rows is None or at > start:
        at, rows = 0, open_rows()
    yield from islice(rows, start - at, stop - at)
    # Reached only when all went well: rows that failed on the way are opened anew.
    _held.clear()
    _held[key] = stop, rows
