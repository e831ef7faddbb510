"""How the review app writes numbers and goals, and in which colours."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import dash_app
from catalyst_assets.constants import decimals, in_sentence, title_of
from catalyst_assets.report import styling
from dash_app.components.candidates.about import windows_of
from dash_app.components.candidates.detail import candidate_panel
from dash_app.components.waiting import waiting_panel
from dash_app.components.wording import FAR, count, criterion, number, plus_minus, with_unit
from dash_app.contract import CampaignDetail, CandidateDetail, Waiting
from dash_app.result_contract import ResultPage

NO_RESULTS = ResultPage(items=[], total=0, limit=50, next=None)


def candidate(distance: float | None, far: bool | None) -> dict[str, Any]:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return {
        "candidate_id": 1, "campaign": "c", "iteration": 0, "partition_key": "c__0000", "material_id": "p:A",
        "formula": "A", "chemical_system": "A", "rank": 1, "acquisition": 0.5, "feasibility": None,
        "predicted": {}, "distance": distance, "out_of_distribution": far, "status": "ranked",
        "updated_at": moment, "validated": [], "hit": None, "rejection_kind": None,
        "model_version": 2, "champion_version": 3, "stale": True, "version": 1,
    }  # fmt: skip


def detail(distance: float | None = None, far: bool | None = None, **changes: Any) -> CandidateDetail:
    nothing = {"criteria": [], "decisive": None, "nearest": []}
    about = candidate(distance, far) | {"events": [], "structure": {}, "explanation": nothing} | changes
    return CandidateDetail.model_validate(about)


def test_a_stale_score_is_marked_until_the_candidate_is_decided() -> None:
    def shown(**changes: Any) -> str:
        return str(candidate_panel(detail(**changes), NO_RESULTS, "PBE", "reference_table"))

    assert "Scored by model version 2" in shown()
    assert "Stale" not in shown(status="validated")
    assert "Stale" not in shown(stale=None)
    rejected = shown(status="rejected", rejection_kind="infeasible")
    assert "Rejected: infeasible" in rejected
    assert "draws that it was ranked by are no longer stored" in rejected


def test_a_ranking_that_knew_nothing_says_so_instead_of_naming_a_property() -> None:
    decided = {"criteria": [], "decisive": "band_gap", "nearest": []}
    told = detail(explanation=decided)
    assert "hangs on" in str(candidate_panel(told, NO_RESULTS, "PBE", "reference_table"))
    unlearned = str(candidate_panel(told, NO_RESULTS, "PBE", "reference_table", is_learned=False))
    assert "covers the pool" in unlearned
    assert "hangs on" not in unlearned


def test_what_was_measured_and_then_withdrawn_is_not_judged_and_says_so() -> None:
    answer = {
        "property": "band_gap", "method": "PBE", "outcome": "measured", "value": 1.5, "unit": "eV", "note": "",
        "standard_deviation": None, "n_results": 1, "validator": "laboratory", "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    withdrawn = detail(status="rejected", rejection_kind="withdrawn", validated=[answer])
    assert "not judged: withdrawn" in str(candidate_panel(withdrawn, NO_RESULTS, "PBE", "reference_table"))
    assert "1.500" in str(candidate_panel(withdrawn, NO_RESULTS, "PBE", "reference_table"))
    unmeasured = detail(status="rejected", rejection_kind="withdrawn")
    assert "not judged" not in str(candidate_panel(unmeasured, NO_RESULTS, "PBE", "reference_table"))


@pytest.mark.parametrize(
    ("distance", "far", "shown"), [(2.514, True, "2.51"), (0.8, False, "0.80"), (None, None, None)]
)
def test_a_candidate_far_from_the_training_data_is_marked(
    distance: float | None, far: bool | None, shown: str | None
) -> None:
    panel = str(candidate_panel(detail(distance, far), NO_RESULTS, "PBE", "reference_table"))
    assert (FAR in panel) == bool(far)
    assert (f"{shown} × typical" in panel) == (distance is not None)


@pytest.mark.parametrize(
    ("mean", "std", "written"),
    [
        (1.4234, 0.31, "1.42 ± 0.31"),
        (1.4234, 0.031, "1.423 ± 0.031"),
        (-2.4, 0.05, "\u22122.400 ± 0.050"),
        (-1234.5, 27.0, "\u22121234 ± 27"),
        (1.0, 0.0, "1.00 ± 0.00"),
        (1.0, 1e-12, "1.000000 ± 0.000000"),
        (2.5e-8, 1.2e-9, "2.5e\u221208 ± 1.2e\u221209"),
    ],
)
def test_a_value_is_written_to_the_digits_its_uncertainty_reaches(
    mean: float, std: float, written: str
) -> None:
    assert plus_minus(mean, std) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1.23456, "1.235"),
        (0.0, "0.000"),
        (-0.004, "-0.004"),
        (3.2e-5, "3.2e-05"),
        (12345.6789, "12345.679"),
        (4e7, "4e+07"),
    ],
)
def test_a_number_far_from_one_keeps_the_digits_that_count(value: float, written: str) -> None:
    assert decimals(value) == written


def test_a_criterion_reads_as_a_sentence_with_its_unit() -> None:
    units = {"band_gap_direct": "eV"}
    assert criterion({"property": "band_gap_direct", "min": 1.0, "max": 2.3}, units) == (
        "Band gap direct between 1 and 2.3 eV"
    )
    low, high = {"property": "band_gap_direct", "min": 1.5}, {"property": "heat_of_formation", "max": 0.2}
    assert criterion({"any_of": [[low, high], [high]]}, units) == (
        "Band gap direct at least 1.5 eV and Heat of formation at most 0.2; or Heat of formation at most 0.2"
    )


def test_names_counts_and_missing_numbers_are_written_for_people() -> None:
    assert title_of("in_validation") == "In validation"
    assert (count(1, "candidate"), count(1200, "candidate")) == ("1 candidate", "1,200 candidates")
    assert (number(None), number(2.34567)) == ("\u2013", "2.35")


def test_a_bar_is_drawn_against_every_range_that_the_goal_names() -> None:
    criteria = [
        {"property": "band_gap", "min": 1.0, "max": 2.3},
        {
            "any_of": [
                [{"property": "eta", "max": 0.4}, {"property": "band_gap", "min": 3.0}],
                [{"property": "eta", "min": 2}],
            ]
        },
    ]
    campaign = CampaignDetail.model_construct(document={"criteria": criteria})
    assert windows_of(campaign, "band_gap") == [[1.0, 2.3], [3.0, None]]
    assert windows_of(campaign, "eta") == [[None, 0.4], [2, None]]
    assert windows_of(campaign, "other") == []


def test_the_app_and_the_report_have_one_palette() -> None:
    sheet = (Path(dash_app.__file__).parent / "assets" / "review.css").read_text()
    used = {
        name: re.search(rf"--{name}: (?:light-dark\()?(#[0-9a-f]{{6}})", sheet)
        for name in ("blue", "orange", "green", "grey", "ink")
    }
    assert {name: found and found[1] for name, found in used.items()} == {
        "blue": styling.BLUE, "orange": styling.ORANGE, "green": styling.GREEN, "grey": styling.GREY, "ink": styling.INK,
    }  # fmt: skip


def test_a_property_is_called_by_its_label_and_keeps_the_label_s_capitals() -> None:
    labels = {"eta": "OER overpotential", "activity": "Mass activity at 0.9 V"}
    assert (
        criterion({"property": "eta", "max": 400}, {"eta": "mV"}, labels)
        == "OER overpotential at most 400 mV"
    )
    assert with_unit("activity", "A/g", labels) == "Mass activity at 0.9 V (A/g)"
    assert with_unit("band_gap", "eV", labels) == "Band gap (eV)"
    assert [in_sentence(label) for label in labels.values()] == [
        "OER overpotential",
        "mass activity at 0.9 V",
    ]


def test_a_campaign_that_waits_says_since_when_why_and_what_to_do() -> None:
    at = datetime(2026, 11, 27, 12, tzinfo=UTC)
    waiting = Waiting(
        waits_on="repair", reason="training and ranking of iteration 1 failed 3 times", remedy="Mend the cause.", since=at,
        failed_run_id="0123456789", failure="No disk is left.", failed_at=at, next_try_at=at + timedelta(minutes=10),
    )  # fmt: skip
    first, *rest = [child.children for child in waiting_panel("a", waiting).children]
    lead, reason, way, lasts = first
    assert (lead.children, reason) == (
        "Waiting until it is mended:",
        " training and ranking of iteration 1 failed 3 times. ",
    )
    assert (way.children, way.href) == ("See the runs", "/runs?campaign=a")
    assert (lasts.title, lasts.children[:5]) == ("Since 2026-11-27 12:00 UTC", " for ")
    assert rest == [
        "Run 01234567 failed at 2026-11-27 12:00 UTC: No disk is left.",
        "Tried again at 2026-11-27 12:10 UTC.",
        "Mend the cause.",
    ]
