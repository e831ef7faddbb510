"""OC20's S2EF shards: frames of many trajectories, and beside each shard which frame of which system each is.

A tar of pairs ``<n>.extxyz.xz`` and ``<n>.txt.xz``; line i of the text belongs to frame i and says
``<system>,frame<number>,<reference energy in eV>``. Frames are not relaxed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.adsorption.records import (
    AdsorptionEnergy,
    AdsorptionParser,
    Outcome,
    name_of,
    system_name,
)
from catalyst_assets.ingestion.oc20.frames import read_energy, read_reference, split_frames
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.tables import shown
from catalyst_assets.ingestion.records import Problem
from catalyst_assets.ingestion.untrusted.archives import (
    DamagedError,
    LastIndex,
    Member,
    decompress_xz,
    list_members,
    read_lines,
    read_member,
)

FRAMES: Final = ".extxyz.xz"
LINES: Final = ".txt.xz"
_MOST_LINES_BYTES: Final = 64 * 1024**2
_MOST_FRAMES_BYTES: Final = 4 * 1024**3
# What a survey holds of each is its name.
_MOST_ROWS: Final = 5_000_000
_LINE = re.compile(r"(?P<system>[A-Za-z0-9_.-]+),\s*frame(?P<frame>[0-9]{1,6})\s*,(?P<reference>[^,]+)")


@dataclass(frozen=True)
class _Line:
    """What a shard's text says of one frame."""

    system_id: str
    frame: int
    reference_ev: float


@dataclass(frozen=True)
class _Shard:
    """A pair of members and how many rows it gives: one a line, or a single problem."""

    name: str
    rows: int
    text: Member | None = None
    frames: Member | None = None
    problem: Problem | None = None

    def place(self, row: int) -> str:
        """Return where a row of this shard stands."""
        return self.name if self.problem is not None else f"{self.name}{FRAMES} frame {row}"


_LAST: Final = LastIndex[list[_Shard]]()


class S2efParser(AdsorptionParser):
    """Reads archives of S2EF shards."""

    kind: Final = "oc20_s2ef"

    def list_rows(self, raw: RawFile, file: BinaryIO) -> Iterator[tuple[str, str]]:
        """Yield place and state of each line of the shards' texts; frames stay compressed.

        Raises
        ------
        SourceError
            The file is no such archive, or too large for one.
        """
        for shard in _shards_of(raw, file):
            for row, line in enumerate(_read_lines(file, shard)):
                yield shard.place(row), _record(line)

    def read_rows(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Outcome]:
        """Yield the state of each line in ``[start, stop)``, or why there is none.

        Frames behind a shard's last line have no line that says whose they are: one more rejection.
        """
        first = 0
        for shard in _shards_of(raw, file):
            low, high = max(start - first, 0), min(stop - first, shard.rows)
            if low < high:
                lines = _read_lines(file, shard)
                again = {index - first for index in duplicates}
                for row, outcome in _read_shard(file, shard, lines, low, high, again):
                    yield shard.place(row), _record(lines[row]) if row < len(lines) else "", outcome
            first += shard.rows


def _read_shard(
    file: BinaryIO,
    shard: _Shard,
    lines: tuple[_Line | Problem, ...],
    low: int,
    high: int,
    duplicates: set[int],
) -> Iterator[tuple[int, AdsorptionEnergy | Problem]]:
    frames = _read_frames(file, shard)
    missing = Problem("frame", "the shard has fewer frames than lines")
    for row in range(high):
        text = next(frames, missing)
        if isinstance(text, Problem):
            missing = text
        if row < low:
            continue
        line = lines[row]
        if isinstance(line, Problem):
            yield row, line
        elif row in duplicates:
            yield row, Problem("frame", f"{_record(line)} was already given")
        elif isinstance(text, Problem):
            yield row, text
        else:
            yield row, read_energy(text, line.reference_ev, shard.place(row), line.system_id, line.frame)
    if high == len(lines) and shard.problem is None and isinstance(next(frames, None), bytes):
        yield high, Problem("frame", f"this and later frames have no line in {shard.name}{LINES}")


def _read_frames(file: BinaryIO, shard: _Shard) -> Iterator[bytes | Problem]:
    """Yield the frames of a shard; where it is cut off, why, and no more; a corrupt one gives none."""
    if shard.frames is None:
        yield Problem("shard", f"has no {FRAMES}")
        return
    try:
        for _ in decompress_xz(read_member(file, shard.frames), _MOST_FRAMES_BYTES):
            pass  # only at its end does a stream show that its bytes are those that were written
    except DamagedError as error:
        if not error.is_cut_off:
            yield Problem("shard", str(error))
            return
    try:
        text = decompress_xz(read_member(file, shard.frames), _MOST_FRAMES_BYTES)
        yield from split_frames(read_lines(text))
    except DamagedError as error:
        yield Problem("shard", str(error))


def _shards_of(raw: RawFile, file: BinaryIO) -> list[_Shard]:
    return _LAST.get(raw.sha256, lambda: list(_list_shards(raw, file)))


def _list_shards(raw: RawFile, file: BinaryIO) -> Iterator[_Shard]:
    """Yield the shards in the order of their first members; the same for the same file."""
    listing = list_members(raw.url, file)
    pairs: dict[str, dict[str, Member]] = {}
    unusable: list[_Shard] = []
    for number, member in enumerate(listing.members):
        suffix = next((end for end in (FRAMES, LINES) if member.name.endswith(end)), None)
        is_note = suffix is None and PurePosixPath(member.name).suffix in {".txt", ".md", ""}
        if member.problem or (suffix is None and not is_note):
            problem = Problem("member", member.problem or f"is neither {FRAMES} nor {LINES}")
            unusable.append(_Shard(f"{member.name} (member {number})", 1, problem=problem))
        elif suffix is not None:
            pairs.setdefault(member.name.removesuffix(suffix), {})[suffix] = member
    if not pairs:
        raise SourceError(f"{raw.url} holds no pair of {FRAMES} and {LINES}.", "Fetch it again.")
    total = 0
    for name, pair in pairs.items():
        if LINES not in pair:
            problem = Problem("shard", f"has no {LINES} that says whose its frames are")
            yield _Shard(f"{name}{FRAMES}", 1, problem=problem)
            continue
        shard = _Shard(name, 0, pair[LINES], pair.get(FRAMES))
        count = len(_read_lines(file, shard))
        total += count
        if total > _MOST_ROWS:
            raise SourceError(f"{raw.url} has more than {_MOST_ROWS} frames.", "Load its shards one by one.")
        yield _Shard(name, count, pair[LINES], pair.get(FRAMES))
    yield from unusable
    if listing.problem:
        yield _Shard("end of the archive", 1, problem=Problem("archive", listing.problem))


def _read_lines(file: BinaryIO, shard: _Shard) -> tuple[_Line | Problem, ...]:
    """Return what a shard's text says of each frame, or what is wrong with the line, the text or the shard."""
    if shard.problem is not None or shard.text is None:
        return (shard.problem or Problem("shard", f"has no {LINES}"),)
    lines: list[_Line | Problem] = []
    try:
        text = decompress_xz(read_member(file, shard.text), _MOST_LINES_BYTES)
        lines.extend(_read_line(line) for line in read_lines(text) if line.strip())
    except DamagedError as error:
        kept = lines if error.is_cut_off else []
        return (*kept, Problem("shard", f"its {LINES} {error}"))
    return tuple(lines)


def _read_line(line: bytes) -> _Line | Problem:
    text = line.decode("utf-8", "replace").strip()
    found = _LINE.fullmatch(text)
    system = system_name(found["system"]) if found else ""
    if found is None or not system:
        return Problem("line", f"{shown(text)} does not say system, frame and reference energy")
    reference = read_reference(found["reference"])
    if isinstance(reference, Problem):
        return reference
    return _Line(system, int(found["frame"]), reference)


def _record(line: _Line | Problem) -> str:
    return name_of(line.system_id, line.frame) if isinstance(line, _Line) else ""
