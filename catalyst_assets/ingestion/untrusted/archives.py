"""Archives of others, read where they lie: members of a tar by offset, compressed streams within bounds.

Nothing is extracted. A member that is no plain file, has a name that leaves the archive, or comes twice says so;
what is cut off gives what is whole.
"""

import lzma
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Generic, TypeVar

from catalyst_assets.errors import SourceError

_BLOCK: Final = 512
_CHUNK_BYTES: Final = 256 * 1024
_MOST_MEMBERS: Final = 2_000_000
_LONGEST_NAME_BYTES: Final = 64 * 1024
_LONGEST_LINE_BYTES: Final = 64 * 1024
_MOST_XZ_MEMORY: Final = 512 * 1024**2
# Text of atoms shrinks 5 to 20 times; what is small may be as repetitive as it likes.
_MOST_RATIO: Final = 250
_ALWAYS_ALLOWED_BYTES: Final = 16 * 1024**2
_Index = TypeVar("_Index")


class DamagedError(Exception):
    """What follows cannot be read; says why.

    Attributes
    ----------
    is_cut_off
        What was read so far is whole; otherwise it may be wrong too.
    """

    def __init__(self, reason: str, *, is_cut_off: bool = False) -> None:
        super().__init__(reason)
        self.is_cut_off = is_cut_off


@dataclass(frozen=True)
class Member:
    """A member of a tar.

    Attributes
    ----------
    offset, size
        Where its bytes are.
    problem
        Why it may not be read; empty for a plain file.
    """

    name: str
    offset: int
    size: int
    problem: str = ""


@dataclass(frozen=True)
class Listing:
    """The members of a tar, without folders.

    Attributes
    ----------
    problem
        Why it ends too early; empty when it does not.
    """

    members: tuple[Member, ...]
    problem: str = ""


class LastIndex(Generic[_Index]):
    """What was made of the file read last: the parts of one file are read one after another."""

    def __init__(self) -> None:
        self._known: tuple[str, _Index] | None = None

    def get(self, sha256: str, make: Callable[[], _Index]) -> _Index:
        """Return the index of a file, made when another file was read last."""
        if self._known is None or self._known[0] != sha256:
            self._known = None
            self._known = (sha256, make())
        return self._known[1]


def list_members(name: str, file: BinaryIO) -> Listing:
    """List a tar in one pass over its headers.

    Parameters
    ----------
    name
        Of the archive, for messages.

    Raises
    ------
    SourceError
        The bytes are no tar, or one with too many members.
    """
    end = file.seek(0, 2)
    members: list[Member] = []
    seen: set[str] = set()
    position, long_name = 0, ""
    while True:
        file.seek(position)
        header = file.read(_BLOCK)
        if len(header) == _BLOCK and not header.strip(b"\0"):
            return Listing(tuple(members))
        try:
            found = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError) as error:
            if position == 0:
                raise SourceError(f"{name} is no tar archive: {error}.", "Fetch the file again.") from None
            cut = position >= end or len(header) < _BLOCK
            return Listing(tuple(members), "it is cut off" if cut else f"a header cannot be read: {error}")
        offset = position + _BLOCK
        if found.size < 0:
            return Listing(tuple(members), f"the member {_shown(found.name)} has a negative size")
        position = offset + -(-found.size // _BLOCK) * _BLOCK
        if found.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
            long_name = _long_name(file, found, offset) or long_name
            continue
        if found.type in (tarfile.GNUTYPE_LONGLINK, tarfile.XGLTYPE):
            continue
        full_name, long_name = long_name or found.name, ""
        if found.isdir():
            continue
        problem = _problem(found, full_name, seen)
        seen.add(full_name)
        if offset + found.size > end:
            problem = problem or "is cut off"
        members.append(Member(_shown(full_name), offset, found.size, problem))
        if len(members) > _MOST_MEMBERS:
            raise SourceError(f"{name} has more than {_MOST_MEMBERS} members.", "Load parts of it.")


def read_member(file: BinaryIO, member: Member) -> Iterator[bytes]:
    """Yield the bytes of a member in pieces."""
    position, stop = member.offset, member.offset + member.size
    while position < stop:
        file.seek(position)
        piece = file.read(min(_CHUNK_BYTES, stop - position))
        if not piece:
            return
        position += len(piece)
        yield piece


def decompress_xz(pieces: Iterable[bytes], most_bytes: int) -> Iterator[bytes]:
    """Yield what an xz stream holds, in pieces.

    Raises
    ------
    DamagedError
        It is cut off, is no xz, or holds more than ``most_bytes`` or than such a stream may.
    """
    taken = given = 0
    decoder = _new_xz()
    for piece in pieces:
        taken += len(piece)
        data = piece
        while data or not decoder.needs_input:
            if decoder.eof:
                data = data.lstrip(b"\0")
                if not data:
                    break
                decoder = _new_xz()
            try:
                text = decoder.decompress(data, _CHUNK_BYTES)
            except lzma.LZMAError as error:
                raise DamagedError(f"is no xz: {error}") from None
            given += len(text)
            _require_bounds(given, taken, most_bytes)
            if text:
                yield text
            data = decoder.unused_data if decoder.eof else b""
    if not decoder.eof:
        raise DamagedError("is cut off", is_cut_off=True)


def read_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a text without their ends; the last one too if it is not ended.

    Raises
    ------
    DamagedError
        A line is longer than any should be, or the pieces are damaged.
    """
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
        if len(rest) > _LONGEST_LINE_BYTES:
            raise DamagedError(f"has a line of more than {_LONGEST_LINE_BYTES} bytes")
    if rest:
        yield rest


def _new_xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_XZ_MEMORY)


def _require_bounds(given: int, taken: int, most_bytes: int) -> None:
    if given > most_bytes:
        raise DamagedError(f"holds more than {most_bytes} bytes")
    if given > _ALWAYS_ALLOWED_BYTES and given > _MOST_RATIO * taken:
        raise DamagedError(f"grows to more than {_MOST_RATIO} times its size")


def _problem(found: tarfile.TarInfo, name: str, seen: set[str]) -> str:
    if found.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        return "is no plain file but a link, a device or another special one"
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
        return "has a name that leaves the archive"
    if not name.isprintable():
        return "has a name that cannot be shown"
    return "comes twice" if name in seen else ""


def _long_name(file: BinaryIO, found: tarfile.TarInfo, offset: int) -> str:
    """Return the name that an extra header gives to the member after it; empty if it gives none."""
    if found.size > _LONGEST_NAME_BYTES:
        return "/name too long"
    file.seek(offset)
    data = file.read(found.size)
    if found.type == tarfile.GNUTYPE_LONGNAME:
        return data.rstrip(b"\0").decode("utf-8", "surrogateescape")
    given = re.search(rb"\d+ path=([^\n]*)\n", data)
    return given[1].decode("utf-8", "surrogateescape") if given else ""


def _shown(name: str) -> str:
    shown = name if name.isprintable() else ascii(name)
    return shown if len(shown) <= 200 else shown[:200] + "…"
