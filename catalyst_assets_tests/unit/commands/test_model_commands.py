"""What `catalyst models` and `catalyst bench` show: tables that fit a terminal, stages where there is none."""

import io
from typing import Any

import pytest
from rich.console import Console

from catalyst_assets.commands.models.tables import tabulate, tabulate_pair
from catalyst_assets.commands.stages import telling
from catalyst_assets.learning.models.model_records import ModelComparison, ModelRecord

NAME = "oxide-perovskites-demo"
PROPERTIES = ("formation_energy_per_atom", "adsorption_energy_OH")


def version(number: int, is_champion: bool = False, name: str = NAME) -> ModelRecord:
    texts = ("training_set_sha256", "label_sha256", "campaign_sha256", "code_version", "backbone")
    others = dict.fromkeys((*texts, "mlflow_run_id", "source", "decision", "reason"), "")
    return ModelRecord(
        name=name,
        version=number,
        is_champion=is_champion,
        partition_key=f"{name}__{number:04}",
        iteration=number - 1,
        labels=1234,
        relative_mae=0.457,
        miscalibration_area=0.05,
        mae_by_property=dict.fromkeys(PROPERTIES, 0.123),
        miscalibration_area_by_property=dict.fromkeys(PROPERTIES, 0.06),
        test_mae_by_property=dict.fromkeys(PROPERTIES, 0.2),
        kinds=dict.fromkeys(PROPERTIES, "gaussian_process"),
        scores_by_kind={name: {"stacked": 0.095, "gaussian_process": 0.091} for name in PROPERTIES},
        created_at="2026-11-24T12:13:14+00:00",
        model_sha256="ab" * 32,
        promotions=(),
        **others,
    )


def printed(table: Any, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(("width", "n_columns"), [(80, 6), (120, 9), (200, 11)])
def test_the_less_important_columns_go_before_any_name_is_broken(width: int, n_columns: int) -> None:
    title, _, headings, _, *rows = printed(
        tabulate(NAME, [version(3), version(4, is_champion=True)], width), width
    )
    assert title.strip() == NAME
    # Two blanks are between columns, one within their names.
    assert len([part for part in headings.split("  ") if part.strip()]) == n_columns
    assert rows[0].split()[:4] == ["@3", "1234", "0.457", "formation_energy_per_atom"]
    assert rows[1].split()[0] == "adsorption_energy_OH"
    assert rows[2].split()[:2] == ["@4", "*"]


def test_two_versions_are_headed_by_their_numbers() -> None:
    pair = ModelComparison(version(3), version(4, is_champion=True), None, {}, 0, 0, {})
    lines = printed(tabulate_pair(pair), 80)
    assert lines[0].strip() == f"{NAME}@3 and {NAME}@4"
    assert lines[2].split() == ["@3", "@4", "*"]
    rows = [line.split() for line in lines]
    assert ["predicted", "by", "gaussian_process", "gaussian_process"] in rows
    assert ["CRPS", "of", "stacked", "0.095", "0.095"] in rows
    other = ModelComparison(version(3), version(3, name="salts"), None, {}, 0, 0, {})
    assert printed(tabulate_pair(other), 80)[2].split() == ["first", "@3", "second", "@3"]


def test_without_a_terminal_each_stage_and_every_tenth_epoch_is_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with telling("reading") as tell:
        for epoch in range(1, 26):
            tell(f"epoch {epoch} of 25")
        tell("judging")
    told = capsys.readouterr()
    assert told.out == ""
    assert [line.partition(" s  ")[2] for line in told.err.splitlines()] == [
        "reading",
        "epoch 1 of 25",
        "epoch 10 of 25",
        "epoch 20 of 25",
        "judging",
    ]
