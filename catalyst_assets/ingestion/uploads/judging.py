"""What would become of each candidate of an upload, found out by a process of its own: reading a file may take long.

``python -m`` this module with the path of a bundle. It writes a line of JSON with what it read; is told in a line which
crystals of the same formulas are known; and writes which of the candidates are one of them.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.derived.identity import KnownRecord
from catalyst_assets.ingestion.reading.crystals import Crystal
from catalyst_assets.ingestion.records import Record, validate
from catalyst_assets.ingestion.uploads.bundle import Bundle, unpack
from catalyst_assets.ingestion.uploads.contents import read_entries

Said = dict[str, Any]


def read_candidates(bundle: Bundle) -> tuple[list[Said], dict[int, Crystal]]:
    """Return of each candidate its place, its formula and why it is refused; and the crystals of the others."""
    entries = read_entries(bundle)
    said: list[Said] = [{"place": entry.place, "formula": None, "reason": None} for entry in entries]
    records = []
    for number, entry in enumerate(entries):
        if isinstance(entry.found, UnreadableStructureError):
            said[number]["reason"] = str(entry.found)
        else:
            records.append(Record("", str(number), str(number), entry.found))
    accepted, refused = validate(records)
    for rejection in refused:
        said[int(rejection.place)]["reason"] = rejection.reason
    crystals = {int(record.place): crystal for record, crystal in accepted}
    for number, crystal in crystals.items():
        said[number]["formula"] = crystal.reduced_formula
    return said, crystals


def find_same(
    crystals: Mapping[int, Crystal], places: Sequence[str], known: Sequence[Mapping[str, Any]]
) -> dict[int, Said]:
    """Return which candidates are a crystal that is known, or that of an earlier candidate of the same upload."""
    by_formula: dict[str, list[tuple[KnownRecord, Said]]] = defaultdict(list)
    for row in known:
        record = KnownRecord(row["material_id"], row["structure_json"], row["structure_hash"], {})
        by_formula[row["reduced_formula"]].append((record, {"material_id": row["material_id"]}))
    same: dict[int, Said] = {}
    for number, crystal in sorted(crystals.items()):
        own = KnownRecord("", crystal.structure_json, crystal.structure_hash, {})
        others = by_formula[crystal.reduced_formula]
        found = next((said for other, said in others if own.is_same_crystal(other)), None)
        if found is None:
            others.append((own, {"place": places[number]}))
        else:
            same[number] = found
    return same


def _main() -> None:
    with Path(sys.argv[1]).open("rb") as file:
        said, crystals = read_candidates(unpack("upload", file))
    print(json.dumps(said), flush=True)
    known = json.loads(sys.stdin.readline())
    same = find_same(crystals, [each["place"] for each in said], known)
    print(json.dumps({str(number): each for number, each in same.items()}), flush=True)


if __name__ == "__main__":
    _main()
