"""Files that users name: tables as frames, and structures in CIF, POSCAR or JSON.

Untrusted bytes of a source are not read here: `tables` reads those row by row, whatever they hold.
"""

import json
import warnings
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import InvalidPoolError

if TYPE_CHECKING:
    import pandas as pd
    from pymatgen.core.structure import Structure

READABLE: Final = "CIF, POSCAR, or JSON of one or several pymatgen structures"


def read_csv(path: Path, **options: Any) -> "pd.DataFrame":
    """Read a CSV file, compressed or not; ``options`` are those of pandas.

    Raises
    ------
    InvalidPoolError
        There is none, or it is no CSV.
    """
    import pandas as pd

    try:
        table: pd.DataFrame = pd.read_csv(path, **options)
        return table
    except FileNotFoundError:
        raise InvalidPoolError(f"There is no file {path}.", "Give the path of a CSV file.") from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InvalidPoolError(
            f"{path} cannot be read as CSV: {' '.join(str(error).split())}.", "Give a comma-separated table."
        ) from None


def read_csv_parts(place: Path, columns: Collection[str]) -> "pd.DataFrame":
    """Read a CSV file, or all ``*.csv`` and ``*.csv.gz`` of a folder as one table.

    Raises
    ------
    InvalidPoolError
        There is none, one cannot be read, or lacks one of ``columns``.
    """
    import pandas as pd

    parts = sorted([*place.glob("*.csv"), *place.glob("*.csv.gz")]) if place.is_dir() else [place]
    if not parts:
        raise InvalidPoolError(
            f"{place} holds no table.", "Name a table, or a folder with *.csv or *.csv.gz."
        )
    frames = []
    for part in parts:
        frames.append(read_csv(part))
        missing = [column for column in columns if column not in frames[-1]]
        if missing:
            raise InvalidPoolError(
                f"{part} has no column {', '.join(missing)}.", f"Needed are {', '.join(columns)}."
            )
    return pd.concat(frames, ignore_index=True)


def read_structures(path: Path, name: str) -> "list[tuple[str, Structure | str]]":
    """Return the structures of a file by name, or why there is none."""
    from pymatgen.core.structure import Structure

    if path.is_dir():
        return [(name, f"{path} is a folder: name the files in it.")]
    if not path.is_file():
        return [(name, f"There is no file {path}.")]
    if path.suffix.lower() != ".json":
        return [(name, _parse(path, lambda: Structure.from_file(path)))]
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [(name, _refuse(path, error))]
    many = found if isinstance(found, list) else [found]
    return [
        (
            f"{name}#{index}" if len(many) > 1 else name,
            _parse(path, lambda record=record: Structure.from_dict(record)),  # type: ignore[misc]
        )
        for index, record in enumerate(many)
    ]


def _parse(path: Path, parse: "Callable[[], Structure]") -> "Structure | str":
    try:
        with warnings.catch_warnings():
            # Of rounded coordinates and the like, which the parsers mend themselves.
            warnings.simplefilter("ignore")
            return parse()
    except Exception as error:  # parsers fail in their own ways
        return _refuse(path, error)


def _refuse(path: Path, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".!")
    return f"{path} cannot be read as {READABLE}: {reason}."
