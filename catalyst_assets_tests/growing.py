"""A source that grows at a word: enumerated perovskites, loaded by the job that a schedule or a person runs."""

from pathlib import Path

import yaml

from catalyst_assets.commands.driver import LoopDriver

SOURCE = "prototypes_growing"
INGEST_JOB = "ingest_prototypes"


def write_enumeration(folder: Path, a_sites: list[str], b_sites: list[str]) -> Path:
    """Write which perovskite oxides the source has now."""
    path = folder / "growing.yaml"
    document = {
        "name": "growing",
        "prototype": "cubic_perovskite",
        "sites": {"A": a_sites, "B": b_sites, "X": ["O"]},
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def ingest(driver: LoopDriver, path: Path) -> str:
    """Refresh and load the source; nothing computes features."""
    return driver.execute(INGEST_JOB, ops={"raw_prototypes": {"config": {"files": [str(path)]}}})
