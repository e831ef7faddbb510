"""A pool as large as asked, in the tables and by the triggers that assets write to; the crystals are made up."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from catalyst_assets.bench.reranking import make_up_predictions
from catalyst_assets.campaigns.history import History
from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.learning.predictor import N_DRAWS
from catalyst_assets.vocabulary.known import unit_of
from resources.postgres.database import Database, Role, copy_rows, execute, fetch_one, load_query

if TYPE_CHECKING:
    import sqlalchemy as sa

CAMPAIGN: Final = "bench-api"
_ITERATIONS: Final = 10
_MEASURED: Final = 200
_SHA: Final = "0" * 64
_COLUMNS: Final = ("version", "material_id", "mean", "std", "draws", "distance")


@dataclass(frozen=True)
class Pool:
    """What was made.

    Attributes
    ----------
    campaign
        Its name.
    iterations
        How many it has; each ranks a part of the pool.
    """

    campaign: str
    candidates: int
    iterations: int


def make_pool(database: Database, candidates: int, tell: Callable[[str], None] = lambda state: None) -> Pool:
    """Fill an empty database: materials with structures, predictions with draws, candidates, results.

    Some candidates of each iteration are measured; the others are ranked.
    """
    goal = load_campaign("oxide-perovskites-demo")
    document = goal.document | {"name": CAMPAIGN, "review": "manual"}
    campaign = Campaign.model_validate(document)
    size = candidates // _ITERATIONS
    text, structure = json.dumps(document), _structure()
    with database.transaction(Role.PIPELINE) as connection:
        execute(connection, "bench/api/campaign", name=CAMPAIGN, document=text, sha256=_SHA)
    for iteration in range(_ITERATIONS):
        tell(f"iteration {iteration + 1} of {_ITERATIONS}")
        first = iteration * size
        with database.transaction(Role.PIPELINE) as connection:
            execute(
                connection, "bench/api/materials", first=first, last=first + size - 1, structure=structure
            )
            _rank(connection, campaign, text, iteration, range(first, first + size))
        _measure(database, campaign, _key(iteration))
    tell("analysing the tables")
    with database.engine(Role.OWNER).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(load_query("bench/api/analyse"))
    return Pool(CAMPAIGN, size * _ITERATIONS, _ITERATIONS)


def _rank(
    connection: "sa.Connection", campaign: Campaign, document: str, iteration: int, members: range
) -> None:
    key, names = _key(iteration), list(campaign.predicted_properties)
    execute(
        connection,
        "bench/api/iteration",
        partition_key=key,
        campaign=campaign.name,
        iteration=iteration,
        parent=_key(iteration - 1) if iteration else None,
        document=document,
        sha256=_SHA,
    )
    opened = fetch_one(
        connection,
        "prediction/open_version",
        partition_key=key,
        model_sha256=_SHA,
        pool_sha256=_SHA,
        properties=names,
        n_draws=N_DRAWS,
        distance_threshold=1.2,
    )
    version = (opened or {})["version"]
    made_up = make_up_predictions(campaign, len(members), seed=iteration)
    copy_rows(
        connection,
        "predictions",
        _COLUMNS,
        (
            (version, _name(member), mean, std, draws.tobytes(), 0.5 + place % 100 / 100)
            for place, (member, mean, std, draws) in enumerate(
                zip(members, made_up.mean.tolist(), made_up.std.tolist(), made_up.draws, strict=True)
            )
        ),
    )
    fetch_one(connection, "prediction/promote", version=version)
    execute(
        connection,
        "bench/api/ranking",
        partition_key=key,
        version=version,
        strategy=campaign.acquisition.strategy.value,
        exploration_weight=campaign.acquisition.exploration_weight,
        sha256=_SHA,
        history=json.dumps(History().to_json()),
    )
    units = [unit_of(name) for name in names]
    execute(
        connection,
        "bench/api/candidates",
        partition_key=key,
        version=version,
        properties=names,
        units=units,
    )


def _measure(database: Database, campaign: Campaign, key: str) -> None:
    """Measure the best candidates of an iteration, and flag some more."""
    with database.transaction(Role.VALIDATOR) as connection:
        execute(
            connection,
            "bench/api/measured",
            partition_key=key,
            most=_MEASURED,
            method=campaign.method,
            validator=campaign.validator,
        )
        execute(connection, "bench/api/examined")
        for status, most in (
            ("flagged", 2 * _MEASURED),
            ("in_validation", _MEASURED),
            ("validated", _MEASURED),
        ):
            fetch_one(connection, "bench/api/moved", partition_key=key, status=status, most=most)


def _key(iteration: int) -> str:
    return f"{CAMPAIGN}__{iteration:04d}"


def _name(member: int) -> str:
    return f"bench:{member:08d}"


def _structure() -> str:
    """Return a cubic perovskite as the database keeps it, with places for elements and the lattice constant."""
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.structure import Structure

    sites: list[list[float]] = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    crystal = Structure(Lattice.cubic(4.125), ["Sr", "Ti", "O", "O", "O"], sites)
    text = json.dumps(crystal.as_dict())
    for name, place in (("Sr", "@A"), ("Ti", "@B"), ("O", "@X")):
        text = text.replace(f'"{name}"', f'"{place}"')
    return text.replace("4.125", "@L")
