"""The program of a calculation without GPAW: its rules, its files, what a restart costs and how it fails."""

import json
import math
import threading
from pathlib import Path

import numpy as np
import pytest

from catalyst_assets.validation.dft.gpaw_job import elements
from catalyst_assets.validation.dft.gpaw_job.crystal import Crystal
from catalyst_assets.validation.dft.gpaw_job.equation_of_state import NoMinimumError, find_minimum
from catalyst_assets.validation.dft.gpaw_job.folder import Folder
from catalyst_assets.validation.dft.gpaw_job.gaps import find_gaps
from catalyst_assets.validation.dft.gpaw_job.main import main
from catalyst_assets.validation.dft.gpaw_job.sampling import initial_moments, kpoint_size
from catalyst_assets.validation.dft.gpaw_job.scf import NotConvergedError, Setup
from catalyst_assets.validation.dft.methods import find_method

PEROVSKITE = {
    "lattice": [[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]],
    "species": ["Sr", "Ti", "O", "O", "O"],
    "fractional_coordinates": [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]],
}
BOTTOM = 4.1  # Å
FACE_CENTRED = np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def crystal(lattice, species=("Na", "Cl"), positions=((0, 0, 0), (0.5, 0.5, 0.5))) -> Crystal:
    return Crystal(np.array(lattice, float), tuple(species), np.array(positions, float))


class FakeGpaw:
    """Stands for GPAW: energies of a curve with its bottom at `BOTTOM`, and what was computed."""

    def __init__(self) -> None:
        self.computed: list[float] = []
        self.stop_after = math.inf
        self.diverges = False

    def compute(self, _setup, structure: Crystal, parameters, moments, *, bands, stress):
        if len(self.computed) >= self.stop_after:
            raise KeyboardInterrupt
        if self.diverges and parameters["maxiter"] < 600:
            raise NotConvergedError("volume+0: no self-consistency within 150 iterations")
        self.computed.append(structure.lattice[0, 0])
        output = {"energy": 20 * (structure.volume ** (1 / 3) / BOTTOM - 1) ** 2 - 40}
        if bands:
            output |= {"bands": [[[-1.0, 1.0], [-2.0, 0.5]]], "fermi_level": 0.0}
        return output


@pytest.fixture
def gpaw(monkeypatch) -> FakeGpaw:
    fake = FakeGpaw()
    monkeypatch.setattr(
        Setup, "_compute", lambda setup, *args, **options: fake.compute(setup, *args, **options)
    )
    return fake


@pytest.fixture
def job(tmp_path: Path) -> Path:
    folder = tmp_path / "job"
    folder.mkdir()
    write_job(folder)
    return folder


def write_job(folder: Path, **changes) -> None:
    wanted = ["lattice_a", "energy_total", "band_gap_direct", "band_gap_indirect", "valence_band_direct"]
    document = {
        "material_id": "m1",
        "structure": PEROVSKITE,
        "properties": wanted,
        "method": find_method("PBE").settings(),
        "midgap_ev": 5.0,
        "attempt": 1,
    }
    (folder / "job.json").write_text(json.dumps(document | changes))


def result_of(folder: Path) -> dict:
    return json.loads((folder / "result.json").read_text())


def test_a_job_ends_with_its_values_in_their_units_and_where_they_come_from(gpaw, job):
    assert main([str(job)]) == 0
    result = result_of(job)
    assert result["outcome"] == "measured"
    values = {each["property"]: (each["value"], each["unit"]) for each in result["values"]}
    assert values["lattice_a"] == (pytest.approx(BOTTOM, abs=2e-3), "Å")
    assert values["energy_total"] == (pytest.approx(-40, abs=1e-4), "eV")
    assert values["band_gap_direct"] == (pytest.approx(2.0), "eV")
    assert values["band_gap_indirect"] == (pytest.approx(1.5), "eV")
    assert values["valence_band_direct"] == (pytest.approx(6.0), "eV")
    assert result["about"]["kpoints"] == [6, 6, 6]
    assert result["about"]["method"] == find_method("PBE").settings()
    assert set(result["about"]["versions"]) == {"python", "gpaw", "gpaw-data", "ase", "numpy"}


def test_a_killed_job_goes_on_where_it_stopped(gpaw, job):
    gpaw.stop_after = 3
    with pytest.raises(KeyboardInterrupt):
        main([str(job)])
    assert not (job / "result.json").exists()
    gpaw.stop_after = math.inf
    main([str(job)])
    assert len(gpaw.computed) == len(set(gpaw.computed))
    assert result_of(job)["outcome"] == "measured"


def test_other_settings_take_nothing_that_was_computed_before(gpaw, job):
    main([str(job)])
    before = len(gpaw.computed)
    write_job(job, method=find_method("PBE").settings() | {"cutoff_ev": 700.0})
    main([str(job)])
    assert len(gpaw.computed) == 2 * before


def test_what_does_not_converge_may_be_tried_again_and_the_second_attempt_mixes_slowly(gpaw, job):
    gpaw.diverges = True
    assert main([str(job)]) == 0
    failed = result_of(job)
    assert (failed["outcome"], failed["try_again"]) == ("failed", True)
    assert "no self-consistency within 150 iterations" in failed["reason"]
    write_job(job, attempt=2)
    main([str(job)])
    assert result_of(job)["outcome"] == "measured"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"properties": ["density_of_states"]}, "Not computed here: density_of_states; what is: lattice_a"),
        ({"structure": {"species": ["Sr"]}}, "no lattice, species and fractional_coordinates"),
        ({"structure": PEROVSKITE | {"lattice": [[0, 0, 0]] * 3}}, "no volume"),
        ({"structure": PEROVSKITE | {"species": ["Sr"]}}, "not 3 for each species"),
    ],
)
def test_a_job_that_cannot_be_computed_fails_with_its_reason_for_good(gpaw, job, changes, said):
    write_job(job, **changes)
    assert main([str(job)]) == 0
    assert result_of(job)["outcome"] == "failed"
    assert said in result_of(job)["reason"]
    assert not result_of(job)["try_again"]
    assert gpaw.computed == []


def test_an_element_without_paw_data_is_named(gpaw, job, monkeypatch):
    def compute(*_args, **_options):
        raise FileNotFoundError('Could not find required PAW dataset file "Tc.PBE".\n\nYou need to set …')

    monkeypatch.setattr(Setup, "_compute", compute)
    assert main([str(job)]) == 0
    assert result_of(job)["reason"] == 'Could not find required PAW dataset file "Tc.PBE".'


def test_a_folder_without_a_job_and_a_call_without_a_folder_say_so(tmp_path, capsys):
    assert main([]) == 2
    assert "usage:" in capsys.readouterr().err
    assert main([str(tmp_path / "nowhere")]) == 2
    assert main([str(tmp_path)]) == 0
    assert "No such file" in result_of(tmp_path)["reason"]


def test_without_midgap_the_gaps_come_and_the_edges_say_what_is_missing(gpaw, job):
    write_job(job, midgap_ev=None)
    main([str(job)])
    assert result_of(job)["missing"] == {"valence_band_direct": "the job gives no midgap_ev"}
    assert len(result_of(job)["values"]) == 4


def test_methods_with_hubbard_corrections_answer_no_formation_energy(gpaw, job):
    write_job(
        job, method=find_method("PBE+U").settings(), properties=["lattice_a", "formation_energy_per_atom"]
    )
    main([str(job)])
    assert [each["property"] for each in result_of(job)["values"]] == ["lattice_a"]
    assert "no formation energies" in result_of(job)["missing"]["formation_energy_per_atom"]


def test_two_jobs_that_want_the_same_element_compute_it_once(tmp_path, monkeypatch):
    calls, both = [], threading.Barrier(2)

    def compute(_setup, element):
        calls.append(element)
        return {"energy_per_atom": -1.5, "source": "Delta test"}

    monkeypatch.setattr(elements, "_compute", compute)
    answers = []

    def ask(name: str) -> None:
        both.wait()
        setup = Setup(Folder(tmp_path / name), find_method("PBE").settings())
        answers.append(elements.reference_energy(setup, tmp_path / "references", "Ti")["energy_per_atom"])

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (calls, answers) == (["Ti"], [-1.5, -1.5])


@pytest.mark.parametrize(
    ("lattice", "edge"),
    [(np.eye(3) * 4, 4.0), (FACE_CENTRED * 4, 4.0), ((np.ones((3, 3)) - 2 * np.eye(3)) * 2, 4.0), (np.diag([4, 4, 4.1]), None)],
)  # fmt: skip
def test_the_cubes_edge_is_found_in_each_cubic_lattice(lattice, edge):
    assert crystal(lattice).cubic_edge() == (None if edge is None else pytest.approx(edge))


def test_an_energy_volume_curve_is_enough_only_where_symmetry_fixes_the_rest():
    perovskite = Crystal.from_document(PEROVSKITE)
    moved = perovskite.positions.copy()
    moved[2, 1] += 0.02
    assert perovskite.is_set_by_volume()
    assert crystal(FACE_CENTRED * 4).is_set_by_volume()
    assert not crystal(perovskite.lattice, perovskite.species, moved).is_set_by_volume()
    assert not crystal(np.diag([4, 4, 4.1])).is_set_by_volume()
    # A cube whose atoms may move along its diagonals.
    quarter = np.array([[u, u, u] for u in (0.0, 0.27)])
    assert not crystal(FACE_CENTRED * 5, ("Zn", "S"), quarter).is_set_by_volume()


def test_a_conventional_cell_is_computed_as_its_primitive_one():
    cube = crystal(np.eye(3) * 4, ["Al"] * 4, [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    primitive, kept = cube.primitive()
    assert kept == [0]
    assert primitive.volume == pytest.approx(16)
    assert primitive.cubic_edge() == pytest.approx(4)


def test_kpoints_are_even_and_dense_enough():
    assert kpoint_size(np.eye(3) * 3.94, 3.4) == (6, 6, 6)
    assert kpoint_size(np.diag([3.94, 3.94, 20.0]), 3.4) == (6, 6, 2)


@pytest.mark.parametrize(
    ("species", "spin", "moments"),
    [
        (["Sr", "Ti", "O"], "auto", None),
        (["Sr", "V", "O"], "auto", [0.0, 2.0, 0.0]),
        (["Sr", "V", "O"], "off", None),
        (["Sr", "Ti"], "on", [1.0, 1.0]),
    ],
)
def test_spin_is_for_open_shells_unless_said_otherwise(species, spin, moments):
    assert initial_moments(species, spin) == moments


def test_the_minimum_is_found_uphill_and_downhill_with_the_same_points():
    asked: list[int] = []

    def energy(k: int) -> float:
        asked.append(k)
        return (1.015**k - 1.05) ** 2

    minimum = find_minimum(energy, 64.0, 0.015, 16)
    assert minimum.scale == pytest.approx(1.05, abs=2e-4)
    assert len(asked) == len(set(asked))


def test_an_energy_that_only_falls_has_no_minimum():
    with pytest.raises(NoMinimumError, match=r"still falls at 1\.2\d times"):
        find_minimum(lambda k: -float(k), 64.0, 0.015, 16)


def test_birch_murnaghan_energies_give_back_their_volume_and_bulk_modulus():
    volume0, bulk, slope = 70.0, 1.1, 4.5  # Å³, eV/Å³

    def energy(k: int) -> float:
        x = (volume0 / (68.0 * 1.015 ** (3 * k))) ** (2 / 3)
        return 9 * volume0 * bulk / 16 * ((x - 1) ** 3 * slope + (x - 1) ** 2 * (6 - 4 * x))

    minimum = find_minimum(energy, 68.0, 0.015, 16)
    assert 68.0 * minimum.scale**3 == pytest.approx(volume0, rel=1e-6)
    assert minimum.bulk_modulus == pytest.approx(bulk * 160.21766, rel=1e-4)
    assert minimum.residual < 1e-9


def test_gaps_of_insulator_metal_and_two_spins():
    insulator = find_gaps(np.array([[[-1.0, 1.0], [-0.2, 2.0]]]), 0.1)
    assert (insulator.direct, insulator.indirect) == (pytest.approx(2.0), pytest.approx(1.2))
    assert find_gaps(np.array([[[-1.0, 1.0], [-0.2, -0.1]]]), 0.0).indirect == 0.0
    magnet = find_gaps(np.array([[[-1.0, -0.5, 3.0]], [[-0.8, 0.4, 3.0]]]), 0.0)
    assert magnet.indirect == pytest.approx(0.9)
    with pytest.raises(ValueError, match="Too few bands"):
        find_gaps(np.array([[[-1.0, -0.5]]]), 0.0)
