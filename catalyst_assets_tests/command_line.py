"""A sub-command of `catalyst` in the tests' own process: its imports take longer than its work."""

import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from catalyst_assets.cli import main


@dataclass
class CommandLine:
    """A group of commands in this process: its imports take longer than its work."""

    patch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]
    group: str = "models"

    def __call__(self, *arguments: str, code: int = 0) -> str:
        self.captured.readouterr()
        self.patch.setattr(sys, "argv", ["catalyst", self.group, *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = self.captured.readouterr()
        assert ended.value.code == code, told.out + told.err
        return told.err if code else told.out

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def refusal(self, *arguments: str, code: int = 2) -> str:
        return " ".join(self(*arguments, code=code).split())
