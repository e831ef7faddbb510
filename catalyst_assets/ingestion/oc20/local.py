"""Files of OC20 that are on this machine: what each is, and which of them may be read."""

import tarfile
from pathlib import Path
from typing import Final

from catalyst_assets.errors import SourceError, UsageError
from catalyst_assets.ingestion.oc20 import relaxations, s2ef
from catalyst_assets.ingestion.oc20.label_tables import EnergyTableParser
from catalyst_assets.ingestion.oc20.lmdb_files import AseLmdbParser, PickledLmdbParser
from catalyst_assets.ingestion.oc20.mapping import MappingParser, PickledMappingParser
from catalyst_assets.ingestion.oc20.relaxations import RelaxationParser
from catalyst_assets.ingestion.oc20.s2ef import S2efParser
from catalyst_assets.ingestion.untrusted.archives import list_members

PICKLED: Final = frozenset({PickledMappingParser.kind, PickledLmdbParser.kind})
_KINDS: Final = {
    ".csv": EnergyTableParser.kind,
    ".json": MappingParser.kind,
    ".aselmdb": AseLmdbParser.kind,
    ".lmdb": PickledLmdbParser.kind,
    ".pkl": PickledMappingParser.kind,
    s2ef.FRAMES: S2efParser.kind,
}


def kind_of(path: Path) -> str:
    """Return which parser reads a file, by its name; of a tar, by the names of its members.

    Raises
    ------
    UsageError
        It is none that is read here, or cannot be opened.
    """
    remedy = f"Give a .tar of OC20, or one of {', '.join(_KINDS)}."
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", remedy)
    for suffix, kind in _KINDS.items():
        if path.name.endswith(suffix):
            return kind
    if path.suffix != ".tar":
        raise UsageError(f"{path} has no name by which it is known what it holds.", remedy)
    try:
        with path.open("rb") as file:
            names = [Path(member.name).name for member in list_members(path.name, file).members]
    except (SourceError, OSError) as error:
        raise UsageError(f"{path} cannot be opened: {error}", remedy) from None
    if relaxations.REFERENCES in names:
        return RelaxationParser.kind
    if any(name.endswith(s2ef.LINES) for name in names):
        return S2efParser.kind
    raise UsageError(f"{path} holds neither {relaxations.REFERENCES} nor a {s2ef.LINES} file.", remedy)


def require_permission(kind: str, name: str, *, allow_pickles: bool) -> None:
    """Refuse what is read by unpickling, unless that is allowed.

    Raises
    ------
    UsageError
        It is not.
    """
    if kind in PICKLED and not allow_pickles:
        raise UsageError(
            f"{name} is a pickle, which is refused: reading one can run whatever its writer put into it.",
            "Add --allow-pickles: it is then read by a process of its own that rebuilds plain data only. The "
            "mapping can also be given as JSON.",
        )


def pack_shard(frames: Path, into: Path) -> Path:
    """Put a single S2EF shard and the text beside it into a tar, as they are; the same pair gives the same tar.

    Raises
    ------
    UsageError
        There is no text beside it.
    """
    lines = frames.with_name(frames.name.removesuffix(s2ef.FRAMES) + s2ef.LINES)
    if not lines.is_file():
        raise UsageError(
            f"{frames} has no {lines.name} beside it.", "Put it there: it says whose frames they are."
        )
    packed = into / f"{frames.name}.tar"
    into.mkdir(parents=True, exist_ok=True)
    with tarfile.open(packed, "w", format=tarfile.USTAR_FORMAT) as archive:
        for path in (frames, lines):
            member = tarfile.TarInfo(path.name)
            member.size = path.stat().st_size
            with path.open("rb") as file:
                archive.addfile(member, file)
    return packed
