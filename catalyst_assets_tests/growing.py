"""A source that grows at a word: enumerated perovskites, and answers of a reference table about them."""

from pathlib import Path

import sqlalchemy as sa
import yaml

from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.commands.driver import LoopDriver
from resources.postgres.database import Database, Role

SOURCE = "prototypes_growing"
INGEST_JOB = "ingest_prototypes"

CAMPAIGN = Campaign.model_validate(
    {
        "name": "growing-pool",
        "pool": {"source": SOURCE},
        "criteria": [{"property": "band_gap", "min": 1.0, "max": 1.5}],
        "method": "PBE",
        "acquisition": {"strategy": "probability_of_feasibility", "batch_size": 2},
        "initial_batch": 2,
        "test_fraction": 0.0,
        "validator": "reference_table",
        "review": "automatic",
        "stop": {"max_iterations": 3},
    }
)

_ANSWERS = """
INSERT INTO reference_values (source, material_id, property, method, value, unit, raw_sha256)
SELECT 'answers', material_id, 'band_gap', 'PBE', 1.0 + (ascii(right(md5(material_id), 1)) % 10) / 5.0, 'eV', ''
FROM materials ON CONFLICT DO NOTHING
"""


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


def answer_everything(database: Database) -> None:
    """Let the reference table know every material that is loaded."""
    with database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text(_ANSWERS))
