"""What docs/api.md tells people to type works as it stands there, section by section."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.paths import project_file

NEEDED = ("bash", "curl", "jq", "python3")


def commands_below(*titles: str) -> str:
    page = (project_file("docs") / "api.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL))
    return "\n".join(
        block
        for title in titles
        for block in re.findall(r"```bash\n(.*?)```", sections[title], flags=re.DOTALL)
    )


def test_the_commands_about_decisions_events_and_uploads_do_what_they_say(
    api: httpx.Client, campaign: ReviewedCampaign, tmp_path: Path
) -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} missing")
    (candidate,) = campaign.rank(0, ["p:SrTiO3"])
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
    assert (changed, status) == ("true", '"rejected"')
    assert [line for line in events if line.startswith("event: ")] == [
        "event: connected", "event: candidate.flagged", "event: candidate.rejected",
    ]  # fmt: skip
    assert api.get(f"/candidates/{candidate}").json()["version"] == 3
