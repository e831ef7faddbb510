"""Tables of the command line on a terminal of 80 columns."""

import dataclasses
import io

import pytest
from rich.console import Console
from rich.table import Table

from catalyst_assets.commands import demo
from catalyst_assets.commands.campaign import show as campaign_show
from catalyst_assets.commands.services import campaigns_table
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
    "name": "oxide-perovskites-demo", "status": "finished", "iterations": 120, "ranked": 1280,
    "flagged": 0, "in_validation": 12, "validated": 1200, "rejected": 14,
}  # fmt: skip


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
            campaigns_table([COUNTS]),
            [
                COUNTS["name"],
                "finished",
                "iterations",
                "1280 ranked",
                "12 in",
                "1200 validated",
                "14 rejected",
            ],
        ),
    ],
)
def test_no_heading_and_no_count_is_cut_at_80_columns(table: Table, words: list[str]) -> None:
    text = shown(table)
    assert [word for word in words if word not in text] == []


def test_a_campaign_shows_only_standings_that_occur() -> None:
    assert "flagged" not in shown(campaigns_table([COUNTS]))
    nothing = COUNTS | dict.fromkeys(["ranked", "in_validation", "validated", "rejected"], 0)
    assert "none" in shown(campaigns_table([nothing]))
