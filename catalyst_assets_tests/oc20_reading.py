"""Reading files in OC20's formats as a load does, and holding the parsers to what they promise."""

import hashlib
import io
from datetime import UTC, datetime
from typing import Any

from catalyst_assets.ingestion.adsorption.records import (
    AdsorptionEnergy,
    AdsorptionParser,
    AdsorptionSystem,
    check_energy,
)
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.records import Rejection

Outcome = AdsorptionEnergy | AdsorptionSystem | Rejection


def raw_file(kind: str, data: bytes, **parameters: Any) -> RawFile:
    request = {"kind": kind, "slot": "", "answers": False, "parameters": parameters}
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return RawFile(
        1,
        "oc20",
        "file.tar",
        request,
        hashlib.sha256(data).hexdigest(),
        len(data),
        "CC-BY-4.0",
        moment,
        "",
        None,
    )


def read(parser: AdsorptionParser, data: bytes, **parameters: Any) -> list[Outcome]:
    """Parse a file as a load does, cut in two shards, and hold it to what was promised of it."""
    kind: str = parser.kind  # type: ignore[attr-defined]
    raw = raw_file(kind, data, **parameters)
    contents = parser.survey(raw, io.BytesIO(data))
    assert len(contents.names) == contents.rows
    cut = contents.rows // 2
    found = [
        outcome
        for start, stop in ((0, cut), (cut, contents.rows))
        for outcome in parser.parse(raw, io.BytesIO(data), start, stop, contents.duplicates)
    ]
    places = [(o.place, o.reason if isinstance(o, Rejection) else "") for o in found]
    assert len(set(places)) == len(places)
    named = [place for place, _ in contents.names]
    assert [outcome.place for outcome in found if outcome.place in named] == named
    return found


def energies(found: list[Outcome]) -> dict[str, float]:
    return {o.system_id: o.energy_ev for o in found if isinstance(o, AdsorptionEnergy)}


def reasons(found: list[Outcome]) -> dict[str, str]:
    return {o.place: o.reason for o in found if isinstance(o, Rejection)}


def holds(outcome: Outcome) -> None:
    if isinstance(outcome, AdsorptionEnergy) and not check_energy(outcome):
        assert -20 <= outcome.energy_ev <= 20
        assert "\0" not in outcome.system_id + outcome.adsorbate + outcome.place
    elif isinstance(outcome, Rejection):
        assert "\0" not in outcome.place + outcome.reason + str(outcome.payload)
        outcome.reason.encode()
