"""A formula becomes a crystal of a prototype: elements go where their numbers and charges fit."""

import io
import zipfile

import pytest

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.prototypes.formulas import build_from_formula
from catalyst_assets.ingestion.uploads.bundle import Bundle, UploadedFile, unpack
from catalyst_assets.ingestion.uploads.contents import read_entries
from catalyst_assets_tests.cifs import cif, cubic


@pytest.mark.parametrize(
    ("formula", "prototype", "symbols"),
    [
        ("SrTiO3", "cubic_perovskite", "Sr Ti O O O"),
        ("Sr₂Ti₂O₆", "cubic_perovskite", "Sr Ti O O O"),
        ("O3TiSr", "cubic_perovskite", "Ti Sr O O O"),
        ("SrTaO2N", "mixed_anion_perovskite", "Sr Ta O O N"),
        ("Al2MgO4", "spinel", "Mg Mg Al Al Al Al O O O O O O O O"),
        ("TiO2", "rutile", "Ti Ti O O O O"),
    ],
)
def test_elements_go_to_the_sites_that_they_fit(formula: str, prototype: str, symbols: str) -> None:
    assert " ".join(build_from_formula(formula, prototype).symbols) == symbols


@pytest.mark.parametrize(
    ("formula", "prototype", "reason"),
    [
        ("TiO2", "cubic_perovskite", "does not fit cubic_perovskite, whose sites are A B X3"),
        ("SrTiO3", "garnet", "'garnet' is no prototype"),
        ("Sr(TiO3)", "cubic_perovskite", "is no formula"),
        ("XxO2", "rutile", "unknown element 'Xx'"),
        ("HeO2", "rutile", "no common oxidation states"),
        ("TiO0", "rutile", "has none of an element"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(formula: str, prototype: str, reason: str) -> None:
    with pytest.raises(UnreadableStructureError, match=reason.replace("(", r"\(")):
        build_from_formula(formula, prototype)


def test_an_upload_is_the_same_bytes_in_whatever_order_its_files_came() -> None:
    files = [UploadedFile("b.cif", b"2"), UploadedFile("a.cif", b"1"), UploadedFile("a.cif", b"1")]
    bundle = Bundle.of("Ada", files, "rutile")
    assert bundle.pack() == Bundle.of("Ada", files[::-1], "rutile").pack()
    assert bundle.pack() != Bundle.of("Bob", files, "rutile").pack()
    assert unpack("it", io.BytesIO(bundle.pack())) == bundle
    assert [file.name for file in bundle.files] == ["a.cif", "b.cif"]


def test_each_candidate_is_read_or_refused_by_itself() -> None:
    salt = cif(
        cubic(4.21),
        [("Mg1", "Mg", 0, 0, 0), ("O1", "O", 0.5, 0.5, 0.5)],
        "_symmetry_space_group_name_H-M 'F m -3 m'",
    ).encode()
    entries = read_entries(
        Bundle.of(
            "Ada",
            [
                UploadedFile("salt.cif", salt),
                UploadedFile("list.csv", b"Formula, prototype\nTiO2,rutile\nBaTiO3,\n# more\nfoo,rutile\n"),
                UploadedFile("plain.txt", b"SrTiO3\n"),
                UploadedFile("empty.cif", b" \n"),
                UploadedFile("talk.pdf", b"%PDF"),
                UploadedFile("broken.cif.gz", b"no gzip"),
            ],
            "cubic_perovskite",
        )
    )
    said = {entry.place: str(getattr(entry.found, "symbols", entry.found)) for entry in entries}
    assert list(said) == [
        "broken.cif.gz", "empty.cif", "list.csv line 2", "list.csv line 3", "list.csv line 5",
        "plain.txt line 1", "salt.cif", "talk.pdf",
    ]  # fmt: skip
    assert "Not a gzipped file" in said["broken.cif.gz"]
    assert said["empty.cif"].startswith("is empty.")
    assert said["list.csv line 3"] == "('Ba', 'Ti', 'O', 'O', 'O')"
    assert said["list.csv line 5"].startswith("'foo' is no formula")
    assert said["talk.pdf"].startswith("cannot be read as CIF, POSCAR")


def test_an_archive_is_read_file_by_file() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("set/wishes.txt", "TiO2\n")
        archive.writestr("set/notes.pdf", "x")
        archive.writestr("__MACOSX/set/._wishes.txt", "x")
        archive.writestr("set/.DS_Store", "x")
    good, cut = packed.getvalue(), packed.getvalue()[:40]
    entries = read_entries(
        Bundle.of("Ada", [UploadedFile("a.zip", good), UploadedFile("b.zip", cut)], "rutile")
    )
    assert [(entry.place, isinstance(entry.found, UnreadableStructureError)) for entry in entries] == [
        ("a.zip/set/wishes.txt line 1", False), ("a.zip/set/notes.pdf", True), ("b.zip", True),
    ]  # fmt: skip
    assert "cannot be read as ZIP" in str(entries[2].found)


def test_a_file_without_a_name_in_an_archive_costs_the_others_nothing() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("nameless", "x")
        archive.writestr("wishes.txt", "TiO2\n")
    nameless = packed.getvalue().replace(b"nameless", b"\0" * 8)
    entries = read_entries(Bundle.of("Ada", [UploadedFile("a.zip", nameless)], "rutile"))
    assert [(entry.place, isinstance(entry.found, UnreadableStructureError)) for entry in entries] == [
        ("a.zip/", True), ("a.zip/wishes.txt line 1", False),
    ]  # fmt: skip
