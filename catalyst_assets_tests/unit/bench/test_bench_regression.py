"""The benchmarks of regression and transfer on a table of our own: what is split, what is compared."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Element

from catalyst_assets.bench.perov5 import (
    RelaxedCrystals,
    read_crystals,
    read_table,
    split_at_random,
    split_by_group,
)
from catalyst_assets.bench.regression import benchmark_settings, run_regression
from catalyst_assets.bench.transfer import TransferSettings, run_transfer
from catalyst_assets.errors import InvalidPoolError
from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite

A_SITES = ("Na", "K", "Rb", "Cs", "Ca", "Sr", "Ba", "La", "Y", "Cd", "Pb")
B_SITES = ("Ti", "Zr", "V", "Nb", "Mn", "Ni", "Ga", "Sn", "Al", "Fe", "Hf", "Ta")
ANIONS = ("O3", "O2N")


@cache
def crystals() -> RelaxedCrystals:
    """264 perovskites whose value is a matter of their elements."""
    structures, values = [], []
    for a_site in A_SITES:
        for b_site in B_SITES:
            for anion in ANIONS:
                structures.append(build_cubic_perovskite(a_site, b_site, anion))
                values.append(Element(a_site).X - Element(b_site).X + (anion == "O2N"))
    systems = tuple(structure.composition.chemical_system for structure in structures)
    return RelaxedCrystals(tuple(structures), np.array(values), systems)


def write_table(folder: Path, **columns: list[object]) -> Path:
    structure = build_cubic_perovskite("Sr", "Ti", "O3")
    frame = pd.DataFrame({"cif": [structure.to(fmt="cif")] * 2, "heat_all": [0.1, 0.2]} | columns)
    frame.to_csv(folder / "part1.csv.gz", index=False)
    return folder


def test_rows_are_dealt_out_once():
    split = split_at_random(1003, seed=4)
    parts = (split.train, split.validation, split.test)

    assert [len(part) for part in parts] == [803, 100, 100]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(1003))
    assert not np.array_equal(split.test, split_at_random(1003, seed=5).test)


def test_no_chemical_system_is_on_two_sides():
    groups = [f"g{row % 40}" for row in range(400)]
    split = split_by_group(groups, seed=1)
    names = [{groups[row] for row in part} for part in (split.train, split.validation, split.test)]

    assert [len(part) for part in names] == [32, 4, 4]
    assert not (names[0] & names[1])
    assert not (names[0] & names[2])
    assert not (names[1] & names[2])


def test_a_table_is_read_with_its_structures(tmp_path: Path):
    (read,) = read_crystals(read_table(write_table(tmp_path)), ["heat_all"])

    np.testing.assert_array_equal(read.values, [0.1, 0.2])
    assert read.chemical_systems == ("O-Sr-Ti", "O-Sr-Ti")
    assert read.structures[0].composition.reduced_formula == "SrTiO3"


def test_what_cannot_be_read_is_named(tmp_path: Path):
    with pytest.raises(InvalidPoolError, match="holds no table"):
        read_table(tmp_path)
    table = read_table(write_table(tmp_path))
    with pytest.raises(InvalidPoolError, match=r"heat_al.*did you mean heat_all"):
        read_crystals(table, ["heat_al"])
    with pytest.raises(InvalidPoolError, match="Row 2 has no structure"):
        read_crystals(table.assign(cif=[table["cif"][0], "data_nothing"]), ["heat_all"])
    with pytest.raises(InvalidPoolError, match="heat_all of row 1 is no number"):
        read_crystals(table.assign(heat_all=["metal", 1.0]), ["heat_all"])
    write_table(tmp_path, cif=["x", "y"]).joinpath("part2.csv").write_text("formula\nSrTiO3\n")
    with pytest.raises(InvalidPoolError, match=r"part2.csv has no column cif"):
        read_table(tmp_path)


def test_regression_reports_both_splits_beside_the_forest():
    settings = benchmark_settings(epochs=3, seed=0, accelerator="cpu")
    report = run_regression(crystals(), "value", settings, architecture="schnet", members=2)
    split = split_at_random(264, seed=0)
    values = crystals().values
    by_mean = np.abs(values[split.test] - values[split.train].mean()).mean()

    assert report.n_structures == 264
    assert report.mean_mae == pytest.approx(by_mean)
    assert report.test_mae < by_mean
    assert report.forest_mae < by_mean
    assert 0 <= report.miscalibration_area <= 0.5
    assert 0 <= report.grouped_miscalibration_area <= 0.5
    assert set(report.coverage) == set(report.grouped_coverage) == {"50", "80", "95"}
    assert report.epochs == (3, 3)
    assert report.device == "cpu"


def test_transfer_reports_each_seed_of_each_property():
    settings = TransferSettings(n_pretraining=130, n_labels=30, pretraining_epochs=2, epochs=2)
    targets = {
        "shifted": RelaxedCrystals(crystals().structures, crystals().values + 1, crystals().chemical_systems)
    }
    report = run_transfer(crystals(), "value", targets, [0, 1], settings, "schnet")
    shifted = report.targets["shifted"]

    assert (report.n_pretraining, report.n_labels, report.n_test) == (130, 30, 104)
    assert len(report.pretraining_mae) == len(shifted.pretrained_mae) == len(shifted.scratch_mae) == 2
    ratios = np.array(shifted.pretrained_mae) / np.array(shifted.scratch_mae)
    assert shifted.median_ratio == pytest.approx(np.median(ratios))


def test_too_few_crystals_are_refused():
    few = RelaxedCrystals(
        crystals().structures[:60], crystals().values[:60], crystals().chemical_systems[:60]
    )
    with pytest.raises(InvalidPoolError, match="60 crystals are too few"):
        run_regression(few, "value", benchmark_settings(epochs=1, seed=0))
    with pytest.raises(InvalidPoolError, match="60 crystals, 5200 are needed: 5000 to pretrain on, 100"):
        run_transfer(few, "value", {}, [0], TransferSettings())
