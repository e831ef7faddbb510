"""Folders for a while: gone when the work ends, swept when its process was killed, left alone while it lives."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.paths import scratch_folder, sweep_scratch

HOLD = """
import time
from resources.paths import scratch_folder

with scratch_folder() as folder:
    open(f"{folder}/half-written", "w").close()
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True, env={"TMPDIR": str(tmp_path)}
    )
    yield process
    process.kill()
    process.communicate()


def test_a_killed_process_leaves_nothing_after_a_sweep_and_a_living_ones_is_left_alone(
    tmp_path: Path, holder: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert holder.stdout is not None
    folder = Path(holder.stdout.readline().strip())
    with scratch_folder() as own:
        assert sweep_scratch(young_seconds=0) == []
        assert (folder / "half-written").exists()
        holder.kill()
        holder.wait()
        assert sweep_scratch() == []  # too young to tell
        assert sweep_scratch(young_seconds=0) == [folder.parent]
        assert Path(own).is_dir()
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_ours_is_not_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "owner.lock").touch()
    (tmp_path / "catalyst-scratch-link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "catalyst-scratch-unlocked").mkdir()
    assert sweep_scratch(young_seconds=0) == []
    assert len(list(tmp_path.iterdir())) == 3
