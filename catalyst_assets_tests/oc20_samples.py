"""Files in OC20's formats, made of real slabs: none of its own shards is small enough to carry along."""

import io
import json
import lzma
import tarfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from catalyst_assets_tests.places import DATA

SAMPLES = DATA / "oc20"
REFERENCE_EV = -178.5


@cache
def slabs() -> tuple[Any, ...]:
    """Return 112 fcc(111) slabs with H and O on them, tagged as OC20 tags its own."""
    from ase.io import read

    found = read(SAMPLES / "kitchin_fcc111_HO_adsorption.extxyz", ":")
    return tuple(found)


def slab(symbol: str = "H", number: int = 0) -> Any:
    """Return a copy of one slab with a single atom of an element adsorbed; OH stands for O with H on top."""
    sought = "O" if symbol == "OH" else symbol
    fitting = [
        atoms
        for atoms in slabs()
        if [s for s, tag in zip(atoms.get_chemical_symbols(), atoms.get_tags(), strict=True) if tag == 2]
        == [sought]
    ]
    atoms = fitting[number % len(fitting)].copy()
    if symbol == "OH":
        from ase import Atom

        atoms.append(Atom("H", atoms.positions[-1] + [0.3, 0.0, 0.92], tag=2))
    return atoms


def frame(atoms: Any, energy: float | str = -181.54722937) -> str:
    """Write one frame with OC20's own header: forces, tags, and which atoms may move."""
    lattice = " ".join(f"{x:.8f}" for x in atoms.cell.array.ravel())
    lines = [
        str(len(atoms)),
        f'Lattice="{lattice}" Properties=species:S:1:pos:R:3:move_mask:L:1:tags:I:1:forces:R:3 '
        f'energy={energy} free_energy=-181.54878652 pbc="T T T"',
    ]
    for symbol, position, tag in zip(
        atoms.get_chemical_symbols(), atoms.positions, atoms.get_tags(), strict=True
    ):
        place = " ".join(f"{x:.8f}" for x in position)
        lines.append(f"{symbol} {place} {'F' if tag == 0 else 'T'} {tag} 0.01 -0.02 0.03")
    return "\n".join(lines) + "\n"


def trajectory(symbol: str, energies: Sequence[float | str], number: int = 0) -> bytes:
    """Return a compressed relaxation, one frame an energy."""
    atoms = slab(symbol, number)
    return lzma.compress("".join(frame(atoms, energy) for energy in energies).encode(), preset=0)


def pack(members: Iterable[tuple[str, bytes] | tarfile.TarInfo], *, form: int = tarfile.GNU_FORMAT) -> bytes:
    """Return a tar of files and of headers without content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                header = tarfile.TarInfo(member[0])
                header.size = len(member[1])
                archive.addfile(header, io.BytesIO(member[1]))
    return packed.getvalue()


def references(values: Mapping[str, float | str]) -> bytes:
    """Return the text of a system.txt."""
    return "".join(f"{system},{value}\n" for system, value in values.items()).encode()


def relaxations(symbol: str, energies_ev: Mapping[str, float], reference_ev: float = REFERENCE_EV) -> bytes:
    """Return an archive of one adsorbate in which each system relaxes to its adsorption energy."""
    members = [
        (f"1/{system}.extxyz.xz", trajectory(symbol, [reference_ev + 3, reference_ev + energy], number))
        for number, (system, energy) in enumerate(energies_ev.items())
    ]
    table = ("1/system.txt", references(dict.fromkeys(energies_ev, reference_ev)))
    middle = len(members) // 2
    return pack([*members[:middle], table, *members[middle:]])


def s2ef_pair(lines: Sequence[str], frames: Sequence[str]) -> tuple[bytes, bytes]:
    """Return the two files of one shard: frames, and whose they are."""
    return (
        lzma.compress("".join(frames).encode(), preset=0),
        lzma.compress("".join(f"{line}\n" for line in lines).encode()),
    )


def mapping_entry(**changes: Any) -> dict[str, Any]:
    """Return an entry of the mapping, that of the sample but for the changes."""
    (entry,) = json.loads((SAMPLES / "oc20_data_mapping_example.json").read_text()).values()
    entry |= {"ads_id": 1, "ads_symbols": "*H"} | changes
    return dict(entry)


def ase_row(**changes: Any) -> dict[str, Any]:
    """Return a row of an ASE database as fairchem writes it, an OH on a slab."""
    row = dict(json.loads((SAMPLES / "fairchem_tests_atoms.json").read_text())["1"])
    numbers = row["numbers"]["__ndarray__"][2]
    row["numbers"] = [*numbers[2:], 8, 1]
    row["tags"] = [*([0] * (len(numbers) - 2)), 2, 2]
    row["key_value_pairs"] = {"sid": 77, "fid": 3, "reference_energy": -134.0}
    return row | changes


def ase_lmdb(path: Path, rows: Mapping[str, Any], deleted: Sequence[int] = ()) -> Path:
    """Write rows, or bytes as they are, as fairchem does."""
    values = {
        key.encode(): row if isinstance(row, bytes) else zlib.compress(json.dumps(row).encode())
        for key, row in rows.items()
    }
    values[b"nextid"] = zlib.compress(str(len(rows) + 1).encode())
    if deleted:
        values[b"deleted_ids"] = zlib.compress(json.dumps(list(deleted)).encode())
    return write_lmdb(path, values)


def write_lmdb(path: Path, values: Mapping[bytes, bytes]) -> Path:
    """Write an LMDB in one file."""
    import lmdb

    # As much as fairchem's own writer asks for.
    options = {"map_size": 2 * 1024**4, "subdir": False, "meminit": False, "map_async": True}
    with lmdb.open(str(path), **options) as database, database.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key, value)
    path.with_name(path.name + "-lock").unlink(missing_ok=True)
    return path
