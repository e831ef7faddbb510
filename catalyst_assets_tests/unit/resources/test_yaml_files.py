"""YAML as people write it: read as meant, or refused with file, line and key."""

from pathlib import Path

import pytest

from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.errors import InvalidCampaignError, UsageError
from catalyst_assets.ingestion.optimade.providers import load_provider
from catalyst_assets.ingestion.reference_tables.mapping import load_mapping
from resources.yaml_files import load_yaml

MAPPING = """source: h19_dup
table: table.csv
licence: CC0-1.0
structure: {prototype: cubic_perovskite}
properties:
  gap_pbe: {property: band_gap, unit: eV, method: PBE}
"""
CAMPAIGN = """name: written-by-hand
pool: {source: perovskite_pbe%s}
method: PBE
validator: reference_table
criteria:
  - {property: band_gap_direct, min: 1e-3, max: 3E0}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "written.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "properties:\n  gap_hse: {property: band_gap, unit: eV, method: HSE06}\n",
            "line 7: the key 'properties' is given twice, first in line 5",
        ),
        (
            "  gap_pbe: {property: band_gap, unit: eV, method: HSE06}\n",
            "line 7: the key 'gap_pbe' is given twice",
        ),
        ("citation: a\n? citation\n: b\n", "line 8: the key 'citation' is given twice, first in line 7"),
        ("citation: a\n'citation': b\n", "line 8: the key 'citation' is given twice"),
    ],
)
def test_a_key_given_twice_is_refused_with_file_line_and_key(tmp_path: Path, more: str, said: str) -> None:
    path = write(tmp_path, MAPPING + more)
    with pytest.raises(UsageError) as refused:
        load_mapping(path)
    assert str(path) in refused.value.message
    assert said in refused.value.message


def test_a_key_given_twice_inside_a_list_of_a_campaign_or_a_provider_is_refused(tmp_path: Path) -> None:
    twice = CAMPAIGN % "" + "  - {property: band_gap, min: 1, min: 2}\n"
    with pytest.raises(InvalidCampaignError, match="line 7: the key 'min' is given twice"):
        load_campaign(write(tmp_path, twice))
    provider = "name: x\nbase_url: http://localhost\nlicence: CC0\nname: y\n"
    with pytest.raises(UsageError, match="line 4: the key 'name' is given twice, first in line 1"):
        load_provider(str(write(tmp_path, provider)))


def test_words_that_yaml_1_1_makes_booleans_are_elements_and_names(tmp_path: Path) -> None:
    campaign = load_campaign(write(tmp_path, CAMPAIGN % ", exclude_elements: [Ac, No, Y, Lr]"))
    assert campaign.pool.exclude_elements == ("Ac", "No", "Y", "Lr")
    assert load_yaml("[No, Yes, On, off, y, n, NO]") == ["No", "Yes", "On", "off", "y", "n", "NO"]


def test_numbers_are_read_as_people_write_them(tmp_path: Path) -> None:
    campaign = load_campaign(
        write(
            tmp_path,
            CAMPAIGN % "" + "stop: {max_evaluations: 1e2}\nlearning: {fine_tune: {learning_rate: 3e-3}}\n",
        )
    )
    assert campaign.stop.max_evaluations == 100
    (bound,) = campaign.bounds()
    assert (bound.min, bound.max) == (0.001, 3.0)
    assert campaign.learning.fine_tune is not None
    assert campaign.learning.fine_tune.learning_rate == 0.003
    assert load_yaml("[010, 0o10, 0x1F, +7, -.5, 1., 1E3, .inf]") == [
        10,
        8,
        31,
        7,
        -0.5,
        1.0,
        1000.0,
        float("inf"),
    ]


def test_what_is_no_number_in_yaml_1_2_stays_text() -> None:
    written = [
        "12:30",
        "2024-05-01",
        "1_000",
        "1,5",
        "0b11",
        "1e",
        "2001-01-01 10:00:00",
        "=",
        "190:20:30.15",
    ]
    assert load_yaml("\n".join(f"- {text}" for text in written)) == written


def test_yes_still_answers_a_question(tmp_path: Path) -> None:
    assert load_mapping(write(tmp_path, MAPPING + "answers: Yes\n")).answers
    assert not load_mapping(write(tmp_path, MAPPING + "answers: off\n")).answers


def test_a_number_where_text_is_wanted_is_told_to_stand_in_quotes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"record\.0: .*put it in quotes"):
        load_mapping(write(tmp_path, MAPPING + "record: [1]\n"))
    with pytest.raises(InvalidCampaignError, match=r"name: .*put it in quotes"):
        load_campaign(write(tmp_path, (CAMPAIGN % "").replace("written-by-hand", "2024")))


def test_anchors_and_merged_keys_work_and_the_own_key_wins() -> None:
    text = "base: &b {a: 1, c: 2}\nother: {<<: *b, a: 3}\nagain: *b\n"
    assert load_yaml(text) == {"base": {"a": 1, "c": 2}, "other": {"a": 3, "c": 2}, "again": {"a": 1, "c": 2}}


def _bomb(join: str) -> str:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{i}: &a{i} " + join % ", ".join([f"*a{i - 1}"] * 10) for i in range(1, 12)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_bomb("[%s]"), "aliases repeat"),
        (_bomb("{<<: [%s]}"), "aliases repeat"),
        ("a: &a [1, *a]", "line 1: an anchor holds itself"),
        ("a: &a {<<: *a}", "an anchor holds itself"),
        ("[" * 5000, "line 1: it is nested too deep"),
        ("a: " + "[" * 900 + "]" * 900, "line 1: it is nested too deep"),
        ("\n".join(" " * level + "a:" for level in range(200)), "line 10.: it is nested too deep"),
        ('a: 1\nb: "x\\0y"', r"line 2: a text holds the control character U\+0000"),
        ('"a\\e[2J": 1', r"line 1: a text holds the control character U\+001B"),
        ('a: "\\ud800"', r"line 1: .*(U\+D800|invalid Unicode)"),
        ("a: x\0y", "#x0000"),
        ("a: 0x" + "f" * 5000, "line 1: a number of more than 4000 digits"),
        pytest.param("a: " + "b" * 1_000_000, "1,000,003 characters", id="large"),
        ("a: !!bool perhaps", "a tag does not fit"),
        ("a: !!python/object/apply:os.system [ls]", "line 1: .*tag"),
        ("a: b\n\tc: d", "line 2"),
        ("a: 1\n---\na: 2\n", "line 2: .*document"),
        ("? [a]\n: b", "line 1: a list or mapping cannot be a key"),
        ("9" * 5000, "digits"),
        pytest.param("a: [" + "1," * 300_000 + "]", "line 1: it has more than 50,000 values", id="many"),
        pytest.param("- 1\n" * 60_000, "line 50000: it has more than 50,000 values", id="lines"),
    ],
)
def test_what_is_no_document_of_a_bounded_size_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        load_yaml(text)


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ('"a\\u202eb"', "must not contain characters that reverse the direction of text"),
        ("x" * 10_001, "should have at most 10000 characters"),
    ],
)
def test_a_campaign_is_described_in_what_people_read(tmp_path: Path, description: str, said: str) -> None:
    with pytest.raises(InvalidCampaignError, match=said):
        load_campaign(str(write(tmp_path, f"{CAMPAIGN % ''}description: {description}\n")))
