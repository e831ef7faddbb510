"""OC20's archives of one adsorbate: relaxations whose last frame, less its reference, is an adsorption energy.

A tar of ``<system>.extxyz.xz`` and one ``system.txt`` with lines ``<system>,<reference energy in eV>``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.adsorption.records import (
    RELAXED,
    AdsorptionEnergy,
    AdsorptionParser,
    Outcome,
    system_name,
)
from catalyst_assets.ingestion.oc20.frames import read_energy, read_reference, split_frames
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.tables import shown
from catalyst_assets.ingestion.records import Problem
from catalyst_assets.ingestion.untrusted.archives import (
    DamagedError,
    LastIndex,
    Listing,
    Member,
    decompress_xz,
    list_members,
    read_lines,
    read_member,
)

SUFFIX: Final = ".extxyz.xz"
REFERENCES: Final = "system.txt"
_MOST_REFERENCE_BYTES: Final = 256 * 1024**2
_MOST_TRAJECTORY_BYTES: Final = 512 * 1024**2


@dataclass(frozen=True)
class _Row:
    """One system of an archive: its trajectory, its reference, or what is wrong with either."""

    place: str
    system_id: str
    member: Member | None = None
    reference_ev: float | None = None
    problem: Problem | None = None


_LAST: Final = LastIndex[list[_Row]]()


class RelaxationParser(AdsorptionParser):
    """Reads archives of relaxations."""

    kind: Final = "oc20_relaxations"

    def list_rows(self, raw: RawFile, file: BinaryIO) -> Iterator[tuple[str, str]]:
        """Yield place and system of each trajectory, and of each reference without one.

        Raises
        ------
        SourceError
            The file is no such archive, or has no references.
        """
        for row in _rows_of(raw, file):
            # A member that may not be read takes no other one's place.
            yield row.place, "" if row.problem is not None else row.system_id

    def read_rows(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Outcome]:
        """Yield the relaxed state of each system in ``[start, stop)``, or why there is none."""
        adsorbate = str(raw.request["parameters"].get("adsorbate", ""))
        for index, row in enumerate(_rows_of(raw, file)[start:stop], start):
            outcome: AdsorptionEnergy | Problem
            if row.problem is not None or row.member is None or row.reference_ev is None:
                outcome = row.problem or Problem("system", "has no trajectory or no reference energy")
            elif index in duplicates:
                outcome = Problem("system", f"{row.system_id} was already given by an earlier member")
            else:
                outcome = _read_relaxed(file, row, row.member, row.reference_ev, adsorbate)
            yield row.place, row.system_id, outcome


def _read_relaxed(
    file: BinaryIO, row: _Row, member: Member, reference_ev: float, adsorbate: str
) -> AdsorptionEnergy | Problem:
    last = b""
    try:
        text = decompress_xz(read_member(file, member), _MOST_TRAJECTORY_BYTES)
        for frame in split_frames(read_lines(text)):
            last = frame
    except DamagedError as error:
        # The last whole frame of a trajectory that is cut off is not the relaxed one.
        return Problem("trajectory", str(error))
    if not last:
        return Problem("trajectory", "has no frames")
    return read_energy(last, reference_ev, row.place, row.system_id, RELAXED, adsorbate)


def _rows_of(raw: RawFile, file: BinaryIO) -> list[_Row]:
    return _LAST.get(raw.sha256, lambda: _list_rows(raw, file))


def _list_rows(raw: RawFile, file: BinaryIO) -> list[_Row]:
    """Return a row for each member and for each reference without one; the same for the same file."""
    listing = list_members(raw.url, file)
    references = _read_references(raw, file, listing)
    rows = []
    for number, member in enumerate(listing.members):
        path = PurePosixPath(member.name)
        if path.name == REFERENCES and not member.problem:
            continue
        system = system_name(path.name.removesuffix(SUFFIX)) if path.name.endswith(SUFFIX) else ""
        found = references.get(system, Problem("reference_energy", f"is missing in {REFERENCES}"))
        if member.problem or not system:
            problem = Problem("member", member.problem or f"is no {SUFFIX} file named after a system")
            # Such names may come more than once.
            rows.append(_Row(f"{member.name} (member {number})", system, problem=problem))
        elif isinstance(found, Problem):
            rows.append(_Row(member.name, system, problem=found))
        else:
            rows.append(_Row(member.name, system, member, found))
    given = {row.system_id for row in rows}
    why = f": the archive ends too early, {listing.problem}" if listing.problem else ""
    rows.extend(
        _Row(
            f"{REFERENCES}, {system}", system_name(system), problem=Problem("trajectory", f"is missing{why}")
        )
        for system in references
        if system not in given
    )
    return rows


def _read_references(raw: RawFile, file: BinaryIO, listing: Listing) -> dict[str, float | Problem]:
    """Return the reference energy of each system in eV, or what is wrong with it."""
    tables = [
        member
        for member in listing.members
        if PurePosixPath(member.name).name == REFERENCES and not member.problem
    ]
    if len(tables) != 1 or tables[0].size > _MOST_REFERENCE_BYTES:
        early = f"; it ends too early: {listing.problem}" if listing.problem else ""
        raise SourceError(
            f"{raw.url} has {len(tables)} files {REFERENCES} of a usable size, expected one{early}.",
            "Fetch the archive of one adsorbate again.",
        )
    references: dict[str, float | Problem] = {}
    try:
        for line in read_lines(read_member(file, tables[0])):
            system, _, text = line.decode("utf-8", "replace").strip().partition(",")
            if not system or (not references and text.strip() == "reference_energy"):
                continue
            system = system_name(system) or shown(system)
            value = read_reference(text)
            if system in references and references[system] != value:
                value = Problem("reference_energy", f"{system} has more than one in {REFERENCES}")
            references[system] = value
    except DamagedError as error:
        raise SourceError(f"{REFERENCES} of {raw.url} {error}.", "Fetch the archive again.") from None
    return references
