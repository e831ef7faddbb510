"""How the program of a calculation is started: templates, limits, names."""

import sys
from pathlib import Path

import pytest

from catalyst_assets.errors import UsageError
from catalyst_assets.validation.jobs.identity import Calculation
from catalyst_assets.validation.jobs.limits import read_memory, read_wall_time
from catalyst_assets.validation.jobs.programs import find_validator_program, why_unavailable
from catalyst_assets.validation.jobs.template import fill_template, split_template
from resources.settings import load_settings

VALUES = {"python": "/usr/bin/python", "script": "/a b/gpaw.py", "job": "/home/a lab; rm -rf x/$(id)"}


def test_what_is_put_in_stays_one_word_whatever_it_holds() -> None:
    words = split_template("srun -n 32 {python} {script} --folder={job} 'a b' {{x}}", "X")
    assert fill_template(words, VALUES) == [
        "srun", "-n", "32", "/usr/bin/python", "/a b/gpaw.py", "--folder=/home/a lab; rm -rf x/$(id)", "a b", "{x}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("", "X holds no command"),
        ("   ", "X holds no command"),
        ("'' {job}", "X holds no command"),
        ("run 'it {job}", "X cannot be split into words (no closing quotation)"),
        ("run", "X does not say {job} (the folder of the calculation)"),
        ("run {folder}", "X has a placeholder that there is not: {folder} in '{folder}'"),
        ("run {}", "X has a placeholder that there is not: {} in '{}'"),
        ("run {job.__class__}", "X has a placeholder that there is not: {job.__class__}"),
        ("run {job!r}", "X has a placeholder that there is not: {job} in '{job!r}'"),
        ("run {job", "X has a brace that nothing closes or opens"),
        ("run {job} }", "X has a brace that nothing closes or opens"),
        ("run {job} " + "x" * 5_000, "X holds no command"),
    ],
)
def test_a_template_that_cannot_work_is_refused_with_what_can(template: str, reason: str) -> None:
    with pytest.raises(UsageError) as refused:
        split_template(template, "X")
    assert reason in refused.value.message
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("36h", 129_600), ("90 min", 5_400), ("1.5d", 129_600), ("3600", 3_600), ("20s", 20), ("02:30:00", 9_000),
     ("1-12:00:00", 129_600), ("2:30", 9_000), ("0", None)],
)  # fmt: skip
def test_times_are_read_as_people_and_slurm_write_them(text: str, seconds: float | None) -> None:
    assert read_wall_time(text, "X") == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1h", "0h", "1h30", "1:99:00"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="X is no time"):
        read_wall_time(text, "X")


@pytest.mark.parametrize(("text", "size"), [("64GiB", 64 * 2**30), ("900 MB", 900 * 10**6), ("0", None)])
def test_sizes_are_read(text: str, size: int | None) -> None:
    assert read_memory(text, "X") == size


@pytest.mark.parametrize("text", ["", "much", "-5MB"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="X is no size"):
        read_memory(text, "X")


def calculation(**changed: object) -> Calculation:
    fields: dict[str, object] = {
        "validator": "gpaw",
        "material_id": "a:1",
        "structure_hash": "f" * 64,
        "method": "PBE",
        "properties": ("b", "a"),
        "settings": {"cutoff_ev": 600, "xc": {"u": 1.0, "k": 2}},
    }
    return Calculation(**{**fields, **changed})  # type: ignore[arg-type]


def test_the_same_calculation_has_one_name() -> None:
    same = calculation(properties=("a", "b", "a"), settings={"xc": {"k": 2, "u": 1.0}, "cutoff_ev": 600})
    assert same.job_id == calculation().job_id


@pytest.mark.parametrize(
    "changed",
    [
        {"validator": "command"},
        {"material_id": "a:2"},
        {"structure_hash": "e" * 64},
        {"method": "PBEsol"},
        {"properties": ("a",)},
        {"settings": {"cutoff_ev": 601, "xc": {"u": 1.0, "k": 2}}},
    ],
)
def test_whatever_is_another_gives_another_name(changed: dict[str, object]) -> None:
    assert calculation(**changed).job_id != calculation().job_id


def test_what_a_validator_lacks_is_said_with_what_to_do(tmp_path: Path) -> None:
    def said(validator: str, **settings: str) -> str:
        return why_unavailable(validator, load_settings(home=tmp_path, **settings))

    assert "CATALYST_VALIDATOR_COMMAND is not set" in said("command")
    assert said("command", validator_command="{python} measure.py {job}") == ""
    assert "there is no program vasp_run on PATH" in said("command", validator_command="vasp_run {job}")
    assert "/nowhere/vasp is no file that can be executed" in said(
        "command", validator_command="/nowhere/vasp {job}"
    )
    assert "names {script}" in said("command", validator_command="{python} {script} {job}")
    assert "does not say {script}" in said("gpaw", dft_command="{python} x.py {job}")
    assert "CATALYST_DFT_WALL_TIME is no time: 'soon'" in said("gpaw", dft_wall_time="soon")
    program = find_validator_program(
        "command", load_settings(home=tmp_path, validator_command="{python} x {job}")
    )
    assert program.command(Path("/a b")) == [sys.executable, "x", "/a b"]
    assert (program.limits.wall_seconds, program.limits.memory_bytes) == (86_400, None)
