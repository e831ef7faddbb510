"""What would become of an upload, said before anything is kept; `judging` finds it out in a process of its own."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.uploads.bundle import Bundle
from resources.paths import scratch_folder

_JUDGE: Final = "catalyst_assets.ingestion.uploads.judging"
_PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Expected:
    """What would become of a candidate.

    Attributes
    ----------
    place
        The file, and the block or line in it.
    material_id
        The material that it is, where that is known.
    reason
        Why it would be refused, or what it is the same as.
    """

    place: str
    outcome: Literal["new", "known", "refused"]
    formula: str | None
    material_id: str | None
    reason: str | None


def expect(bundle: Bundle, find_known: Callable[[list[str]], Sequence[Mapping[str, Any]]]) -> list[Expected]:
    """Say what would become of each candidate of an upload.

    Parameters
    ----------
    find_known
        Returns the materials of some formulas: ``material_id``, ``reduced_formula``, ``structure_json``,
        ``structure_hash``.

    Raises
    ------
    UsageError
        That took too long, or the files harmed their reader.
    """
    with scratch_folder() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(bundle.pack())
        command = [sys.executable, "-I", "-m", _JUDGE, str(path)]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            text=True,
        ) as judge:
            clock = threading.Timer(_PATIENCE_SECONDS, judge.kill)
            clock.start()
            try:
                said = _answer(judge)
                formulas = sorted({each["formula"] for each in said if each["formula"]})
                known = [dict(row) for row in find_known(formulas)] if formulas else []
                same = _answer(judge, known)
            finally:
                clock.cancel()
                judge.kill()
    return [_expected(each, same.get(str(number))) for number, each in enumerate(said)]


def _answer(judge: "subprocess.Popen[str]", told: Any = None) -> Any:
    try:
        if told is not None and judge.stdin is not None:
            judge.stdin.write(json.dumps(told) + "\n")
            judge.stdin.flush()
        return json.loads(judge.stdout.readline() if judge.stdout else "")
    except (OSError, ValueError):
        raise UsageError(
            f"What would become of these files cannot be told: their reader ended, or took over {_PATIENCE_SECONDS:.0f} s.",
            "Ask about fewer at a time, or upload them: what cannot be read is refused by itself.",
        ) from None


def _expected(said: Mapping[str, Any], same: Mapping[str, Any] | None) -> Expected:
    place, formula = said["place"], said["formula"]
    if said["reason"]:
        return Expected(place, "refused", None, None, said["reason"])
    if same is None:
        return Expected(place, "new", formula, None, None)
    if "place" in same:
        return Expected(place, "known", formula, None, f"It is the crystal of {same['place']}.")
    return Expected(place, "known", formula, same["material_id"], None)
