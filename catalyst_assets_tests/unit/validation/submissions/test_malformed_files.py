"""Every file of the corpus is refused with words that say what is wrong, where, and what to do."""

import json
from pathlib import Path

import pytest

from catalyst_assets_tests.unit.validation.submissions.reading_files import read

FOLDER = Path(__file__).parents[3] / "data" / "result_files"
EXPECTED: dict[str, list[str]] = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", EXPECTED)
def test_malformed_file_is_refused_in_words(name: str) -> None:
    found = read(name, (FOLDER / name).read_bytes())
    assert found.problems.count > 0
    for said in EXPECTED[name]:
        assert said in found.told
    assert all(problem.remedy.endswith((".", "?")) for problem in found.problems.kept)


def test_every_file_of_the_corpus_is_expected_to_be_refused() -> None:
    others = {"README.md", "expected.json"}
    assert {path.name for path in FOLDER.iterdir()} - others == set(EXPECTED)


def test_all_problems_of_a_file_are_told_and_very_many_are_counted() -> None:
    rows = "".join(f"X{number},band_gap,nan,eV,experiment\n" for number in range(6_000))
    found = read("many.csv", f"formula,property,value,unit,method\n{rows}")
    assert found.problems.count == 12_000
    assert len(found.problems.kept) == 10_000
    assert found.told.endswith("… and 2,000 more.")
