"""What is fuzzed: every parser of `sources.parsers.PARSERS`, with inputs to start from and what must hold of what it gives.

Not here are those that read in a process of their own, made to die of a bad file: see `ISOLATED`; nor are tables that
are ASE databases, for the same reason.
"""

import gzip
import hashlib
import io
import json
import lzma
import math
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from catalyst_assets.errors import CatalystError
from catalyst_assets.ingestion.adsorption.records import (
    AdsorptionEnergy,
    AdsorptionSystem,
    check_energy,
    check_system,
)
from catalyst_assets.ingestion.oc20.frames import read_frame, split_frames
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.records import Problem, Record, Rejection, validate
from catalyst_assets.ingestion.sources.parsers import PARSERS
from catalyst_assets.ingestion.untrusted.archives import DamagedError, read_lines
from catalyst_assets.ingestion.uploads.bundle import Bundle, UploadedFile
from catalyst_assets.vocabulary.known import known_methods, known_properties
from catalyst_assets_tests.places import DATA

SAMPLES = DATA
ISOLATED = frozenset({"oc20_ase_lmdb", "oc20_pickled_lmdb", "oc20_pickled_mapping"})
# Reads only what the platform itself wrote, known by its hash: the crystals of submitted results.
OWN = frozenset({"laboratory_crystals"})
# Files as people upload them.
UPLOADED = ("a.cif", "POSCAR", "a.json", "list.csv", "list.txt", "a.zip", "a.cif.gz")
GAP = {"property": "band_gap", "unit": "eV", "method": "PBE", "required": False}
FRAME = (
    b'2\nLattice="9.0 0.0 0.0 0.0 9.0 0.0 0.0 0.0 20.0" '
    b"Properties=species:S:1:pos:R:3:move_mask:L:1:tags:I:1:forces:R:3 "
    b'energy=-18.5 free_energy=-18.5 pbc="T T T"\n'
    b"Pt 0.0 0.0 0.0 F 0 0.0 0.0 0.0\nH 0.0 0.0 1.6 T 2 0.0 0.0 0.1\n"
)
CIF = """data_a
_cell_length_a 3.9
_cell_length_b 3.9
_cell_length_c 3.9
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Cs1 0 0 0
Cl1 0.5 0.5 0.5
"""


@dataclass(frozen=True)
class Target:
    """One parser and what its files were asked for with.

    Attributes
    ----------
    seeds
        Makes inputs that are right, to start from.
    is_json
        Whether parts of the inputs may be exchanged as those of JSON are.
    check
        Raises when an input does harm.
    """

    seeds: Callable[[], Sequence[bytes]]
    check: Callable[[bytes], None]
    is_json: bool = False


def parser_target(
    kind: str, seeds: Callable[[], Sequence[bytes]], *, is_json: bool = False, **parameters: Any
) -> Target:
    """Return the target of a parser."""
    return Target(seeds, lambda data: check_parser(kind, parameters, data), is_json)


def check_parser(kind: str, parameters: Mapping[str, Any], data: bytes, url: str = "fuzz:") -> None:
    """Read an input as a load does, and look at everything that would be written."""
    request = {"kind": kind, "answers": False, "parameters": parameters}
    sha256 = hashlib.sha256(data).hexdigest()
    raw = RawFile(1, "fuzz", url, request, sha256, len(data), "CC0-1.0", datetime.now(UTC), "pending", None)
    parser = PARSERS[kind]
    try:
        contents = parser.survey(raw, io.BytesIO(data))
    except CatalystError as error:
        require_storable(str(error))
        return
    outcomes = list(parser.parse(raw, io.BytesIO(data), 0, contents.rows, contents.duplicates))
    expected = contents.rows if contents.expected is None else contents.expected
    # A shard with more frames than lines has one rejection more than rows.
    assert len(outcomes) == expected or (kind == "oc20_s2ef" and len(outcomes) > expected)
    assert len({outcome.place for outcome in outcomes}) == len(outcomes)
    records = [outcome for outcome in outcomes if isinstance(outcome, Record)]
    accepted, unphysical = validate(records)
    for record, crystal in accepted:
        require_name(record.source_id)
        require_storable([record.place, record.licence, crystal.structure_json, crystal.reduced_formula])
        assert crystal.n_sites == len(crystal.structure_json["sites"]) > 0
        assert math.isfinite(crystal.volume_per_atom)
        for value in record.values:
            known = known_properties()[value.property]
            assert value.unit == known.unit
            assert value.method in known_methods()
            assert known.low <= value.value <= known.high
    for outcome in [*outcomes, *unphysical]:
        if isinstance(outcome, Rejection):
            assert outcome.problems
            require_storable([outcome.place, outcome.reason, dict(outcome.payload)])
        elif isinstance(outcome, AdsorptionEnergy):
            if not check_energy(outcome):
                require_name(outcome.system_id)
                assert math.isfinite(outcome.energy_ev)
        elif isinstance(outcome, AdsorptionSystem) and not check_system(outcome):
            require_name(outcome.system_id)
            require_storable([outcome.adsorbate, outcome.bulk_mpid, outcome.adsorption_site, outcome.shift])


def check_upload(data: bytes) -> None:
    """Read an uploaded file, which the first byte names."""
    name = UPLOADED[data[0] % len(UPLOADED)] if data else UPLOADED[0]
    bundle = Bundle.of("Ada Lovelace", [UploadedFile(name, data[1:])], "cubic_perovskite")
    check_parser("upload", {}, bundle.pack(), "uploads:1")


def check_frames(data: bytes) -> None:
    """Read the frames of a trajectory by themselves: behind xz and tar few inputs get to them."""
    try:
        frames = list(split_frames(read_lines([data])))
    except DamagedError as error:
        require_storable(str(error))
        return
    for frame in frames:
        read = read_frame(frame)
        require_storable([read.field, read.reason] if isinstance(read, Problem) else read.adsorbate)


def require_name(name: str) -> None:
    """Make sure that a text can name a record."""
    assert 0 < len(name) <= 128
    assert name.isprintable()
    assert not any(map(str.isspace, name))


def require_storable(value: object) -> None:
    """Make sure that PostgreSQL takes a value: no NaN, no NUL, no half of a surrogate pair."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()
    assert "\\u0000" not in text.replace("\\\\", "")


def table(name: str, structure: Mapping[str, Any], *record: str) -> dict[str, Any]:
    """Return what a mapping file says of a table."""
    return {
        "source": "fuzz",
        "table": name,
        "licence": "CC0-1.0",
        "structure": dict(structure),
        "record": list(record),
        "properties": {"gap": GAP},
    }


def table_target(mapping: Mapping[str, Any], seeds: Callable[[], Sequence[bytes]]) -> Target:
    """Return the target of one kind of table."""
    return parser_target("reference_table", seeds, mapping=mapping)


def load_sample(path: str) -> Any:
    """Return a sample, None where this checkout has none."""
    file = SAMPLES / path
    return json.loads(file.read_text()) if file.exists() else None


def as_json(*documents: Any) -> list[bytes]:
    """Return documents as inputs."""
    return [json.dumps(document).encode() for document in documents if document is not None]


def cif_tables() -> list[bytes]:
    """Return tables with crystals in them."""
    sample = SAMPLES / "materials_project" / "Si_mp_149.cif"
    texts = [CIF, *([sample.read_text()] if sample.exists() else [])]
    return [f'id,gap,cif\none,1.5,"{text}"\n'.encode() for text in texts]


def parquet_tables(columns: Mapping[str, Any]) -> list[bytes]:
    """Return a small table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), sink, compression="none")
    return [sink.getvalue()]


def optimade_pages() -> list[bytes]:
    """Return pages of providers, cut to a few entries."""
    oqmd = load_sample("optimade/oqmd_ternary_oxides_bandgap.json")
    bad = load_sample("optimade/opt_test_bad_structures.json")
    special = load_sample("optimade/opt_special_species.json")
    sites = [{"lattice_vectors": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "species_at_sites": ["Cs", "Cl"],
              "cartesian_site_positions": [[0, 0, 0], [2, 2, 2]]}]  # fmt: skip
    return as_json(
        {"data": [{"id": "one", "attributes": attributes} for attributes in sites]},
        {"data": oqmd[0]["data"][:2]} if oqmd else None,
        {"data": [{"id": "bad", "attributes": document} for document in bad[:2]]} if bad else None,
        {"data": special[:2]} if special else None,
    )


def aflux_pages() -> list[bytes]:
    """Return both shapes of reply."""
    entry = {
        "auid": "aflow:0123456789abcdef", "dft_type": "PAW_PBE", "geometry": [4, 4, 4, 90, 90, 90],
        "species": ["Cs", "Cl"], "composition": [1, 1], "Egap": "5.1", "enthalpy_formation_atom": -2.0,
        "positions_fractional": "0,0,0;0.5,0.5,0.5",
    }  # fmt: skip
    samples = [
        load_sample(f"aflow/{name}.json") for name in ("aflux_page_2026_lematerial", "aflux_page1_912")
    ]
    return as_json([entry], {"1 of 1": entry}, *samples)


def enumerations() -> list[bytes]:
    """Return a small enumeration."""
    sites = {"A": ["Ba", "Sr"], "B": ["Ti", "Zr"], "X": ["O"]}
    return as_json({"name": "some", "prototype": "cubic_perovskite", "sites": sites})


def summary_documents() -> list[Any]:
    """Return documents of the Materials Project."""
    derived = load_sample("materials_project/DERIVED_summary_shape_docs.json")
    held = derived.get("data", derived) if isinstance(derived, dict) else derived
    small = sorted(held, key=lambda document: len(json.dumps(document)))[:2] if held else []
    site = {"species": [{"element": "Si", "occu": 1}], "abc": [0, 0, 0]}
    structure = {"lattice": {"matrix": [[0, 2.7, 2.7], [2.7, 0, 2.7], [2.7, 2.7, 0]]}, "sites": [site]}
    own = {"material_id": "mp-149", "band_gap": 0.6, "energy_above_hull": 0.0, "structure": structure}
    return [own, *small]


def uploads() -> list[bytes]:
    """Return a right file for each of `UPLOADED`."""
    from pymatgen.core.structure import Structure

    crystal = Structure.from_str(CIF, fmt="cif")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        opened.writestr("one.cif", CIF)
    files = [CIF.encode(), crystal.to(fmt="poscar").encode(), json.dumps(crystal.as_dict()).encode(),
             b"formula,prototype\nSrTiO3,cubic_perovskite\n", b"SrTiO3\n# none\nBaZrO3\n", packed.getvalue(),
             gzip.compress(CIF.encode())]  # fmt: skip
    return [bytes([number]) + file for number, file in enumerate(files)]


def archive(*members: tuple[str, bytes]) -> bytes:
    """Return a tar of members."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.USTAR_FORMAT) as opened:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            opened.addfile(info, io.BytesIO(data))
    return sink.getvalue()


def energy_tables() -> list[bytes]:
    """Return the beginning of a table of adsorption energies."""
    sample = SAMPLES / "oc20" / "oc20_val_adsorption_energies.csv"
    lines = sample.read_bytes().splitlines(keepends=True)[:4] if sample.exists() else []
    return [
        b'id,target,ads,bulk_symbols,miller\nrandom1,-0.5,*H,Pt,"(1, 1, 1)"\n',
        *([b"".join(lines)] if lines else []),
    ]


TARGETS: Mapping[str, Target] = {
    "table_csv": table_target(
        table("t.csv", {"prototype": "cubic_perovskite"}),
        lambda: [
            b'A,B,anion,gap\nBa,Ti,O3,1.5\nSr,"Ti",O2N,\n',
            b"\xef\xbb\xbfA,B,anion,gap\r\nBa,Ti,O3,1e3\r\n",
        ],
    ),
    "table_cif": table_target(table("t.csv", {"cif": "cif"}, "id"), cif_tables),
    "table_parquet": table_target(
        table("t.parquet", {"prototype": "cubic_perovskite"}),
        lambda: parquet_tables({"A": ["Ba"], "B": ["Ti"], "anion": ["O3"], "gap": [1.5]}),
    ),
    "optimade_page": parser_target(
        "optimade_page", optimade_pages, is_json=True, properties={"_oqmd_band_gap": GAP}
    ),
    "aflux_page": parser_target("aflux_page", aflux_pages, is_json=True),
    "enumeration": parser_target("enumeration", enumerations, is_json=True),
    "mp_summary": parser_target(
        "mp_summary", lambda: as_json({"data": summary_documents()}), is_json=True, non_commercial=False
    ),
    "mp_summary_parquet": parser_target(
        "mp_summary_parquet",
        lambda: parquet_tables({"material_id": ["mp-149"], "band_gap": [0.6]}),
        non_commercial=False,
    ),
    "mp_index": parser_target(
        "mp_index",
        lambda: as_json(
            {"db_version": "1", "pages": [{"data": [{"material_id": "mp-149", "last_updated": None}]}]}
        ),
        is_json=True,
        scope={},
    ),
    "upload": Target(uploads, check_upload),
    "oc20_relaxations": parser_target(
        "oc20_relaxations",
        lambda: [
            archive(
                ("1/system.txt", b"random1,-15.0\n"), ("1/random1.extxyz.xz", lzma.compress(FRAME + FRAME))
            )
        ],
        adsorbate="H",
    ),
    "oc20_s2ef": parser_target(
        "oc20_s2ef",
        lambda: [
            archive(
                ("0.txt.xz", lzma.compress(b"random1,frame0,-15.0\n")), ("0.extxyz.xz", lzma.compress(FRAME))
            )
        ],
    ),
    "oc20_frames": Target(lambda: [FRAME, FRAME + FRAME], check_frames),
    "oc20_mapping": parser_target(
        "oc20_mapping",
        lambda: as_json(
            {
                "random1": {
                    "ads_symbols": "*H",
                    "bulk_mpid": "mp-149",
                    "miller_index": [1, 1, 1],
                    "anomaly": 0,
                }
            },
            load_sample("oc20/oc20_data_mapping_example.json"),
        ),
        is_json=True,
    ),
    "oc20_energy_table": parser_target("oc20_energy_table", energy_tables),
}
