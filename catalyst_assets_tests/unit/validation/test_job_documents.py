"""What docs/validation.md says of the files between the platform and a program is what is read and written."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from catalyst_assets.validation.jobs.answers import WrittenResult, WrittenValue, understand
from catalyst_assets_tests.unit.project.test_conventions import PROJECT

_PAGE = (PROJECT / "docs" / "validation.md").read_text()
DOCUMENT = _PAGE.split("\n## Writing a validator\n")[1].split("\n## ")[0]


def examples(kind: str) -> list[Any]:
    return [json.loads(text) for text in re.findall(rf"```{kind}\n(.*?)```", DOCUMENT, re.DOTALL)]


def test_the_documents_of_the_page_are_those_that_are_read_and_written(tmp_path: Path) -> None:
    job, measured, failed = examples("json")
    assert (
        understand(json.dumps(measured).encode(), "PBE", job["properties"]).answers["band_gap_direct"].value
        == 1.52
    )
    assert understand(json.dumps(failed).encode(), "PBE", job["properties"]).try_again
    for name in [*WrittenResult.model_fields, *WrittenValue.model_fields]:
        assert f"`{name}`" in DOCUMENT, name
    (tmp_path / "job.json").write_text(json.dumps(job))
    script = PROJECT / "docs/examples/validator/estimate.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True)
    found = understand((tmp_path / "result.json").read_bytes(), "PBE", job["properties"])
    assert found.answers["band_gap_direct"].standard_deviation == 0.8
