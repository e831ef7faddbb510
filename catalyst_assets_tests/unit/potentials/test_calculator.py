"""A calculator of ASE answers as a potential: one structure its own answer or error."""

import numpy as np
import pytest
import spglib
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms

from catalyst_assets.potentials.calculator import CalculatorPotential
from catalyst_assets.potentials.interface import Relaxation

POTENTIAL = CalculatorPotential("EMT", EMT)


def test_energies_forces_and_stresses_are_the_calculators():
    copper = bulk("Cu", cubic=True)
    copper.rattle(0.1, seed=0)

    (answer,) = POTENTIAL.evaluate({"copper": copper})

    alone = copper.copy()
    alone.calc = EMT()
    assert (answer.name, answer.error) == ("copper", "")
    assert answer.energy == pytest.approx(alone.get_potential_energy())
    assert answer.forces == pytest.approx(alone.get_forces())
    assert answer.stress == pytest.approx(alone.get_stress(voigt=False))


def test_cell_and_atoms_come_to_rest_and_the_asked_structure_stays():
    copper = bulk("Cu", cubic=True)
    copper.set_cell(copper.cell * 1.05, scale_atoms=True)
    copper.rattle(0.05, seed=0)
    before = copper.positions.copy()

    (answer,) = POTENTIAL.relax({"copper": copper}, Relaxation(largest_force=0.005))

    assert answer.status == "converged"
    assert answer.largest_force <= 0.005
    assert answer.relaxed.get_volume() == pytest.approx(3.590**3, rel=0.003)
    assert copper.positions == pytest.approx(before)
    assert copper.calc is None


def test_held_atoms_and_the_cell_are_not_moved_where_they_must_not_be():
    copper = bulk("Cu", cubic=True)
    copper.rattle(0.1, seed=0)
    copper.set_constraint(FixAtoms([0]))

    (answer,) = POTENTIAL.relax({"copper": copper}, Relaxation(cell=False, largest_force=0.01))

    assert answer.relaxed.positions[0] == pytest.approx(copper.positions[0])
    assert not np.allclose(answer.relaxed.positions[1], copper.positions[1])
    assert answer.relaxed.cell.array == pytest.approx(copper.cell.array)
    # Nothing remains of the calculator in it.
    assert answer.relaxed.calc is None


def test_symmetry_is_kept_where_it_is_asked_for():
    # Tetragonal copper would go to the cube.
    copper = bulk("Cu", cubic=True)
    copper.set_cell(copper.cell.array * [1, 1, 1.05], scale_atoms=True)

    (answer,) = POTENTIAL.relax(
        {"copper": copper}, Relaxation(keep_symmetry=True, most_steps=5, largest_force=1e-6)
    )

    relaxed = answer.relaxed
    found = spglib.get_symmetry_dataset(
        (relaxed.cell.array, relaxed.get_scaled_positions(), relaxed.numbers), 1e-6
    )
    assert found.international == "I4/mmm"
    assert (answer.status, answer.steps) == ("not_converged", 5)


def test_what_a_calculator_cannot_do_is_the_error_of_that_structure():
    answers = {answer.name: answer for answer in POTENTIAL.evaluate({"ti": bulk("Ti"), "pt": bulk("Pt")})}

    assert "No EMT-potential for Ti" in answers["ti"].error
    assert answers["pt"].error == ""
    assert np.isfinite(answers["pt"].energy)


def test_what_collapses_has_an_error_and_no_energy():
    together = Atoms("Cu2", positions=[(0, 0, 0), (0, 0, 0.1)], cell=[9, 9, 9], pbc=True)

    (answer,) = POTENTIAL.relax({"together": together}, Relaxation(cell=False, most_steps=20))

    assert (answer.status, answer.relaxed) == ("collapsed", None)
    assert "collapsed" in answer.error


def test_the_space_group_that_was_held_is_told():
    free, held = (
        next(POTENTIAL.relax({"cu": bulk("Cu")}, Relaxation(keep_symmetry=keeps))) for keeps in (False, True)
    )
    assert (free.held, held.held) == (None, 225)
