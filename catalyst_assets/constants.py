"""Names that several stages share: asset groups, where each kind of work is done, tags, kinds of network.

An import-free leaf: nothing here computes or imports another module of ours. A name used by one
stage only stays in that stage.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

Accelerator = Literal["auto", "cpu", "gpu"]
Executor = Literal["in_process", "multiprocess", "celery"]
Architecture = Literal["mace", "schnet", "dimenet"]


class Group(StrEnum):
    """Asset groups, in the order a material travels through them."""

    INGESTION = "ingestion"
    POTENTIALS = "potentials"
    REPRESENTATION = "representation"
    SURFACES = "surfaces"
    LABELS = "labels"
    LEARNING = "learning"
    PREDICTION = "prediction"
    ACQUISITION = "acquisition"
    VALIDATION = "validation"


class Queue(StrEnum):
    """Where a step may run: the queue that its worker takes from, and its concurrency pool."""

    INGEST = "ingest"
    PREDICT = "predict"
    VALIDATE = "validate"
    DFT = "dft"
    GPU = "gpu"


class Work(StrEnum):
    """Kinds of work of assets and ops; `PLACES` says where each is done."""

    FETCH = "fetch"
    PARSE = "parse"
    DERIVE = "derive"
    BACKBONE = "backbone"
    PLAN = "plan"
    EMBED = "embed"
    RELAX = "relax"
    TRAIN = "train"
    PREDICT = "predict"
    RANK = "rank"
    VALIDATE = "validate"
    CALCULATE = "calculate"


@dataclass(frozen=True)
class Place:
    """Where a kind of work is done.

    Attributes
    ----------
    queue
        Its queue, and its pool.
    cpu, memory
        What it asks for, in the units of Kubernetes.
    gpu
        How many devices it must have.
    gains_from_gpu
        Whether it goes to the queue `gpu` where networks run on one.
    """

    queue: Queue
    cpu: str
    memory: str
    gpu: int = 0
    gains_from_gpu: bool = False

    @property
    def memory_bytes(self) -> int:
        """The memory it asks for."""
        return int(self.memory.removesuffix("Gi")) * 2**30


# Heads are fitted to stored features on a CPU: only a network that is taught or run has use for a device. A followed
# calculation waits for hours for a program of its own, so it has a queue where nothing else waits behind it.
PLACES: Final[Mapping[Work, Place]] = {
    Work.FETCH: Place(Queue.INGEST, "500m", "2Gi"),
    Work.PARSE: Place(Queue.INGEST, "1", "4Gi"),
    Work.DERIVE: Place(Queue.INGEST, "1", "4Gi"),
    Work.BACKBONE: Place(Queue.GPU, "2", "8Gi", gpu=1),
    Work.PLAN: Place(Queue.PREDICT, "500m", "2Gi"),
    Work.EMBED: Place(Queue.PREDICT, "2", "4Gi", gains_from_gpu=True),
    Work.RELAX: Place(Queue.PREDICT, "2", "4Gi", gains_from_gpu=True),
    Work.TRAIN: Place(Queue.PREDICT, "2", "8Gi"),
    Work.PREDICT: Place(Queue.PREDICT, "1", "4Gi"),
    Work.RANK: Place(Queue.PREDICT, "1", "8Gi"),
    Work.VALIDATE: Place(Queue.VALIDATE, "500m", "2Gi"),
    Work.CALCULATE: Place(Queue.DFT, "500m", "2Gi"),
}
QUEUE_TAG: Final = "dagster-celery/queue"
GPU_TAG: Final = "catalyst/gains-from-gpu"
MODEL_TAG: Final = "catalyst/fits-or-runs-the-model"
FINE_TUNES_TAG: Final = "catalyst/fine_tunes"


def pool_of(work: Work) -> str:
    """Return the concurrency pool of a kind of work."""
    return PLACES[work].queue.value


def op_tags(work: Work) -> dict[str, Any]:
    """Return the tags by which an executor places a step."""
    place = PLACES[work]
    asked = {"cpu": place.cpu, "memory": place.memory}
    device = {"nvidia.com/gpu": str(place.gpu)} if place.gpu else {}
    resources = {"requests": asked | device, "limits": {"memory": place.memory} | device}
    return {
        QUEUE_TAG: place.queue.value,
        "catalyst/queue": place.queue.value,
        "catalyst/work": work.value,
        "dagster-k8s/config": {"container_config": {"resources": resources}},
        **({GPU_TAG: "true"} if place.gains_from_gpu else {}),
        **({MODEL_TAG: "true"} if work in {Work.TRAIN, Work.PREDICT} else {}),
    }


NO_STRUCTURE: Final = "Only a composition: no structure is known."
CODE_LOCATION: Final = "catalyst_assets.definitions"
PARTITION_TAG: Final = "dagster/partition"
RETRIES_TAG: Final = "dagster/max_retries"
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
