"""OC20's archives: what is whole is read to the last digit, what is not becomes a rejection."""

import io
import lzma
import tarfile

import pytest

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.adsorption.records import (
    RELAXED,
    AdsorptionEnergy,
    adsorbate_formula,
    check_energy,
)
from catalyst_assets.ingestion.oc20.frames import Frame, read_frame
from catalyst_assets.ingestion.oc20.relaxations import RelaxationParser
from catalyst_assets.ingestion.oc20.s2ef import S2efParser
from catalyst_assets.ingestion.records import Problem
from catalyst_assets.ingestion.untrusted.archives import DamagedError, decompress_xz, list_members
from catalyst_assets_tests.oc20_reading import energies, raw_file, read, reasons
from catalyst_assets_tests.oc20_samples import (
    REFERENCE_EV,
    frame,
    pack,
    references,
    relaxations,
    s2ef_pair,
    slab,
    trajectory,
)

# Frames --------------------------------------------------------------------------------------------------------------


def test_ase_reads_the_documented_header_with_fixed_atoms_and_tags() -> None:
    from ase.io import read as ase_read

    atoms = ase_read(io.StringIO(frame(slab("OH"))), format="extxyz")

    assert atoms.get_potential_energy() == -181.54722937
    assert atoms.calc.results["free_energy"] == -181.54878652
    (fixed,) = atoms.constraints
    assert list(fixed.index) == [index for index, tag in enumerate(atoms.get_tags()) if tag == 0]
    assert [atoms[i].symbol for i, tag in enumerate(atoms.get_tags()) if tag == 2] == ["O", "H"]
    assert read_frame(frame(slab("OH")).encode(), "OH") == Frame(-181.54722937, "OH")


def test_a_frame_of_another_adsorbate_or_without_an_energy_is_refused() -> None:
    text = frame(slab("H"))
    problems = {
        "the adsorbate is H, where": read_frame(text.encode(), "O"),
        "no 'energy'": read_frame(text.replace(" energy=-181.54722937", "").encode()),
        "no atom has the tag": read_frame(frame(slab("H")[:-1]).encode()),
        "cannot be read": read_frame(text.replace("0.03", "x").encode()),
    }
    for reason, problem in problems.items():
        assert isinstance(problem, Problem)
        assert reason in problem.reason


@pytest.mark.parametrize(
    ("symbols", "formula"),
    [
        ("OH", "OH"),
        ("HO", "OH"),
        ("H", "H"),
        ("HHO", "H2O"),
        ("CHO", "CHO"),
        ("HNH", "H2N"),
        ("CCHHH", "C2H3"),
    ],
)
def test_adsorbates_are_named_by_their_atoms(symbols: str, formula: str) -> None:
    assert adsorbate_formula(list(symbols)) == formula


# Archives of relaxations ---------------------------------------------------------------------------------------------


def test_the_last_frame_less_its_reference_is_the_adsorption_energy() -> None:
    given = {"random11": -0.4440677500000021, "random22": -9.465824259999977, "random33": 0.0}

    found = read(RelaxationParser(), relaxations("OH", given), adsorbate="OH")

    assert energies(found) == pytest.approx(given, abs=1e-9)
    (first, *_) = found
    assert isinstance(first, AdsorptionEnergy)
    assert (first.frame, first.adsorbate, first.reference_energy_ev) == (RELAXED, "OH", REFERENCE_EV)
    assert check_energy(first) == ()


def test_members_that_are_no_trajectories_are_set_aside_with_their_reasons() -> None:
    good = trajectory("H", [-178.0])
    link = tarfile.TarInfo("random6.extxyz.xz")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    hard = tarfile.TarInfo("random7.extxyz.xz")
    hard.type, hard.linkname = tarfile.LNKTYPE, "random1.extxyz.xz"
    device = tarfile.TarInfo("random8.extxyz.xz")
    device.type = tarfile.CHRTYPE
    folder = tarfile.TarInfo("folder")
    folder.type = tarfile.DIRTYPE
    systems = [f"random{n}" for n in range(1, 14)]
    values: dict[str, float | str] = dict.fromkeys(systems, -178.5) | {"random12": "nan", "random99": -1.0}
    del values["random13"]
    data = pack(
        [
            folder,
            ("random1.extxyz.xz", good),
            ("../random2.extxyz.xz", good),
            ("/random3.extxyz.xz", good),
            ("a/../../random4.extxyz.xz", good),
            ("random1.extxyz.xz", good),
            ("again/random1.extxyz.xz", good),
            link,
            hard,
            device,
            ("random9.txt", b"?"),
            ("random10.extxyz.xz", b"no xz" * 9),
            ("random11.extxyz.xz", good[:-20]),
            ("random12.extxyz.xz", good),
            ("random13.extxyz.xz", good),
            ("system.txt", references(values)),
        ]
    )

    found = read(RelaxationParser(), data, adsorbate="H")

    assert energies(found) == {"random1": pytest.approx(0.5, abs=1e-9)}
    why = reasons(found)
    for name in ("../random2", "/random3", "a/../../random4"):
        (place,) = (place for place in why if place.startswith(f"{name}.extxyz.xz"))
        assert "leaves the archive" in why[place]
    for name in ("random6", "random7", "random8"):
        (place,) = (place for place in why if place.startswith(f"{name}.extxyz.xz"))
        assert "no plain file" in why[place]
    assert "comes twice" in why["random1.extxyz.xz (member 4)"]
    assert "already given" in why["again/random1.extxyz.xz"]
    assert "no .extxyz.xz file" in why["random9.txt (member 9)"]
    assert "no xz" in why["random10.extxyz.xz"]
    assert "cut off" in why["random11.extxyz.xz"]
    assert "not finite" in why["random12.extxyz.xz"]
    assert "missing in system.txt" in why["random13.extxyz.xz"]
    assert "missing" in why["system.txt, random99"]


def test_long_names_are_read_in_both_forms_of_tar() -> None:
    folder = "a" * 120
    members = [
        (f"{folder}/random1.extxyz.xz", trajectory("O", [-179.0])),
        ("system.txt", b"random1,-178.5\n"),
    ]
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        assert energies(read(RelaxationParser(), pack(members, form=form))) == {
            "random1": pytest.approx(-0.5)
        }


def test_a_bomb_is_stopped_long_before_it_is_unpacked() -> None:
    zeros = lzma.compress(bytes(24 * 1024**2), preset=0)
    assert len(zeros) < 20_000
    data = pack([("random1.extxyz.xz", zeros), ("system.txt", b"random1,-178.5\n")])

    found = read(RelaxationParser(), data)

    assert "line of more than" in reasons(found)["random1.extxyz.xz"]
    lines = lzma.compress(b"\n" * 24 * 1024**2, preset=0)
    given: list[int] = []
    with pytest.raises(DamagedError, match="250 times its size"):
        given.extend(len(piece) for piece in decompress_xz([lines], 10**9))
    assert sum(given) <= 17 * 1024**2
    with pytest.raises(DamagedError, match="more than 1000 bytes"):
        list(decompress_xz([lines], 1000))


def test_an_archive_that_is_cut_off_gives_what_is_whole() -> None:
    given = {f"random{n}": float(n) for n in range(6)}
    members = [
        (f"{s}.extxyz.xz", trajectory("H", [REFERENCE_EV + e], n)) for n, (s, e) in enumerate(given.items())
    ]
    data = pack([("system.txt", references(dict.fromkeys(given, REFERENCE_EV))), *members])
    listed = list_members("x", io.BytesIO(data)).members
    cut = data[: listed[4].offset + 100]

    found = read(RelaxationParser(), cut, adsorbate="H")

    assert energies(found) == pytest.approx({f"random{n}": float(n) for n in range(3)}, abs=1e-9)
    assert "cut off" in reasons(found)["random3.extxyz.xz (member 4)"]
    assert "ends too early" in reasons(found)["system.txt, random5"]


@pytest.mark.parametrize("data", [b"", b"<html>We will be back soon.</html>" * 100, pack([("a.txt", b"")])])
def test_what_is_no_archive_of_an_adsorbate_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(SourceError):
        RelaxationParser().survey(raw_file("oc20_relaxations", data), io.BytesIO(data))


# S2EF ----------------------------------------------------------------------------------------------------------------


def test_each_line_belongs_to_the_frame_of_its_number() -> None:
    totals = [-181.54722937, -180.0, -179.25]
    lines = [f"random{n},frame{10 * n},{REFERENCE_EV}" for n in range(3)]
    frames = [frame(slab("O", n), total) for n, total in enumerate(totals)]
    text, names = s2ef_pair(lines, frames)

    found = read(S2efParser(), pack([("s/0.txt.xz", names), ("s/0.extxyz.xz", text), ("s/README", b"hello")]))

    states = [o for o in found if isinstance(o, AdsorptionEnergy)]
    assert [(s.system_id, s.frame, s.adsorbate) for s in states] == [
        ("random0", 0, "O"),
        ("random1", 10, "O"),
        ("random2", 20, "O"),
    ]
    assert [s.energy_ev for s in states] == pytest.approx([t - REFERENCE_EV for t in totals], abs=1e-9)
    assert len(found) == 3


def test_what_has_no_partner_is_set_aside() -> None:
    lines = [f"random{n},frame1,{REFERENCE_EV}" for n in range(4)]
    frames = [frame(slab("H", n), -178.0) for n in range(6)]
    short = s2ef_pair(lines, frames[:2])
    long = s2ef_pair([f"random{n},frame2,{REFERENCE_EV}" for n in range(4)], frames)
    whole = s2ef_pair(
        [*(f"random{n},frame3,-178.5" for n in range(3)), "random0,frame1,-178.5", "what"], frames[:5]
    )
    cut = s2ef_pair([f"random{n},frame4,-178.5" for n in range(5)], frames[:5])
    data = pack(
        [
            *(("0.extxyz.xz", short[0]), ("0.txt.xz", short[1])),
            *(("1.extxyz.xz", long[0]), ("1.txt.xz", long[1])),
            *(("2.extxyz.xz", whole[0]), ("2.txt.xz", whole[1])),
            *(("1050.extxyz.xz", cut[0][:-200]), ("1050.txt.xz", cut[1])),
            ("4.extxyz.xz", short[0]),
            ("5.txt.xz", s2ef_pair(["random9,frame9,-1.0"], [])[1]),
            ("6.bin", b""),
        ]
    )

    found = read(S2efParser(), data)

    loaded = [o.place for o in found if isinstance(o, AdsorptionEnergy)]
    why = reasons(found)
    assert loaded[:6] == [f"0.extxyz.xz frame {n}" for n in range(2)] + [
        f"1.extxyz.xz frame {n}" for n in range(4)
    ]
    assert [why[f"0.extxyz.xz frame {n}"] for n in (2, 3)] == [
        "frame: the shard has fewer frames than lines"
    ] * 2
    assert "no line in 1.txt.xz" in why["1.extxyz.xz frame 4"]
    assert "random0 frame1 was already given" in why["2.extxyz.xz frame 3"]
    assert "does not say system" in why["2.extxyz.xz frame 4"]
    assert "cut off" in why["1050.extxyz.xz frame 4"]
    assert "no .txt.xz" in why["4.extxyz.xz"]
    assert "no .extxyz.xz" in why["5.extxyz.xz frame 0"]
    assert "neither" in why["6.bin (member 10)"]


def test_of_a_truncated_shard_the_whole_frames_load_and_the_rest_is_named() -> None:
    atoms = slab("H")
    frames = []
    for number in range(60):
        atoms.rattle(0.01, seed=number)
        frames.append(frame(atoms, -178.0))
    names = s2ef_pair([f"random{n},frame0,-178.5" for n in range(60)], [])[1]
    whole = lzma.compress("".join(frames).encode(), preset=0)

    found = read(S2efParser(), pack([("1050.extxyz.xz", whole[: len(whole) // 2]), ("1050.txt.xz", names)]))

    loaded = len(energies(found))
    assert 0 < loaded < 60
    assert len(reasons(found)) == 60 - loaded
    assert all("cut off" in reason for reason in reasons(found).values())


def test_of_a_corrupt_shard_nothing_loads() -> None:
    text, names = s2ef_pair([f"random{n},frame0,-178.5" for n in range(20)], [frame(slab("H"), -178.0)] * 20)
    spoiled = bytearray(text)
    spoiled[len(text) // 2] ^= 0xFF

    found = read(S2efParser(), pack([("0.extxyz.xz", bytes(spoiled)), ("0.txt.xz", names)]))

    assert energies(found) == {}
    assert len(reasons(found)) == 20
