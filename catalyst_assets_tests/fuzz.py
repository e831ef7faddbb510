"""Coverage-guided fuzzing of the parsers: `python -m catalyst_assets_tests.fuzz PARSER --seconds 600`.

Each parser runs in a process of its own. An input that does harm is kept, and the command ends with 1.
"""

import argparse
import json
import os
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import atheris

# The parsers are instrumented as they are imported.
with atheris.instrument_imports(include=["catalyst_assets.ingestion"]):
    from catalyst_assets_tests.fuzz_targets import TARGETS, Target

_LONGEST_INPUT = 32 * 1024
_ODD = (
    None, True, False, 0, -1, 1, 0.5, 1e9, 1e12, 1e308, -1e-308, 10**400, float("nan"), float("inf"), "", " ", "0",
    "nan", "1e999", "\x00", "\ud800", "H", "O", "X", "é" * 200, [], {}, [[]], [0, 0, 0], [1, 1, 1],
)  # fmt: skip


def mutate_json(data: bytes, max_size: int, seed: int) -> bytes:
    """Exchange, remove or repeat parts of a document; now and then change bytes, as for any other input."""
    draw = random.Random(seed)
    try:
        document = json.loads(data) if draw.random() < 0.8 else None
    except (ValueError, RecursionError):
        document = None
    places = list(_places(document))
    if not places:
        changed: bytes = atheris.Mutate(data, max_size)
        return changed
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        container, key = draw.choice(places)
        action = draw.random()
        try:
            if action < 0.6:
                container[key] = draw.choice(_ODD)
            elif action < 0.75:
                container[key] = _copy(draw.choice(places))
            elif action < 0.9:
                del container[key]
            elif isinstance(container, list):
                container.insert(key, container[key])
        except (KeyError, IndexError):  # an earlier change has taken it away
            continue
    text = json.dumps(document).encode()
    return text if len(text) <= max_size else data


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container in a document with each of its keys."""
    waiting = [document]
    while waiting:
        container = waiting.pop()
        if isinstance(container, dict | list):
            keys = list(container) if isinstance(container, dict) else range(len(container))
            for key in keys:
                yield container, key
                waiting.append(container[key])


def _copy(place: tuple[Any, Any]) -> Any:
    container, key = place
    return json.loads(json.dumps(container[key]))


def fuzz(name: str, target: Target, seconds: int, folder: Path) -> None:
    """Fuzz one parser until the time is over; this ends the process."""
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed{number}").write_bytes(seed)
    longest = max(_LONGEST_INPUT, *(2 * path.stat().st_size for path in corpus.iterdir()))
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    options = [
        name,
        str(corpus),
        f"-max_total_time={seconds}",
        f"-max_len={longest}",
        f"-artifact_prefix={folder}/",
        "-timeout=30",
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    mutator = {"custom_mutator": mutate_json} if target.is_json else {}
    atheris.Setup(options, target.check, **mutator)
    atheris.Fuzz()


def run(name: str, seconds: int, folder: Path) -> bool:
    """Fuzz one parser in a child process, say how it went, and return whether nothing did harm."""
    folder.mkdir()
    child = os.fork()
    if child == 0:
        fuzz(name, TARGETS[name], seconds, folder)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    log = (folder / "log").read_text(errors="replace")
    executed = re.findall(r"number_of_executed_units:\s*(\d+)", log)
    print(
        f"{name}: {executed[-1] if executed else '?'} inputs, {'none' if status == 0 else 'one'} did harm",
        flush=True,
    )
    if status != 0:
        print(log[-6000:], f"The input is in {folder}", sep="\n")
    return status == 0


def main() -> int:
    """Fuzz the parsers that are named."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("parser", choices=[*TARGETS, "all"])
    options.add_argument("--seconds", type=int, default=60)
    chosen = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="catalyst-fuzz-"))
    names = list(TARGETS) if chosen.parser == "all" else [chosen.parser]
    harmless = [run(name, chosen.seconds, folder / name) for name in names]
    if not all(harmless):
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
