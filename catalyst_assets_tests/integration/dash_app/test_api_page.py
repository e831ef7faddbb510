"""What docs/api.md tells people to type works as it stands there, section by section."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.paths import project_file

NEEDED = ("bash", "curl", "jq", "python3")


def commands_below(*titles: str, kind: str = "bash") -> str:
    page = (project_file("docs") / "api.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL))
    return "\n".join(
        block
        for title in titles
        for block in re.findall(rf"```{kind}\n(.*?)```", sections[title], flags=re.DOTALL)
    )


def test_the_commands_about_decisions_events_and_uploads_do_what_they_say(
    api: httpx.Client, campaign: ReviewedCampaign, tmp_path: Path
) -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} missing")
    (candidate,) = campaign.rank(0, ["p:AgAlO3"])
    token = api.headers["Authorization"].removeprefix("Bearer ")
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands_below("Decisions", "Events", "Uploads")],
        env={"PATH": os.environ["PATH"], "API": str(api.base_url).rstrip("/"), "TOKEN": token},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    changed, status, *events = ran.stdout.split("\n")
    assert events[-7:] == [
        '["salt.cif","new"]', '["wishes.txt line 1","new"]', '["wishes.txt line 2","new"]',
        '["wishes.txt line 3","refused"]', '[{"name":"formulas.txt","size_bytes":9}]', "waiting", "",
    ]  # fmt: skip
    assert (changed, status) == ("true", '"rejected"')
    assert [line for line in events if line.startswith("event: ")] == [
        "event: connected", "event: candidate.flagged", "event: candidate.rejected",
    ]  # fmt: skip
    assert api.get(f"/candidates/{candidate}").json()["version"] == 3


@pytest.mark.usefixtures("own_environment")
def test_the_commands_about_signing_in_make_a_token_that_curl_and_python_use(api: httpx.Client) -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} missing")
    section = "Signing in and tokens"
    address = str(api.base_url).removesuffix("/api/v1/")
    script = commands_below(section).replace("http://127.0.0.1:8050", address)
    python = "API, TOKEN = os.environ['API'], os.environ['TOKEN']\n" + commands_below(section, kind="python")
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f'{script}\nexport API TOKEN\necho\npython -c "$PAGE"'],
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PAGE": f"import os\n{python}",
            "NO_PROXY": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert '"name":"notebook of Ada"' in ran.stdout
    assert ran.stdout.splitlines()[-1] == "notebook of Ada"
