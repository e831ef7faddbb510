"""Tables of the command line on a terminal of 80 columns."""

import dataclasses
import io

import pytest
from rich.console import Console
from rich.table import Table

from catalyst_assets.commands.campaign import show as campaign_show
from catalyst_assets.commands.demo import outcome as demo
from catalyst_assets.commands.overview import campaigns_table
from catalyst_assets_tests.unit.report.test_report import FULL

ERRORS = {"band_gap_direct": 0.4321, "formation_energy_per_atom": 0.1}
SUMMARY = dataclasses.replace(
    FULL,
    campaign="oxide-perovskites-demo-n10-b25-s3",
    iterations=tuple(
        dataclasses.replace(each, seconds=1234.5, status="closed", valid_mae_by_property=ERRORS)
        for each in FULL.iterations
    ),
)
COUNTS = {
    "name": "oxide-perovskites-demo", "status": "finished", "stop_reason": "budget of 3000 evaluations spent",
    "n_iterations": 120, "n_evaluated": 1200, "n_hits": 117,
    "ranked": 1280, "flagged": 0, "in_validation": 12, "validated": 1200, "rejected": 14,
}  # fmt: skip
LONG = "solar-water-splitting-with-oxynitrides-of-tantalum-and-niob"


def shown(table: Table) -> str:
    text = io.StringIO()
    Console(file=text, width=80).print(table)
    assert max(map(len, text.getvalue().splitlines())) <= 80
    assert "…" not in text.getvalue()
    return text.getvalue()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            demo.iterations_table(SUMMARY),
            ["iteration", "evaluated", "hits", "valid MAE", "test MAE", "miscal.", "1234.5"],
        ),
        (
            campaign_show.iterations_table(SUMMARY),
            ["iteration", "status", "labels", "evaluated", "hits", "formation", "(eV/atom)", "miscal."],
        ),
        (
            campaigns_table([COUNTS], 80, standings=True),
            [COUNTS["name"], "finished", "iterations", "120", "117", "ranked", "1280"],
        ),
    ],
)
def test_no_heading_and_no_count_is_cut_at_80_columns(table: Table, words: list[str]) -> None:
    text = shown(table)
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("count", [10, 100])
def test_every_campaign_of_a_list_is_one_line(count: int) -> None:
    rows = [COUNTS | {"name": f"{LONG[:34]}-{number:04d}"} for number in range(count)]
    lines = [line.split() for line in shown(campaigns_table(rows, 80)).splitlines() if "solar" in line]
    assert lines == [[row["name"], "finished", "120", "1200", "117"] for row in rows]


def test_a_wide_terminal_shows_why_a_campaign_ended_and_a_name_is_never_cut() -> None:
    wide = io.StringIO()
    Console(file=wide, width=160).print(campaigns_table([COUNTS | {"name": LONG}], 160))
    assert COUNTS["stop_reason"] in wide.getvalue()
    narrow = shown(campaigns_table([COUNTS | {"name": LONG}], 80)).splitlines()
    first = next(index for index, line in enumerate(narrow) if "solar" in line)
    assert "".join(line.split()[0] for line in narrow[first:] if line.strip()) == LONG


def test_a_campaign_shows_only_standings_that_occur_and_no_hits_where_nothing_can_be_one() -> None:
    text = shown(campaigns_table([COUNTS | {"n_hits": None}], 80, standings=True))
    assert "flagged" not in text
    (row,) = [line for line in text.splitlines() if COUNTS["name"] in line]
    assert "-" in row.replace(COUNTS["name"], "").split()
