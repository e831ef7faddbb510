"""Mapping files: what they may say, and how they are refused."""

from pathlib import Path

import pytest
import yaml

from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.reference_tables.mapping import load_mapping
from catalyst_assets.ingestion.reference_tables.source import SHIPPED_FOLDER, ReferenceTables
from catalyst_assets_tests.places import PROJECT

VALID = {
    "source": "my_table",
    "table": "table.csv",
    "licence": "CC0-1.0",
    "structure": {"prototype": "cubic_perovskite"},
    "properties": {"Eg": {"property": "band_gap", "unit": "eV", "method": "PBE"}},
}


def write(folder: Path, **changes: object) -> Path:
    path = folder / "mapping.yaml"
    path.write_text(yaml.safe_dump(VALID | changes), encoding="utf-8")
    return path


def test_the_shipped_values_are_answers_and_its_records_are_named_after_their_elements() -> None:
    mapping = load_mapping(SHIPPED_FOLDER / "perovskite_pbe" / "mapping.yaml")
    assert mapping.answers
    assert mapping.record_columns == ("A", "B", "anion")
    assert set(mapping.properties) == {
        "lattice_a",
        "energy_total",
        "formation_energy_per_atom",
        "band_gap_direct",
        "band_gap_indirect",
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"properties": {"x": {"property": "colour", "unit": "eV", "method": "PBE"}}},
            "'colour' is not a known",
        ),
        (
            {"properties": {"x": {"property": "band_gap", "unit": "kJ/mol/K", "method": "PBE"}}},
            "stored in eV: 'kJ/mol/K' cannot be converted to 'eV'",
        ),
        (
            {"properties": {"x": {"property": "band_gap", "unit": "eV", "method": "B4LYP"}}},
            "'B4LYP' is not a known",
        ),
        (
            {
                "properties": {
                    "x": {"property": "band_gap", "unit": "eV", "method": "PBE"},
                    "y": {"property": "band_gap", "unit": "eV", "method": "PBE"},
                }
            },
            "columns 'x' and 'y' both hold band_gap by PBE",
        ),
        ({"structure": {"cif": "cif"}}, "record: name the columns"),
        ({"structure": {"prototype": "spinel"}}, "cubic_perovskite"),
        ({"answers": True, "properties": {}}, "answers: name at least one column"),
        ({"source": "My Table"}, "source"),
        ({"licence": ""}, "licence"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_the_platform_does_not_know_is_refused_by_name(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(UsageError) as caught:
        load_mapping(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"- a\n- b", b"{", b"\xff\xfe\x00", b"just text"])
def test_a_file_that_is_no_mapping_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"mapping\.yaml"):
        load_mapping(path)


def test_a_missing_mapping_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.yaml: No such file"):
        ReferenceTables([tmp_path / "absent.yaml"]).list_new()


def test_a_missing_table_is_refused_by_name(tmp_path: Path) -> None:
    source = ReferenceTables([write(tmp_path)])
    request = source.list_new()[-1]
    with pytest.raises(UsageError, match=r"table\.csv of my_table: No such file"):
        source.fetch(request)


def test_two_tables_cannot_be_one_source(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="both describe the source 'perovskite_pbe'"):
        ReferenceTables([write(tmp_path, source="perovskite_pbe")]).list_new()


def test_a_table_is_found_beside_its_mapping_also_where_paths_have_blanks(tmp_path: Path) -> None:
    folder = tmp_path / "my tables #1 ü%20"
    folder.mkdir()
    (folder / "table.csv").write_bytes(b"A,B\n")
    source = ReferenceTables([write(folder)])
    assert source.fetch(source.list_new()[-1]) == b"A,B\n"


def test_shipped_requests_do_not_depend_on_where_the_checkout_lies() -> None:
    (request,) = ReferenceTables().list_new()
    assert request.url == "shipped:perovskite_pbe/perovskites.csv"
    assert request.answers


def test_the_example_in_the_documentation_fits_its_campaign():
    example = PROJECT / "docs" / "examples" / "castelli" / "mapping.yaml"

    mapping = load_mapping(example)

    campaign = load_campaign("solar-water-splitting")
    assert mapping.source == campaign.pool.source
    assert {content.property for content in mapping.properties.values()} >= set(campaign.properties)
    assert {content.method for content in mapping.properties.values()} == {campaign.method}
    assert mapping.answers


def test_shipped_tables_beyond_the_first_are_read_when_they_are_named():
    requests = ReferenceTables(shipped=("oer_plates", "hydrogen_alloys")).list_new()
    assert [(request.source, request.url, request.answers) for request in requests] == [
        ("hydrogen_alloys", "shipped:hydrogen_alloys/alloys.csv", True),
        ("hydrogen_alloys_sevennet", "shipped:hydrogen_alloys/sevennet_l3i5.csv", False),
        ("oer_plate_3496", "shipped:oer_plates/oer_plate_3496.csv", True),
    ]


def test_a_shipped_table_that_there_is_none_of_is_named_with_what_comes_close():
    with pytest.raises(UsageError, match=r"No table 'oer_plate' is shipped: did you mean oer_plates\?"):
        ReferenceTables(shipped=("oer_plate",)).list_new()
