"""Files that can harm whoever reads them, read by a process of its own: see `reader`."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from catalyst_assets.errors import CatalystError, SourceError
from resources.paths import scratch_folder

Form = Literal["pickled-mapping", "pickled-lmdb", "ase-lmdb", "ase-db", "ase-json"]

_READER: Final = "catalyst_assets.ingestion.untrusted.reader"
_LONGEST_LINE: Final = 4 * 1024**2
_MOST_SPOOLED_BYTES: Final = 32 * 1024**3


def read_untrusted(
    name: str,
    file: BinaryIO,
    form: Form,
    start: int = 0,
    stop: int | None = None,
    columns: Collection[str] = (),
) -> Iterator[dict[str, Any]]:
    """Yield the entries of a file in ``[start, stop)``: with ``row``, and ``problem`` where one cannot be read.

    Parameters
    ----------
    name
        Of the file, for messages.
    columns
        What is asked of each row of an ASE database.

    Raises
    ------
    SourceError
        The file is refused as a whole, or killed its reader.
    """
    remedy = "Fetch the file again; if it stays so, it is not what its source says it is."
    with _on_disk(name, file) as path:
        command = [
            sys.executable,
            "-I",
            "-m",
            _READER,
            form,
            str(path),
            str(start),
            str(sys.maxsize if stop is None else stop),
        ]
        command += columns
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
        ) as reader:
            try:
                while reader.stdout is not None and (line := reader.stdout.readline(_LONGEST_LINE)):
                    entry = _decode(line)
                    if "refused" in entry:
                        raise SourceError(f"{name} is refused: {entry['refused']}.", remedy)
                    yield entry
                status = reader.wait()
            finally:
                reader.kill()
        if status != 0:
            raise SourceError(
                f"{name} cannot be read: its reader ended with status {status}, as one does that a damaged file "
                "kills or that needs more memory or time than such a file should.",
                remedy,
            )


def _decode(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    return entry if isinstance(entry, dict) else {"refused": "its reader says nothing usable"}


@contextmanager
def _on_disk(name: str, file: BinaryIO) -> Iterator[Path]:
    """Give a path to an open file: its own, or that of a copy."""
    own = getattr(file, "name", None)
    if isinstance(own, str) and Path(own).is_file():
        yield Path(own)
        return
    size = file.seek(0, 2)
    file.seek(0)
    with scratch_folder() as folder:
        if size > _MOST_SPOOLED_BYTES or size > shutil.disk_usage(folder).free:
            raise CatalystError(
                f"{name} has {size / 1e9:.1f} GB, too much for a copy in {tempfile.gettempdir()}.",
                "Point TMPDIR to a larger disk, or keep the object store in a local folder.",
            )
        path = Path(folder) / "copy"
        with path.open("wb") as copy:
            shutil.copyfileobj(file, copy, 1024**2)
        yield path
