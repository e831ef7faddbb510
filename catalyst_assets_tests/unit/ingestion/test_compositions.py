"""Reading a composition: its ratio, exactly, whatever the spelling."""

import pytest

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite
from catalyst_assets.ingestion.reading.compositions import Stoichiometry, read_composition
from catalyst_assets.ingestion.reading.crystals import hash_structure
from catalyst_assets.ingestion.uploads.bundle import Bundle, UploadedFile
from catalyst_assets.ingestion.uploads.judging import find_same, read_candidates


@pytest.mark.parametrize(
    "text",
    [
        "Ni0.1Fe0.2Co0.6Mn0.1",
        "Ni10Fe20Co60Mn10",
        "Mn1 Co6 Fe2 Ni",
        "Ni.1Fe.2Co.6Mn.1",
        "NiFe₂Co₆Mn",
        "Ni0.05Fe0.2Co0.6Mn0.1Ni0.05",
    ],
)
def test_spellings_of_one_ratio_are_one_composition(text):
    found = read_composition(text)

    assert found.counts == (("Co", 6), ("Fe", 2), ("Mn", 1), ("Ni", 1))
    assert found.formula == "MnFe2Co6Ni"
    assert found.elements == ("Co", "Fe", "Mn", "Ni")
    assert found.hash == read_composition("Ni0.1Fe0.2Co0.6Mn0.1").hash


def test_another_ratio_is_another_composition():
    assert read_composition("Fe0.3Co0.5Ce0.2").counts == (("Ce", 2), ("Co", 5), ("Fe", 3))
    assert read_composition("Fe0.3Co0.7").hash != read_composition("Fe0.30001Co0.7").hash


def test_a_formula_that_is_written_out_is_read_as_the_same_composition():
    for text in ("H0.5O0.5", "O2", "Li1P1O3", "Na0.5Cl0.5", "Fe0.3333333333Co0.6666666667"):
        found = read_composition(text)
        again = {
            element.symbol: int(amount) for element, amount in found.to_pymatgen().reduced_composition.items()
        }
        assert Stoichiometry.of(again) == found


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("(Fe0.5Co0.5)2O3", (("Co", 1), ("Fe", 1), ("O", 3))),
        ("Al2(SO4)3", (("Al", 2), ("O", 12), ("S", 3))),
        ("((Fe0.9Ni0.1)0.5Co0.5)O", (("Co", 10), ("Fe", 9), ("Ni", 1), ("O", 20))),
    ],
)
def test_groups_in_brackets_are_multiplied(text, counts):
    found = read_composition(text)

    assert found.counts == counts
    assert read_composition(found.formula) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("Xq0.5Fe0.5", "unknown element 'Xq'"),
        ("D2O", "isotope"),
        ("Fe0Co1", "has 0 of Fe"),
        ("Fe-0.1Co1.1", "has -0.1 of Fe"),
        ("Fe0.0000001Co1", "has 0.0000001 of Fe"),
        ("Fe.Co", "is no composition"),
        ("(Fe0.5Co0.5", "is no composition"),
        ("Fe0.5)Co0.5", "is no composition"),
        ("()2Fe", "is no composition"),
        ("(2Fe)Co", "is no composition"),
        ("(Fe0.5Co0.5)0O3", "has 0 of a group"),
        ("Fe1e-3Co", "is no composition"),
        ("0.5", "is no composition"),
        ("Fe" + "9" * 5000, "is no composition"),
    ],
)
def test_what_is_no_composition_is_refused_with_a_reason(text, said):
    with pytest.raises(UnreadableStructureError) as refused:
        read_composition(text)

    assert said in refused.value.message
    assert len(refused.value.message) < 300
    assert refused.value.remedy


def test_an_upload_of_compositions_says_which_are_known():
    table = b"name,composition\na,Fe0.9Ni0.1\nb,Fe9Ni\nc,Fe0.5Co0.5\nd,Fe0Co1\ne,Ti0.2O0.6Sr0.2\n"
    titanate = build_cubic_perovskite("Sr", "Ti", "O3")
    known = [
        {"material_id": "plate:FeCo", "reduced_formula": "FeCo", "structure_json": None}
        | {"structure_hash": read_composition("FeCo").hash},
        {"material_id": "mp:1", "reduced_formula": "SrTiO3", "structure_json": titanate.as_dict()}
        | {"structure_hash": hash_structure(titanate)},
    ]

    said, crystals = read_candidates(Bundle.of("Ada", [UploadedFile("list.csv", table)], ""))
    same = find_same(crystals, [each["place"] for each in said], known)

    assert [each["formula"] for each in said] == ["Fe9Ni", "Fe9Ni", "FeCo", None, "SrTiO3"]
    assert "'Fe0Co1' has 0 of Fe" in said[3]["reason"]
    assert same == {1: {"place": "list.csv line 2"}, 2: {"material_id": "plate:FeCo"}}
