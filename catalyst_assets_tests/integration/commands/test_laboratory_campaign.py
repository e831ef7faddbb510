"""The page docs/laboratory-campaign.md, run as it stands: from the YAML to the third iteration by files and curl."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from catalyst_assets_tests.processes import eventually, processes_of
from resources.paths import project_file

BIN = Path(sys.executable).parent
PAGE = project_file("sql").parent / "docs" / "laboratory-campaign.md"


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="the page uses curl and jq")
def test_the_page_drives_a_campaign_to_its_third_iteration(tmp_path: Path) -> None:
    ports = []
    for _ in range(4):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            ports.append(str(probe.getsockname()[1]))
    named = {
        f"CATALYST_{name}_PORT": port
        for name, port in zip(("APP", "API", "DAGSTER", "MLFLOW"), ports, strict=True)
    }
    home = tmp_path / "home"
    environment = {
        **os.environ, **named, "CATALYST_HOME": str(home), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    blocks = re.findall(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    script = "set -eu\n" + "\n".join(blocks).replace("127.0.0.1:8050", f"127.0.0.1:{ports[0]}")
    said = tmp_path / "said"
    with said.open("w") as output:
        up = subprocess.Popen(["catalyst", "up"], env=environment, stdout=output, stderr=output, cwd=tmp_path)
    try:
        assert eventually(lambda: "Everything runs" in said.read_text() or up.poll() is not None, 180.0)
        done = subprocess.run(
            ["bash", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=400,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        lines = done.stdout.splitlines()
        sent = [line for line in lines if line.startswith('["')]
        assert sent == [
            '["recorded",3]',
            '["unchanged",0]',
            '["recorded",1]',
            *['["recorded",1]'] * 3,
        ]
        assert any(line.startswith("[3,7,") for line in lines), done.stdout
        assert "corrected by result" in done.stdout
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(60)
        for process in processes_of(home):
            process.kill()
