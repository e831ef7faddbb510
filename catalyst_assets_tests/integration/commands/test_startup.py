import json
import subprocess
import sys
from pathlib import Path

import pytest

from catalyst_assets.bench.running.startup import measure_startup
from catalyst_assets.errors import CatalystError


def test_a_heavy_module_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    definitions = "import ase\nimport dagster as dg\n\ndefs = dg.Definitions()\n"
    (tmp_path / "heavy_location.py").write_text(definitions)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert measure_startup(repeats=1, location="heavy_location").heavy_modules_loaded == ["ase"]


def test_a_location_that_does_not_load_is_one_clear_error() -> None:
    with pytest.raises(CatalystError, match="no_such_module does not load: ModuleNotFoundError"):
        measure_startup(repeats=1, location="no_such_module")


def test_loading_the_code_location_imports_no_heavy_module() -> None:
    catalyst = Path(sys.executable).with_name("catalyst")
    run = subprocess.run(
        [str(catalyst), "bench", "startup", "--repeats", "1", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(run.stdout)
    assert report["heavy_modules_loaded"] == []
    assert list(report) == ["location_load_s", "bare_s", "ratio", "heavy_modules_loaded"]
