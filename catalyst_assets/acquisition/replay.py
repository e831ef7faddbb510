"""Computing a recorded ranking again: the same list, or the place where it first differs.

Everything comes from what was stored with the ranking (``stored``). Features alone are those of the model that the
iteration has now: where it was trained again with another backbone since, their hash is not as recorded, and neither
is a list that was ranked by them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.acquisition.recording import identify
from catalyst_assets.acquisition.shortlist import Shortlist, rank_stored
from catalyst_assets.acquisition.stored import read_recorded
from catalyst_assets.campaigns.labels import hash_labels
from resources.code_version import code_version
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database

_NOT_SHOWN: Final = {"partition_key", "history", "created_at"}


@dataclass(frozen=True)
class Difference:
    """The first place at which two lists differ.

    Attributes
    ----------
    rank
        From 1.
    recorded, now
        The material there; None where the list has ended.
    """

    rank: int
    recorded: str | None
    now: str | None

    def __str__(self) -> str:
        recorded, now = self.recorded or "nothing", self.now or "nothing"
        return f"At rank {self.rank} {recorded} is recorded, now it is {now}."


@dataclass(frozen=True)
class Replay:
    """A ranking computed again.

    Attributes
    ----------
    recorded
        What it was computed from: hashes, versions, strategy, seed, code.
    n_ranked
        Materials that are ranked now.
    n_listed
        How many of them are candidates; these are compared one by one, all by their hash.
    problems
        What is not as recorded, as sentences; empty when the list is the same.
    first_difference
        Where the candidates first differ; None when they do not.
    """

    partition_key: str
    recorded: Mapping[str, Any]
    n_ranked: int
    n_listed: int
    problems: tuple[str, ...]
    first_difference: Difference | None

    @property
    def is_same(self) -> bool:
        """Whether it is the same list, byte for byte."""
        return not self.problems

    def to_record(self) -> dict[str, Any]:
        """Return the replay as a JSON object."""
        return asdict(self) | {"is_same": self.is_same}


def replay(database: "Database", objects: "ObjectStore", partition_key: str) -> Replay:
    """Compute the recorded ranking of an iteration again and compare; nothing is written.

    Raises
    ------
    UsageError
        The iteration is not known, or has no ranking.
    LoopError
        It was ranked by a version that did not keep all that it was computed from.
    CorruptArtifactError
        What the ranking was computed from is no longer in the object store as it was.
    """
    with database.transaction() as connection:
        inputs, recorded = read_recorded(connection, partition_key)
        candidates = fetch_all(connection, "acquisition/candidates", partition_key=partition_key)
        labels = fetch_all(connection, "loop/iteration_labels", partition_key=partition_key)
    again = rank_stored(database, objects, inputs)
    listed = [row["material_id"] for row in candidates]
    difference = find_difference(listed, again.ranking.frame["material_id"].tolist(), again.n_listed)
    about = {
        **{name: value for name, value in recorded.items() if name not in _NOT_SHOWN},
        "training_set_sha256": inputs.iteration.training_set_sha256,
        "code_version_now": code_version(),
    }
    return Replay(
        partition_key=partition_key,
        recorded=about,
        n_ranked=len(again.ranking.frame),
        n_listed=again.n_listed,
        problems=tuple(_problems(recorded, again, hash_labels(labels), difference)),
        first_difference=difference,
    )


def find_difference(recorded: Sequence[str], now: Sequence[str], n_listed: int) -> Difference | None:
    """Compare the first ``n_listed`` places of two lists of materials."""
    for place in range(n_listed):
        pair = [listing[place] if place < len(listing) else None for listing in (recorded, now)]
        if pair[0] != pair[1]:
            return Difference(place + 1, *pair)
    return None


def _problems(
    recorded: Mapping[str, Any],
    again: Shortlist,
    label_sha256: str,
    difference: Difference | None,
) -> list[str]:
    chosen = again.iteration.campaign.acquisition
    now = identify(again) | {
        "label_sha256": label_sha256,
        "strategy": chosen.strategy.value,
        "exploration_weight": chosen.exploration_weight,
    }
    problems = [] if difference is None else [str(difference)]
    problems += [
        f"The {name.replace('_', ' ')} is {value}, recorded is {recorded[name]}."
        for name, value in now.items()
        if recorded[name] != value
    ]
    if problems and recorded["ranking_sha256"] == again.ranking.sha256 and difference is None:
        problems.append("The list itself is the same.")
    if problems and recorded["code_version"] not in (None, code_version()):
        problems.append(f"It was ranked by {recorded['code_version']}, this is {code_version()}.")
    return problems
