"""A short run of the fuzzer over every parser; `python -m catalyst_assets_tests.fuzz` makes longer ones."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from catalyst_assets.ingestion.sources.parsers import PARSERS
from catalyst_assets_tests.fuzz_targets import ISOLATED, OWN, TARGETS


def test_every_parser_is_fuzzed_or_reads_in_a_process_of_its_own() -> None:
    tables = {name for name in TARGETS if name.startswith("table_")}
    assert tables
    assert set(PARSERS) - {"reference_table"} - ISOLATED - OWN - set(TARGETS) == set()
    assert set(PARSERS) >= ISOLATED


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_what_fuzzing_starts_from_is_read(name: str) -> None:
    seeds = TARGETS[name].seeds()
    assert seeds
    for seed in seeds:
        TARGETS[name].check(seed)


@pytest.mark.slow
def test_no_input_that_the_fuzzer_finds_does_harm(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        reason = "atheris is missing: install the extra 'dev' on Linux."
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    finished = subprocess.run(
        [sys.executable, "-m", "catalyst_assets_tests.fuzz", "all", "--seconds", "1"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path)},
    )
    assert finished.returncode == 0, finished.stdout[-8000:] + finished.stderr[-2000:]
    executed = dict(re.findall(r"^(\w+): (\d+) inputs, none did harm$", finished.stdout, re.MULTILINE))
    assert set(executed) == set(TARGETS)
    assert all(int(count) > 0 for count in executed.values()), executed
