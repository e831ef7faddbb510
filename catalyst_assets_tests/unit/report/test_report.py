import dataclasses
import math
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from catalyst_assets.campaigns.evaluations import Evaluation
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import CatalystError
from catalyst_assets.report.charts import (
    calibration_per_iteration,
    discovery_curve,
    error_per_iteration,
    parity_plots,
    space_map,
)
from catalyst_assets.report.collect import best_so_far
from catalyst_assets.report.pages import render_page, write_report
from catalyst_assets.report.styling import image_bytes
from catalyst_assets.report.summary import (
    CampaignSummary,
    HitSummary,
    IterationSummary,
    ModelSummary,
    Parity,
    SpaceMap,
    Suggestion,
)

EMPTY = CampaignSummary(campaign="empty", pool_size=0, hits_in_pool=None, criteria=())
FULL = CampaignSummary(
    campaign="demo",
    description="Oxides <for> light",
    pool_size=20,
    hits_in_pool=4,
    criteria=("Band gap direct 1 to 2.3 eV",),
    iterations=(
        IterationSummary("demo__0000", evaluated=3, hits=1, seconds=1.5),
        IterationSummary(
            "demo__0001",
            evaluated=5,
            hits=3,
            seconds=2.5,
            valid_mae=0.4321,
            valid_mae_by_property={"band_gap_direct": 0.4321},
            test_mae_by_property={"band_gap_direct": 0.5},
            validation_mae_by_property={"band_gap_direct": 0.6},
            miscalibration_area=0.0625,
        ),
    ),
    discovery=((1, 0), (2, 1), (3, 1), (4, 2), (5, 3)),
    found=(
        HitSummary("set:SrTiO3", "SrTiO3", 2, 0, {"band_gap_direct": 1.875}),
        HitSummary("set:AgNbO3", "AgNbO3", 4, 1, {"band_gap_direct": 1.25}),
        HitSummary("set:NaNbO3", "NaNbO3", 5, 1, {"band_gap_direct": 2.125}),
    ),
    parity=(Parity("band_gap_direct", (1.25, 2.125), (1.0, 2.5), (0.2, 0.3)),),
    status="finished",
    stop_reason="target reached",
    next_batch=(Suggestion("set:KNbO3", "KNbO3", 1, "flagged", 0.625, {"band_gap_direct": (1.5, 0.25)}),),
    space=SpaceMap(
        points=tuple((float(x), float(x % 3)) for x in range(10)),
        kinds=("pool",) * 4 + ("evaluated",) * 2 + ("next",) + ("hit",) * 3,
        explained=(0.5, 0.25),
        n_members=20,
    ),
    model=ModelSummary("demo", "demo__0001", "ab12", version=2, champion=1),
    provenance={"campaign": "c0ffee", "labels": "1abe15"},
    written_at="2026-01-01 12:00 UTC",
)
OBJECTIVE = dataclasses.replace(
    FULL,
    criteria=(),
    objective="Maximize band gap direct (eV)",
    best=(math.nan, 1.25, 1.25, 1.875, 2.125),
    hits_in_pool=None,
    discovery=tuple((n, 0) for n in range(1, 6)),
)


def large(pool_size: int, evaluated: int, hits: int) -> CampaignSummary:
    """Return a campaign of many evaluations and iterations."""
    every = max(evaluated // max(hits, 1), 1)
    discovery = tuple((n, min(n // every, hits)) for n in range(1, evaluated + 1))
    return dataclasses.replace(
        FULL,
        pool_size=pool_size,
        hits_in_pool=hits + 5,
        discovery=discovery,
        iterations=tuple(
            dataclasses.replace(FULL.iterations[1], partition=f"demo__{n:04d}", evaluated=25 * (n + 1))
            for n in range(40)
        ),
        found=tuple(HitSummary(f"set:{n}", "SrTiO3", n + 1, 0, {}) for n in range(hits)),
        space=SpaceMap(
            tuple((float(n % 97), float(n % 89)) for n in range(4000)),
            ("pool",) * 4000,
            (0.3, 0.2),
            pool_size,
        ),
    )


@cache
def full_page() -> str:
    return render_page(FULL)


def _lines(figure: object) -> dict[str, tuple[list[float], list[float]]]:
    (axes,) = figure.axes  # type: ignore[attr-defined]
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata()))
        for line in axes.lines
        if not line.get_label().startswith("_")
    }


def _text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<(svg|style).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL))


def test_summary_counts_from_its_discovery() -> None:
    assert (FULL.evaluated, FULL.hits) == (5, 3)
    assert FULL.random_expected_hits == 1.0
    assert FULL.enrichment is not None
    assert FULL.enrichment.value == 3.0
    assert FULL.acceleration is not None
    assert FULL.acceleration.value == pytest.approx(3 * 21 / 5 / 5)
    assert FULL.luck == pytest.approx((4 * 120 + 16) / 15504)
    assert (EMPTY.evaluated, EMPTY.hits, EMPTY.random_expected_hits, EMPTY.enrichment) == (0, 0, None, None)
    assert (EMPTY.acceleration, EMPTY.luck) == (None, None)


def test_a_pool_that_shrank_after_it_was_evaluated_is_not_compared_with() -> None:
    shrunk = dataclasses.replace(FULL, pool_size=4)
    assert (shrunk.random_expected_hits, shrunk.enrichment, shrunk.acceleration) == (None, None, None)
    assert "hits found" in _text(render_page(shrunk))


def test_enrichment_is_unknown_when_nothing_could_be_found() -> None:
    nothing = dataclasses.replace(FULL, hits_in_pool=0, discovery=((1, 0),))
    assert (nothing.enrichment, nothing.acceleration) == (None, None)


def test_discovery_curve_shows_campaign_random_and_perfect_choice() -> None:
    lines = _lines(discovery_curve(FULL))
    assert lines["this campaign"] == ([0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 2, 3])
    perfect = next(values for label, values in lines.items() if label.startswith("perfect"))
    assert perfect[1] == [0, 1, 2, 3, 4, 4]
    random = next(values for label, values in lines.items() if label.startswith("random"))
    assert random[1] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])


def test_discovery_curve_without_known_hits_compares_with_nothing() -> None:
    lines = _lines(discovery_curve(dataclasses.replace(FULL, hits_in_pool=None)))
    assert list(lines) == ["this campaign"]


def test_errors_are_drawn_for_each_property_with_gaps_where_nothing_was_measured() -> None:
    (figure,) = error_per_iteration(FULL).values()
    (axes,) = figure.axes
    drawn = {line.get_label(): line.get_ydata()[1] for line in axes.lines}
    assert drawn == {
        "frozen test set": 0.5,
        "predictions against validation": 0.6,
        "unseen chemical systems": 0.4321,
    }
    assert all(math.isnan(line.get_ydata()[0]) for line in axes.lines)
    assert "eV" in axes.get_ylabel()


def test_figures_without_numbers_are_left_out() -> None:
    assert error_per_iteration(EMPTY) == {}
    assert calibration_per_iteration(EMPTY) is None
    assert parity_plots(()) == {}
    assert parity_plots((Parity("band_gap", (), (), ()),)) == {}


def test_same_summary_gives_the_same_bytes() -> None:
    first, second = (image_bytes(discovery_curve(FULL), "svg", "curve") for _ in range(2))
    assert first == second
    assert image_bytes(discovery_curve(FULL), "png", "curve").startswith(b"\x89PNG")


def test_page_says_what_was_found() -> None:
    text = _text(full_page())
    assert "3 of 4 hits found" in text
    assert "5 of 20 candidates evaluated" in text
    assert "3.0" in text
    assert "random choice, which expects 1.00" in text
    assert "Band gap direct 1 to 2.3 eV" in text
    assert "target reached" in text
    assert "AgNbO3 set:AgNbO3 4 1 1.250" in text
    assert "0001 5 3 0.432 0.062 2.5" in text
    assert "0000 3 1 - - 1.5" in text
    assert "1 KNbO3 set:KNbO3 flagged 62 % 1.50 ± 0.25" in text
    assert "The latest model is demo@2, of demo__0001; the champion is demo@1" in text
    assert "campaign c0ffee labels 1abe15" in text
    assert "Written 2026-01-01 12:00 UTC" in text


def test_factors_stand_with_what_random_campaigns_make_of_them() -> None:
    text = _text(full_page())
    assert (
        "Enrichment factor hits found by those of random choice in as many evaluations 3.0 1.0 or more"
        in text
    )
    assert (
        "Acceleration factor evaluations of random choice for as many hits by those needed 2.5 1.0 to 3.8"
        in text
    )
    assert "random campaigns that find at least as many 3.2 %" in text


def test_the_map_shows_each_kind_with_its_number() -> None:
    assert FULL.space is not None
    figure = space_map(FULL.space)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["not evaluated (4)", "evaluated, no hit (2)", "next batch (1)", "hit (3)"]
    assert "10 of them are drawn" in _text(full_page())


@pytest.mark.parametrize(
    ("criteria", "expected"), [([], (3.0, 3.0, 3.0)), ([{"property": "n", "max": 1}], (math.nan, 1.5, 2.0))]
)
def test_the_best_value_under_criteria_is_that_of_a_hit(
    criteria: list[dict[str, object]], expected: tuple[float, ...]
) -> None:
    document: dict[str, object] = {
        "name": "best",
        "pool": {"source": "set"},
        "criteria": criteria,
        "objective": {"property": "gap", "direction": "maximize"},
        "acquisition": {"strategy": "expected_improvement"},
        "method": "PBE",
        "validator": "laboratory",
    }
    evaluations = [
        Evaluation(f"set:{value}", "X", 0, 1, {"gap": value}, is_hit=bool(criteria) and value < 3)
        for value in (3.0, 1.5, 2.0)
    ]
    best = best_so_far(Campaign.model_validate(document), evaluations)
    np.testing.assert_array_equal(best, expected)


def test_an_objective_is_named_beside_its_criteria() -> None:
    page = render_page(dataclasses.replace(OBJECTIVE, criteria=FULL.criteria))
    assert "<li>Maximize band gap direct (eV)</li>" in page
    assert "<li>Band gap direct 1 to 2.3 eV</li>" in page


def test_a_campaign_with_an_objective_shows_its_best_value() -> None:
    (axes,) = discovery_curve(OBJECTIVE).axes
    (line,) = (line for line in axes.lines if len(line.get_xdata()) == 5)
    np.testing.assert_array_equal(line.get_ydata(), [math.nan, 1.25, 1.25, 1.875, 2.125])
    text = _text(render_page(OBJECTIVE))
    assert "2.125 best value so far" in text
    assert "Maximize band gap direct (eV)" in text
    assert "hits found" not in text


def test_pages_of_large_pools_stay_light() -> None:
    page = render_page(large(100_000, 3000, 250))
    assert len(page) < 1_500_000
    text = _text(page)
    assert "3,000 of 100,000 candidates evaluated" in text
    assert "4,000 of them are drawn" in text
    assert "And 50 more" in text


def test_page_escapes_what_people_wrote() -> None:
    page = full_page()
    assert "Oxides &lt;for&gt; light" in page
    assert "<for>" not in page


def test_page_stands_alone() -> None:
    page = full_page()
    assert "<script" not in page
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:image/png;base64,)""", page)
    assert len(page) < 500_000


def test_pictures_of_one_page_do_not_share_names() -> None:
    names = re.findall(r'\bid="([^"]+)"', full_page())
    assert len(names) == len(set(names))
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', full_page()))
    assert used <= set(names)


@pytest.mark.parametrize(
    "summary",
    [
        EMPTY,
        dataclasses.replace(FULL, iterations=FULL.iterations[:1], hits_in_pool=None, found=(), parity=()),
        dataclasses.replace(FULL, hits_in_pool=0, discovery=((1, 0),), found=()),
        dataclasses.replace(FULL, pool_size=5, hits_in_pool=5),
        large(10, 10, 3),
        OBJECTIVE,
    ],
    ids=["nothing yet", "one iteration", "no hits", "all evaluated", "ten members", "objective"],
)
def test_every_state_of_a_campaign_has_a_report(summary: CampaignSummary, tmp_path: Path) -> None:
    files = write_report(summary, tmp_path / "a new" / "folder")
    assert files.png.read_bytes().startswith(b"\x89PNG")
    assert f"{summary.hits}" in _text(files.html.read_text())
    assert sorted(path.name for path in files.html.parent.iterdir()) == ["discovery-curve.png", "report.html"]


def test_a_report_is_written_over_an_older_one(tmp_path: Path) -> None:
    write_report(EMPTY, tmp_path)
    files = write_report(FULL, tmp_path)
    assert "3 of 4" in _text(files.html.read_text())


def test_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CatalystError, match="file/report"):
        write_report(EMPTY, tmp_path / "file" / "report")
