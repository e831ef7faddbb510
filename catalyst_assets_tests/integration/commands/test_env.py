"""`eval "$(catalyst env)"`: Dagster's own command line on an installation, from any folder, with nothing running."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from catalyst_assets_tests.processes import eventually, processes_of

BIN = Path(sys.executable).parent
PARTITIONS = [f"by-hand__000{number}" for number in range(3)]
STATE = """
import json, dagster as dg
with dg.DagsterInstance.get() as instance:
    for key in %s:
        instance.add_dynamic_partitions("al_iteration", [key])
    print(json.dumps({
        "materialized": sorted(key.to_user_string() for key in instance.all_asset_keys()),
        "queued": sorted(run.tags["dagster/partition"] for run in instance.get_runs()
                         if run.status is dg.DagsterRunStatus.QUEUED),
    }))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_shell_materializes_backfills_and_wipes(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    home = tmp_path / "a home of 'mine'"

    def shell(command: str) -> str:
        """Run a command in a shell that took what `catalyst env` prints."""
        script = f'eval "$("{BIN}/catalyst" env --home "$MINE")" && {command}'
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=elsewhere,
            env={**os.environ, "MINE": str(home), "PATH": f"{BIN}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def state() -> dict[str, list[str]]:
        (elsewhere / "state.py").write_text(STATE % PARTITIONS)
        return json.loads(shell(f'"{BIN}/python" -P state.py').splitlines()[-1])

    told = json.loads(shell('catalyst env --json --home "$MINE"'))
    secrets = json.loads((home / "postgres" / "passwords.json").read_text()).values()
    assert told["CATALYST_HOME"] == str(home)
    assert not [value for value in told.values() if any(secret in value for secret in secrets)]

    assert "All definitions loaded successfully" in shell("dg check defs")
    assert "raw_reference_tables" in shell("dg list defs --json")
    shell("dagster asset materialize --select raw_reference_tables")
    before = state()
    assert before == {"materialized": ["raw_reference_tables"], "queued": []}
    shell(f"dagster job backfill -j iteration --noprompt --partitions {','.join(PARTITIONS)}")
    assert state()["queued"] == PARTITIONS
    shell("dagster asset wipe raw_reference_tables --noprompt")
    assert "raw_reference_tables" not in state()["materialized"]
    assert eventually(lambda: processes_of(home) == [])
