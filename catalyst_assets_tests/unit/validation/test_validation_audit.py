"""What is refused of validation results, and how errors are averaged."""

from typing import Any

import pytest

from catalyst_assets.campaigns.labels import find_unfit_values
from catalyst_assets.validation.prediction_errors import mean_errors


def _result(**changes: Any) -> dict[str, Any]:
    good = {
        "material_id": "m",
        "property": "band_gap_direct",
        "method": "PBE",
        "unit": "eV",
        "outcome": "measured",
        "value": 1.2,
    }
    return good | changes


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "HSE06"}, "by HSE06"),
        ({"unit": "meV"}, "in meV, not eV"),
        ({"value": 31.0}, "outside 0 to 30"),
        ({"value": -0.1}, "outside 0 to 30"),
        ({"property": "colour"}, "no known property"),
    ],
)
def test_a_result_of_another_method_unit_or_range_is_named(changes: dict[str, Any], said: str) -> None:
    problems = find_unfit_values([_result(), _result(**changes)], "PBE")
    assert len(problems) == 1
    assert said in problems[0]


def test_good_and_failed_results_pass() -> None:
    assert find_unfit_values([_result(), _result(outcome="failed", value=None)], "PBE") == []


def test_errors_are_averaged_by_property() -> None:
    rows = [("gap", 1.0, 1.5), ("gap", 3.0, 2.0), ("energy", -1.0, -1.25)]
    assert mean_errors(rows) == {"energy": 0.25, "gap": 0.75}
    assert mean_errors([]) == {}
