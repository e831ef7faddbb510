"""Whatever the Materials Project sends becomes a record or a rejection, never a crash and never a bad row."""

import io
import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_assets.errors import SourceError, UsageError
from catalyst_assets.ingestion.materials_project.documents import SummaryParser
from catalyst_assets.ingestion.materials_project.ids import normalise_material_id, read_stamp
from catalyst_assets.ingestion.materials_project.index import IndexParser, read_index, write_index
from catalyst_assets.ingestion.materials_project.selection import select
from catalyst_assets.ingestion.materials_project.source import find_changed
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.records import Record, Rejection, Scope, validate


def raw(kind="mp_summary", **parameters):
    request = {
        "kind": kind,
        "slot": "",
        "answers": False,
        "parameters": {"non_commercial": False} | parameters,
    }
    stamp = datetime(2026, 1, 1, tzinfo=UTC)
    return RawFile(
        1, "materials_project", "http://x/", request, "0" * 64, 0, "CC-BY-4.0", stamp, "pending", None
    )


def document(**changes):
    """Return caesium chloride as a summary document."""
    site = {"label": "Cs", "properties": {}, "xyz": [0, 0, 0]}
    return {
        "material_id": "mp-22865",
        "deprecated": False,
        "last_updated": "2024-11-21T21:19:40.325318+00:00",
        "builder_meta": {"license": "BY-C", "batch_id": None},
        "structure": {
            "@module": "pymatgen.core.structure",
            "@class": "Structure",
            "lattice": {"matrix": [[4.1, 0, 0], [0, 4.1, 0], [0, 0, 4.1]], "pbc": [True, True, True]},
            "sites": [
                {**site, "species": [{"element": "Cs", "occu": 1}], "abc": [0, 0, 0]},
                {**site, "species": [{"element": "Cl", "occu": 1.0}], "abc": [0.5, 0.5, 0.5]},
            ],
        },
        "formation_energy_per_atom": -2.2,
        "energy_above_hull": 0.0,
        "band_gap": 5.4,
    } | changes


def structure(**changes):
    return {"structure": document()["structure"] | changes}


def parse(*documents, **parameters):
    data = json.dumps({"data": documents, "meta": {"total_doc": len(documents)}}).encode()
    contents = SummaryParser().survey(raw(**parameters), io.BytesIO(data))
    outcomes = list(
        SummaryParser().parse(raw(**parameters), io.BytesIO(data), 0, len(documents), contents.duplicates)
    )
    assert contents.rows == len(documents)
    assert contents.expected == len(outcomes)
    return outcomes


def test_a_document_is_read_with_units_and_methods():
    (record,) = parse(document())

    assert record.material_id == "materials_project:mp-22865"
    assert (record.structure.reduced_formula, record.licence) == ("CsCl", "CC-BY-4.0")
    assert {(v.property, v.value, v.unit, v.method) for v in record.values} == {
        ("formation_energy_per_atom", -2.2, "eV/atom", "GGA/GGA+U/r2SCAN"),
        ("energy_above_hull", 0.0, "eV/atom", "GGA/GGA+U/r2SCAN"),
        ("band_gap", 5.4, "eV", "PBE/PBE+U"),
    }


def test_fields_that_are_null_or_missing_are_no_values_and_others_do_not_disturb():
    bare = document(band_gap=None, formation_energy_per_atom=None, symmetry={"number": 221})
    del bare["energy_above_hull"], bare["builder_meta"]

    (record,) = parse(bare)

    assert record.values == ()


def test_a_rounding_error_below_the_hull_is_on_the_hull():
    (record,) = parse(document(energy_above_hull=-3e-9))
    (far,) = parse(document(energy_above_hull=-0.1))

    assert [value.value for value in record.values if value.property == "energy_above_hull"] == [0.0]
    _, refused = validate([far])
    assert refused[0].reason.startswith("energy_above_hull: ")


@pytest.mark.parametrize("meta", [{"license": "BY-NC"}, {"batch_id": "gnome_r2scan_statics"}])
def test_non_commercial_documents_are_left_out_unless_wanted(meta):
    assert parse(document(builder_meta=meta)) == []
    (record,) = parse(document(builder_meta=meta), non_commercial=True)
    assert record.licence == "CC-BY-NC-4.0"


def test_the_gap_of_an_r2scan_batch_is_told_apart():
    meta = {"license": "BY-NC", "batch_id": "gnome_r2scan_statics"}
    (record,) = parse(document(builder_meta=meta), non_commercial=True)

    assert [value.method for value in record.values if value.property == "band_gap"] == ["r2SCAN"]


def test_deprecated_documents_are_left_out():
    assert len(parse(document(deprecated=True), document())) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"material_id": "MP-149"}, "material_id"),
        ({"material_id": None}, "material_id"),
        ({"builder_meta": {"license": "BY-ND"}}, "builder_meta.license"),
        ({"band_gap": "5.4"}, "band_gap"),
        ({"band_gap": -1.0}, "band_gap"),
        ({"formation_energy_per_atom": math.nan}, "formation_energy_per_atom"),
        ({"energy_above_hull": True}, "energy_above_hull"),
        ({"structure": None}, "structure.lattice.matrix"),
        (structure(lattice={"matrix": [[4, 0, 0], [0, 4, 0]]}), "structure.lattice.matrix"),
        (structure(lattice={"matrix": [[4, 0, 0], [8, 0, 0], [0, 0, 4]]}), "structure"),
        (
            structure(lattice={"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "pbc": [True, True, False]}),
            "structure.lattice.pbc",
        ),
        (structure(sites=[]), "structure.sites"),
        (structure(sites=[{}] * 2001), "structure.sites"),
        (
            structure(sites=[{"species": [{"element": "Cs", "occu": 0.5}], "abc": [0, 0, 0]}]),
            "structure.sites",
        ),
        (
            structure(
                sites=[
                    {
                        "species": [{"element": "Cs", "occu": 0.5}, {"element": "Rb", "occu": 0.5}],
                        "abc": [0, 0, 0],
                    }
                ]
            ),
            "structure.sites",
        ),
        (structure(sites=[{"species": [{"element": "Qq", "occu": 1}], "abc": [0, 0, 0]}]), "structure.sites"),
        (structure(sites=[{"species": [{"element": "Cs", "occu": 1}], "abc": [0, 0]}]), "structure.sites"),
    ],
)
def test_what_is_wrong_is_named(changes, field):
    outcomes = parse(document(**changes))
    _, refused = validate([outcome for outcome in outcomes if isinstance(outcome, Record)])
    (rejection,) = refused or outcomes

    assert isinstance(rejection, Rejection)
    assert rejection.reason.startswith(f"{field}")


def test_the_same_material_under_two_names_is_refused_the_second_time():
    first, second = parse(document(material_id="mp-149"), document(material_id="mp-aaaaaaft"))

    assert first.source_id == "mp-149"
    assert "already given" in second.reason


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("mp-149", "mp-149"),
        ("mp-ft", "mp-149"),
        ("mp-aaaaaaft", "mp-149"),
        ("mp-0000149", "mp-149"),
        (" mp-149 ", "mp-149"),
        ("mvc-et", "mvc-123"),
        ("mp-a", "mp-0"),
        ("mp-3347529", "mp-3347529"),
        ("mp-3347530", "mp-hilze"),
        ("mp-4000000", "mp-itpee"),
        ("mp-itpee", "mp-itpee"),
        ("mp-aaaitpee", "mp-itpee"),
    ],
)
def test_every_spelling_of_a_material_is_one_name(given, name):
    assert normalise_material_id(given) == name
    assert normalise_material_id(name) == name


@pytest.mark.parametrize(
    "given", [None, 149, "", "149", "ft", "MP-149", "mp-", "mp-1-2", "mp-1a", "mp-" + "z" * 99]
)
def test_what_names_no_material_is_refused(given):
    with pytest.raises(ValueError, match="names no material"):
        normalise_material_id(given)


@given(st.integers(0, 26**9))
def test_a_name_survives_its_own_spelling(number):
    name = normalise_material_id(f"mp-{number}")
    assert normalise_material_id(name) == name


@pytest.mark.parametrize(
    "given",
    [
        "2024-11-21T21:19:40.325318+00:00",
        "2024-11-21T21:19:40.325Z",
        "2024-11-21T22:19:40.325+01:00",
        "2024-11-21T21:19:40.325",
        {"$date": "2024-11-21T21:19:40.325Z"},
        {"$date": 1732223980325},
        datetime(2024, 11, 21, 21, 19, 40, 325318, tzinfo=UTC),
    ],
)
def test_a_moment_is_read_in_every_form(given):
    assert read_stamp(given) == "2024-11-21T21:19:40.325+00:00"


@pytest.mark.parametrize("given", [None, "", "yesterday", {}, {"$date": None}, True, 1e300, [1]])
def test_what_is_no_moment_is_none(given):
    assert read_stamp(given) is None


def test_what_changed_is_what_is_new_moved_or_cannot_be_told():
    known = {"mp-1": "a", "mp-2": "a", "mp-3": None, "mp-5": "a"}
    standing = {"mp-1": "a", "mp-2": "b", "mp-3": None, "mp-4": "a", "mp-5": "a"}

    assert find_changed(known, standing, ["mp-5"]) == ["mp-2", "mp-3", "mp-4", "mp-5"]


def test_an_index_names_what_stands():
    pages = [
        b'{"data": [{"material_id": "mp-ft", "last_updated": "2024-01-01T00:00:00Z", "deprecated": false}]}',
        b'{"data": [{"material_id": "mp-3", "deprecated": true}, {"material_id": "?"}, 7]}',
    ]
    data = write_index('20"26', pages)

    assert all(page in data for page in pages)
    assert read_index(data) == {"mp-149": "2024-01-01T00:00:00.000+00:00"}
    scope = {"chemical_systems": ["Fe-O"], "elements": [], "without_elements": [], "records": []}
    contents = IndexParser().survey(raw("mp_index", scope=scope), io.BytesIO(data))
    assert (contents.rows, contents.standing) == (0, {"mp-149"})
    assert contents.scope == Scope(("Fe-O",))


@pytest.mark.parametrize("data", [b"", b"[]", b'{"pages": [1]}', b'{"pages": [{"data": 3}]}', b"[" * 100_000])
def test_what_is_no_index_is_refused(data):
    with pytest.raises(SourceError):
        read_index(data)


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b'{"data": {}}', b"\xff", b"[" * 100_000])
def test_what_is_no_page_is_refused_as_a_whole(data):
    with pytest.raises(SourceError):
        SummaryParser().survey(raw(), io.BytesIO(data))


@pytest.mark.parametrize(
    "parts",
    [
        {"chemical_systems": ["Fe-*"]},
        {"chemical_systems": [""]},
        {"elements": ["iron"]},
        {"without_elements": ["Fe,O"]},
        {"materials": ["149"]},
        {"materials": [f"mp-{number}" for number in range(501)]},
    ],
)
def test_a_selection_that_cannot_be_asked_is_refused(parts):
    with pytest.raises(UsageError):
        select(**parts)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["O", "H", "mp-1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["lattice", "matrix", "sites", "species", "element", "occu", "abc", "license", "pbc"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(sorted(document())), json_values, max_size=3), json_values)
def test_no_document_crashes_the_parser_or_passes_unfit(changes, other):
    outcomes = parse(document(**changes), other, document(material_id="mp-1000"))

    assert len(outcomes) >= 1
    accepted, _ = validate([outcome for outcome in outcomes if isinstance(outcome, Record)])
    for record, crystal in accepted:
        assert record.source_id
        assert math.isfinite(crystal.volume_per_atom)
        assert all(math.isfinite(value.value) for value in record.values)


@given(json_values, st.lists(json_values, max_size=3), json_values)
def test_no_site_crashes_the_parser(matrix, sites, position):
    broken = structure(
        lattice={"matrix": matrix},
        sites=[{"species": sites, "abc": position}, document()["structure"]["sites"][0]],
    )
    (outcome,) = parse(document(**broken))
    if isinstance(outcome, Record):
        validate([outcome])
