"""Log files of programs that run for long: appended to, set aside once they are large, quoted from."""

from pathlib import Path
from typing import BinaryIO, Final

_MAX_LOG_BYTES: Final = 10_000_000


def open_log(path: Path) -> BinaryIO:
    """Open a log to append to; what has grown too large is kept beside it, once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def tail(text: str, lines: int = 5) -> str:
    """Return the last lines of a program's output, in one line."""
    return " | ".join(line.strip() for line in text.strip().splitlines()[-lines:]) or "no output"
