import dataclasses
import math
import re
from itertools import combinations
from pathlib import Path

import pytest

from catalyst_assets.errors import CatalystError
from catalyst_assets.report.charts import (
    calibration_per_iteration,
    discovery_curve,
    error_per_iteration,
    image_bytes,
    parity_plots,
)
from catalyst_assets.report.pages import render_page, write_report
from catalyst_assets.report.summary import (
    CampaignSummary,
    HitSummary,
    IterationSummary,
    Parity,
    random_expected_hits,
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
    stop_reason="target reached",
)


def _lines(figure: object) -> dict[str, tuple[list[float], list[float]]]:
    (axes,) = figure.axes  # type: ignore[attr-defined]
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata()))
        for line in axes.lines
        if not line.get_label().startswith("_")
    }


def _text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<(svg|style).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL))


def test_random_choice_finds_hits_in_proportion() -> None:
    assert random_expected_hits(255, 14, 60) == pytest.approx(3.294, abs=5e-4)
    assert random_expected_hits(20, 4, 20) == 4


def test_random_expectation_is_the_mean_over_every_draw() -> None:
    for hits in range(7):
        for evaluations in range(7):
            draws = [sum(item < hits for item in draw) for draw in combinations(range(6), evaluations)]
            assert random_expected_hits(6, hits, evaluations) == pytest.approx(sum(draws) / len(draws))


@pytest.mark.parametrize(("pool", "hits", "evaluations"), [(0, 0, 0), (5, 6, 1), (5, 1, 6), (5, -1, 1)])
def test_impossible_pools_are_refused(pool: int, hits: int, evaluations: int) -> None:
    with pytest.raises(ValueError, match=f"pool of {pool}"):
        random_expected_hits(pool, hits, evaluations)


def test_summary_counts_from_its_discovery() -> None:
    assert (FULL.evaluated, FULL.hits) == (5, 3)
    assert FULL.random_expected_hits == 1.0
    assert FULL.enrichment == 3.0
    assert (EMPTY.evaluated, EMPTY.hits, EMPTY.random_expected_hits, EMPTY.enrichment) == (0, 0, None, None)


def test_enrichment_is_unknown_when_nothing_could_be_found() -> None:
    assert dataclasses.replace(FULL, hits_in_pool=0, discovery=((1, 0),)).enrichment is None


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
    figure = error_per_iteration(FULL)
    assert figure is not None
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
    assert error_per_iteration(EMPTY) is None
    assert calibration_per_iteration(EMPTY) is None
    assert parity_plots(()) is None
    assert parity_plots((Parity("band_gap", (), (), ()),)) is None


def test_same_summary_gives_the_same_bytes() -> None:
    first, second = (image_bytes(discovery_curve(FULL), "svg", "curve") for _ in range(2))
    assert first == second
    assert image_bytes(discovery_curve(FULL), "png", "curve").startswith(b"\x89PNG")


def test_page_says_what_was_found() -> None:
    text = _text(render_page(FULL))
    assert "3 of 4 hits found" in text
    assert "5 of 20 candidates evaluated" in text
    assert "3.0" in text
    assert "random choice, which expects 1.00" in text
    assert "Band gap direct 1 to 2.3 eV" in text
    assert "target reached" in text
    assert "AgNbO3 set:AgNbO3 4 1 1.250" in text
    assert "0001 5 3 0.432 0.062 2.5" in text
    assert "0000 3 1 - - 1.5" in text


def test_page_escapes_what_people_wrote() -> None:
    page = render_page(FULL)
    assert "Oxides &lt;for&gt; light" in page
    assert "<for>" not in page


def test_page_stands_alone() -> None:
    page = render_page(FULL)
    assert "<script" not in page
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", page)
    assert len(page) < 500_000


def test_pictures_of_one_page_do_not_share_names() -> None:
    names = re.findall(r'\bid="([^"]+)"', render_page(FULL))
    assert len(names) == len(set(names))
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', render_page(FULL)))
    assert used <= set(names)


@pytest.mark.parametrize(
    "summary",
    [
        EMPTY,
        dataclasses.replace(FULL, iterations=FULL.iterations[:1], hits_in_pool=None, found=(), parity=()),
        dataclasses.replace(FULL, hits_in_pool=0, discovery=((1, 0),), found=()),
        dataclasses.replace(FULL, pool_size=5, hits_in_pool=5),
    ],
    ids=["nothing yet", "one iteration", "no hits", "all evaluated"],
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
