"""What a program of a user's may write, and what becomes of it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_assets.validation.jobs.answers import JobAnswer, read_result, understand

ASKED = ("band_gap_direct", "formation_energy_per_atom")


def result(*values: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"outcome": "measured", "values": values, **more}).encode()


def value(number: Any = 1.5, unit: str = "eV", name: str = "band_gap_direct", **more: Any) -> dict[str, Any]:
    return {"property": name, "value": number, "unit": unit, **more}


def test_values_become_those_of_the_properties_units() -> None:
    found = understand(
        result(
            value(1500, "meV", standard_deviation=20),
            value(-96.485, "kJ/mol_atom", "formation_energy_per_atom"),
            value(4, "angstrom", "lattice_a"),
            note="done\x1b[31m red",
            about={"versions": {"vasp": "6.5"}},
        ),
        "PBE",
        ASKED,
    )
    assert (found.outcome, found.reason, found.note) == ("measured", "", "done [31m red")
    assert found.answers["band_gap_direct"] == JobAnswer(1.5, "eV", 0.02)
    assert found.answers["formation_energy_per_atom"].value == pytest.approx(-1.0, abs=1e-4)
    assert found.answers["lattice_a"] == JobAnswer(4.0, "Å")


def test_what_is_missing_is_said_beside_what_there_is() -> None:
    found = understand(result(value(), reason="no reference for Xe", method="PBE"), "PBE", ASKED)
    assert (found.outcome, set(found.answers), found.reason) == (
        "measured",
        {"band_gap_direct"},
        "no reference for Xe",
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "Invalid JSON"),
        (b"[1, 2", "Invalid JSON"),
        (b"[]", "Input should be an object"),
        (b"\xff\xfe{", "Invalid JSON"),
        (b"[" * 100_000, "Invalid JSON: recursion limit"),
        (b"{" + b" " * 2**20 + b"}", "larger than 1,024 KiB"),
        (b'{"outcome": "perfect"}', "outcome: Input should be 'measured' or 'failed'"),
        (b'{"outcome": "measured", "value": 1}', "value: Extra inputs are not permitted"),
        (
            b'{"outcome": "measured"}',
            "holds none of what was asked for: band_gap_direct, formation_energy_per_",
        ),
        (result(value(4.0, "Å", "lattice_a")), "holds none of what was asked for"),
        (b'{"outcome": "failed"}', "the program says that it failed, not why"),
        (result(value(float("nan"))), "values.0.value: Input should be a finite number"),
        (result(value(float("inf"))), "values.0.value: Input should be a finite number"),
        (result(value("1.5")), "values.0.value: is no number"),
        (result(value(True)), "values.0.value: is no number"),
        (result(value(None)), "values.0.value: Input should be a valid number"),
        (result(value(1.0, standard_deviation=-0.1)), "should be greater than or equal to 0"),
        (result(value(1.0, "")), "values.0.unit: String should have at least 1 character"),
        (result(value(1.0, "GPa")), "'GPa' cannot be converted to 'eV': they measure different things"),
        (result(value(1.0, "parsec/fortnight!")), "is no unit"),
        (result(value(1e308, "keV")), "too large a number in eV"),
        (
            result(value(name="bandgap_direct")),
            "unknown property 'bandgap_direct': did you mean band_gap_direct",
        ),
        (result(value(), value(1.6)), "band_gap_direct: is answered twice"),
        (result(value(), method="HSE06"), "it was answered by HSE06, and PBE was asked for"),
    ],
)
def test_what_cannot_be_taken_is_a_failure_that_says_why(data: bytes, reason: str) -> None:
    found = understand(data, "PBE", ASKED)
    assert (found.outcome, dict(found.answers), found.try_again) == ("failed", {}, False)
    assert reason in found.reason
    assert len(found.reason) < 4_000
    assert found.reason.isprintable()


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(repr).map(str.encode)
)
def test_no_bytes_are_an_error_of_the_platform(data: bytes) -> None:
    assert understand(data, "PBE", ASKED).outcome == "failed"


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_only_a_file_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "result.json"
    (tmp_path / "elsewhere").write_bytes(result(value()))
    if kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    found = read_result(path, "PBE", ASKED)
    assert found is not None
    assert found.reason.startswith("result.json cannot be read: ")


def test_no_result_is_none(tmp_path: Path) -> None:
    assert read_result(tmp_path / "result.json", "PBE", ASKED) is None
