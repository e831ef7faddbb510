"""The benchmark that leaves each anion out, on a table small enough to check."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from catalyst_assets.bench.shift import measure_shift, read_sample
from catalyst_assets.commands.bench.app import app
from catalyst_assets.errors import InvalidPoolError

# Elements with a value each; a perovskite's value is their sum and its anion's, so that it can be learned.
CATIONS = {"Li": 0.1, "Na": 0.2, "K": 0.3, "Ca": 0.5, "Sr": 0.6, "Ba": 0.7, "Ti": 1.0, "Zr": 1.2, "Al": 1.4}
ANIONS = {"O3": 0.0, "N3": 1.5}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    lines = ["A,B,anion,heat_of_formation"]
    lines += [
        f"{a},{b},{anion},{CATIONS[a] + CATIONS[b] + offset}"
        for anion, offset in ANIONS.items()
        for a in CATIONS
        for b in CATIONS
        if a < b
    ]
    path = tmp_path / "perovskites.csv"
    path.write_text("\n".join(lines))
    return path


def test_an_unseen_anion_is_further_away_and_worse_than_unseen_systems_of_the_known(table: Path) -> None:
    sample = read_sample(table, "heat_of_formation", rows_per_anion=36, seed=0)
    assert sample.values.shape == (72,)
    report = measure_shift(sample, n_labels=24, seed=0)
    assert [turn.anion for turn in report.anions] == ["N3", "O3"]
    for turn in report.anions:
        assert (turn.n_labels, turn.inside.n, turn.left_out.n) == (24, 12, 36)
        assert turn.left_out.mean_distance > 1.5 * turn.inside.mean_distance
        assert turn.left_out.mae > 3 * turn.inside.mae
        assert turn.left_out.flagged == 1.0
        assert turn.inside.flagged < 0.5
        assert turn.spearman > 0.2
        assert set(turn.inside.coverage) == {"50", "80", "95"}
    assert sum(part.n for part in report.bins) == 96
    assert (
        np.corrcoef([part.furthest for part in report.bins], [part.mae for part in report.bins])[0, 1] > 0.5
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A,B,heat_of_formation\nLi,Ti,1\n", "lacks the columns anion"),
        (
            "A,B,anion,heat_of_formation\nLi,Ti,O3,1\nLi,Ti,N3,much\n",
            "row 3, heat_of_formation: 'much' is not a number",
        ),
        ("A,B,anion,heat_of_formation\nLi,Ti,O3,1\nLi,Zr,O3,1\n", "one anion"),
        ("", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InvalidPoolError, match=message):
        read_sample(path, "heat_of_formation", 10, 0)


def test_the_command_is_one_of_the_benchmarks() -> None:
    told = CliRunner().invoke(app, ["shift", "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert told.exit_code == 0
    assert "--plot" in told.stdout
