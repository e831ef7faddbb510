"""What a row of a benchmark's table is, by its columns; and hits that are the best by an objective."""

from pathlib import Path

import numpy as np
import pytest
from pymatgen.core.composition import Composition

from catalyst_assets.bench.discovery.pools import BenchmarkPool, read_pool, read_prior
from catalyst_assets.bench.discovery.simulation import featurize_pool
from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.errors import InvalidCampaignError, InvalidPoolError

PLATES = """name: plates
pool: {source: x}
method: experiment
validator: laboratory
objective: {property: overpotential, direction: %s}
acquisition: {strategy: expected_improvement}
"""
ALLOYS = """name: alloys
pool: {source: x}
method: PBE
validator: laboratory
criteria:
  - {property: adsorption_energy_H, max: %s}
"""
PLATE = (
    "composition,overpotential_V,note\n"
    "Ni0.1Fe0.9,0.41,\n"
    "Ni0.2Fe0.8,0.39,best\n"
    "Ni0.3Fe0.7,0.40,\n"
    "Co6Fe2Mn1Ni1,0.45,\n"
    "Ce,0.40,\n"
)


def read(folder: Path, text: str, goal: str, best: int | None = None) -> BenchmarkPool:
    (folder / "pool.csv").write_text(text)
    (folder / "goal.yaml").write_text(goal)
    return read_pool(folder / "pool.csv", load_campaign(folder / "goal.yaml"), best=best)


def test_a_composition_is_a_candidate_without_a_structure(tmp_path: Path) -> None:
    pool = read(tmp_path, PLATE, PLATES % "minimize", 1)

    assert pool.material_ids == ("Fe9Ni", "Fe4Ni", "Fe7Ni3", "MnFe2Co6Ni", "Ce")
    assert pool.formulas == pool.material_ids
    assert pool.chemical_systems == ("Fe-Ni", "Fe-Ni", "Fe-Ni", "Co-Fe-Mn-Ni", "Ce")
    assert pool.structures[0] == Composition({"Fe": 9, "Ni": 1})
    assert list(pool.values["overpotential"]) == [0.41, 0.39, 0.40, 0.45, 0.40]
    features = featurize_pool(pool)
    assert features.values[:, features.names.index("desc:fraction:Fe")] == pytest.approx(
        [0.9, 0.8, 0.7, 0.2, 0]
    )


@pytest.mark.parametrize(
    ("direction", "best", "hits"),
    [
        ("minimize", 1, [1]),
        ("minimize", 2, [1, 2, 4]),  # what equals the last is as good
        ("minimize", 3, [1, 2, 4]),
        ("maximize", 2, [0, 3]),
        ("maximize", 99, [0, 1, 2, 3, 4]),
    ],
)
def test_hits_are_the_best_by_the_objective(
    tmp_path: Path, direction: str, best: int, hits: list[int]
) -> None:
    pool = read(tmp_path, PLATE, PLATES % direction, best)

    assert pool.is_hit.nonzero()[0].tolist() == hits


def test_the_best_are_sought_among_those_that_meet_the_criteria(tmp_path: Path) -> None:
    goal = (PLATES % "minimize").replace("expected_improvement", "constrained_expected_improvement")
    goal += "criteria:\n  - {property: overpotential, min: 0.4}\n"

    assert read(tmp_path, PLATE, goal, 2).is_hit.nonzero()[0].tolist() == [2, 4]
    assert read(tmp_path, PLATE, goal).is_hit.nonzero()[0].tolist() == [0, 2, 3, 4]


def test_an_objective_alone_needs_the_number_of_the_best_and_the_best_an_objective(tmp_path: Path) -> None:
    with pytest.raises(InvalidCampaignError) as refused:
        read(tmp_path, PLATE, PLATES % "minimize")
    assert "--best" in refused.value.remedy
    with pytest.raises(InvalidCampaignError, match="no objective"):
        read(tmp_path, "formula,prototype,adsorption_energy_H\nAg,A1,0.3\n", ALLOYS % 1, 1)


def test_a_formula_on_a_prototype_is_a_structure(tmp_path: Path) -> None:
    table = "formula,prototype,A,B,adsorption_energy_H,adsorption_energy_C\nAg,A1,Ag,,0.33,\nAg3Au,L1_2,Ag,Au,0.34,5.2\n"

    pool = read(tmp_path, table, ALLOYS % 0.335)

    assert pool.material_ids == ("Ag-A1", "Ag3Au-L1_2")
    assert pool.formulas == ("Ag", "Ag3Au")
    assert [len(structure) for structure in pool.structures] == [1, 4]
    assert pool.is_hit.tolist() == [True, False]


@pytest.mark.parametrize(
    ("table", "goal", "said"),
    [
        (
            "composition,overpotential\nFe1Ni1,0.4\nNi10Fe10,0.5\n",
            PLATES,
            "row 3 is the same material as row 2",
        ),
        (
            "composition,overpotential\nXq1Ni1,0.4\n",
            PLATES,
            "row 2, composition: 'Xq1Ni1' has an unknown element 'Xq'",
        ),
        ("composition,overpotential\nFe0Ni1,0.4\n", PLATES, "row 2, composition: 'Fe0Ni1' has 0 of Fe"),
        ("composition,overpotential\n,0.4\n", PLATES, "row 2, composition: is missing"),
        ("composition,overpotential_V\nFe,x\n", PLATES, "row 2, overpotential_V: 'x' is not a number"),
        ("composition,overpotential_V\nFe,\n", PLATES, "holds no hit"),
        (
            "composition,overpotential_V\nFe,400\n",
            PLATES,
            "row 2, overpotential_V: 400 V is outside 0 to 5: is it in mV?",
        ),
        (
            "formula,prototype,adsorption_energy_H\nAg,B9,0.1\n",
            ALLOYS,
            "row 2, formula/prototype: 'B9' is no prototype",
        ),
        ("name,adsorption_energy_H\nAg,0.1\n", ALLOYS, "A, B, anion; cif; formula, prototype; composition"),
    ],
)
def test_a_bad_row_is_named_with_row_and_column(tmp_path: Path, table: str, goal: str, said: str) -> None:
    with pytest.raises(InvalidPoolError) as refused:
        read(tmp_path, table, goal % ("minimize" if goal is PLATES else 1), 1 if goal is PLATES else None)

    assert said in refused.value.message


ALLOY_POOL = (
    "formula,prototype,adsorption_energy_H,other\n"
    "Ag3Au,L1_2,0.34,\nCuPt,L1_0,-0.30,x\nAg,A1,,\nNi,A1,-0.50,\nPt,A1,-0.40,\n"
)


def test_rows_without_an_answer_are_left_out_and_counted(tmp_path: Path) -> None:
    pool = read(tmp_path, ALLOY_POOL, ALLOYS % -0.35)
    assert pool.material_ids == ("Ag3Au-L1_2", "CuPt-L1_0", "Ni-A1", "Pt-A1")
    assert pool.n_unanswered == 1
    assert pool.is_hit.tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            "formula,prototype,chgnet\nNi,A1,-0.7\nCuPt,L1_0,0.1\nPd,A1,9\n",
            [np.nan, 0.1, -0.7, np.nan],
        ),
        ("formula,chgnet\nPtCu,0.1\nNi12,-0.7\nNi,-0.9\nNi4,\n", [np.nan, 0.1, -0.9, np.nan]),
        (
            "reaction,DFT,chgnet\nAg9Au3_0.5H2(g) + * -> H*,1,0.2\nAg9Au3_0.5H2(g) + * -> H*_1,1,0.1\n"
            "Pt12_0.5H2(g) + * -> H*,1,\n",
            [0.1, np.nan, np.nan, np.nan],
        ),
    ],
)
def test_a_prior_is_read_by_what_its_rows_are_named_after(
    tmp_path: Path, table: str, expected: list[float]
) -> None:
    pool = read(tmp_path, ALLOY_POOL, ALLOYS % -0.35)
    (tmp_path / "prior.csv").write_text(table)
    known = read_prior(tmp_path / "prior.csv", "chgnet", pool, of="adsorption_energy_H")
    np.testing.assert_array_equal(known, expected)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("name,chgnet\nNi,0.1\n", "does not say which candidates"),
        ("formula,dft\nNi,0.1\n", "chgnet"),
        ("formula,chgnet\nNi,x\n", "row 2, chgnet: 'x' is not a number"),
        ("formula,chgnet\nNi,900\n", "row 2, chgnet: 900 eV is outside"),
        ("formula,chgnet\nQq,0.1\n", "of no candidate"),
        (
            "reaction,chgnet\nNi12_0.5H2(g) + * -> H*,0.1\nNi12_0.5O2(g) + * -> O*,0.1\n",
            "several reactions, to H\\*, O\\*",
        ),
        ("formula,chgnet\nPd,0.1\n", "of no candidate"),
    ],
)
def test_a_table_that_is_no_prior_of_the_pool_is_refused(tmp_path: Path, table: str, said: str) -> None:
    pool = read(tmp_path, ALLOY_POOL, ALLOYS % -0.35)
    (tmp_path / "prior.csv").write_text(table)
    with pytest.raises(InvalidPoolError, match=said):
        read_prior(tmp_path / "prior.csv", "chgnet", pool, of="adsorption_energy_H")
