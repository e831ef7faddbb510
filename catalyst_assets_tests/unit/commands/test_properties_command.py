"""`catalyst campaign properties`: what it lists, whose it is, and that nothing is cut off on a narrow terminal."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from catalyst_assets.cli import app
from catalyst_assets.errors import UsageError
from catalyst_assets.vocabulary.known import known_methods, known_properties
from catalyst_assets_tests.places import PROJECT
from resources.settings import get_settings

EXAMPLE = PROJECT / "docs" / "examples" / "properties.yaml"


def listed(*options: str) -> Result:
    return CliRunner().invoke(app, ["campaign", "properties", *options])


def use(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setenv("CATALYST_PROPERTIES_FILE", str(path))
    get_settings.cache_clear()


def test_without_a_file_of_ones_own_it_says_how_to_name_one() -> None:
    told = " ".join(listed().output.split())
    assert told.startswith("None of your own: name a YAML file with CATALYST_PROPERTIES_FILE")
    assert all(name in told for name in ("band_gap", "BEEF-vdW", "-10 to 10", "zeros apart"))
    assert json.loads(listed("--json").output)["file"] is None


def test_json_says_where_each_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, EXAMPLE)
    found = json.loads(listed("--json").output)

    assert found["file"] == str(EXAMPLE)
    assert set(found["properties"]) == set(known_properties())
    assert set(found["methods"]) == set(known_methods())
    own, shipped = found["properties"]["mass_activity"], found["properties"]["band_gap"]
    assert own["declared"] == str(EXAMPLE)
    assert (own["unit"], own["low"], own["label"]) == ("A/g", 0, "Mass activity at 0.9 V")
    assert (shipped["declared"], shipped["label"], shipped["zero_inflated"]) == ("shipped", "Band gap", True)
    assert found["methods"]["RPBE-D3"]["kind"] == "functional"
    assert found["methods"]["PBE"]["declared"] == "shipped"


@pytest.mark.parametrize("columns", [80, 120])
def test_long_names_fold_and_nothing_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, columns: int
) -> None:
    name, label = "turnover_frequency_of_" + "x" * 38, "[bold]Turnover[/bold] frequency"
    method = "rotating ring disk electrode " * 3
    path = tmp_path / "properties.yaml"
    path.write_text(
        f'properties: {{{name}: {{unit: 1/s, low: 0, label: "{label}"}}}}\n'
        f"methods: {{{method.strip()}: {{kind: experiment}}}}\n"
    )
    use(monkeypatch, path)
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = listed().output.splitlines()

    assert max(map(len, lines)) <= columns
    letters = "".join("".join(lines).split())
    assert letters.count("x") >= 38
    assert {"[bold]Turnover[/bold]", "1/s", "∞"} <= set(" ".join(lines).split())
    assert sum(line.count("disk") for line in lines) == 3


def test_open_ends_are_null_in_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "properties.yaml"
    path.write_text("properties: {x: {unit: A/g}}\n")
    use(monkeypatch, path)
    found = json.loads(listed("--json").output)["properties"]["x"]
    assert (found["low"], found["high"], found["typical_mean"]) == (None, None, None)


def test_a_file_that_is_wrong_ends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "properties.yaml"
    path.write_text("properties: {x: {unit: furlong/fortnite}}\n")
    use(monkeypatch, path)
    refused = listed().exception
    assert isinstance(refused, UsageError)
    assert refused.exit_code == 2
    assert "properties.x.unit" in str(refused)
