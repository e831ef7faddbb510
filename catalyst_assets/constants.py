"""Names that several stages share: asset groups, queues, pools, tags, kinds of network.

An import-free leaf: nothing here computes or imports another module of ours. A name used by one
stage only stays in that stage.
"""

from enum import StrEnum
from typing import Final, Literal

Accelerator = Literal["auto", "cpu", "gpu"]
Architecture = Literal["mace", "schnet", "dimenet"]


class Group(StrEnum):
    """Asset groups, in the order a material travels through them."""

    INGESTION = "ingestion"
    REPRESENTATION = "representation"
    LABELS = "labels"
    LEARNING = "learning"
    PREDICTION = "prediction"
    ACQUISITION = "acquisition"
    VALIDATION = "validation"


class Queue(StrEnum):
    """Where a step may run; also its concurrency pool."""

    INGEST = "ingest"
    PREDICT = "predict"
    VALIDATE = "validate"
    DFT = "dft"
    GPU = "gpu"


def op_tags(queue: Queue) -> dict[str, str]:
    """Return the tags by which an executor places a step."""
    return {"dagster-celery/queue": queue.value, "catalyst/queue": queue.value}


CODE_LOCATION: Final = "catalyst_assets.definitions"
PARTITION_TAG: Final = "dagster/partition"
CAMPAIGN_TAG: Final = "catalyst/campaign"
CALCULATION_TAG: Final = "catalyst/calculation"
ATTEMPT_TAG: Final = "catalyst/attempt"
RESULTS_FILE_TAG: Final = "catalyst/results_file"
UPLOADS_TAG: Final = "catalyst/uploads"
REASON_TAG: Final = "catalyst/reason"
USER_TAG: Final = "catalyst/user"
REQUEST_TAG: Final = "catalyst/request"
OWNERS: Final = ["team:catalyst"]


def title_of(name: str) -> str:
    """Return an identifier as people write it: ``band_gap_direct`` becomes ``Band gap direct``."""
    return name[:1].upper() + name[1:].replace("_", " ")


def in_sentence(title: str) -> str:
    """Return a title as it stands within a sentence: ``Band gap`` becomes ``band gap``, ``OER rate`` stays."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def decimals(value: float, digits: int = 3) -> str:
    """Return a number with so many decimals; with so many digits that count where it is far from one."""
    size = abs(value)
    plain = size == 0 or 0.5 * 10**-digits <= size < 1e6
    return f"{value:.{digits}{'f' if plain else 'g'}}"
