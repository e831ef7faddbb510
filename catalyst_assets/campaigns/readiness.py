"""Whether a campaign can run on an installation: what its pool selects, and what is missing for it.

Nothing is written; every problem is a sentence that says what to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalyst_assets.campaigns.pool import explain_left_out, load_pool
from catalyst_assets.errors import LoopError, UsageError
from catalyst_assets.representation.library import current_fingerprint, require_trainable
from catalyst_assets.representation.store import missing
from catalyst_assets.vocabulary.known import known_methods, known_properties
from catalyst_assets.vocabulary.validators import VALIDATORS, Answers
from resources.postgres.database import Role, fetch_all, fetch_one

if TYPE_CHECKING:
    from catalyst_assets.campaigns.model import Campaign, Prior
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database


@dataclass(frozen=True)
class Readiness:
    """What an installation holds for a campaign.

    Attributes
    ----------
    pool_size
        Members of the pool.
    with_features
        How many of them have features of the current backbone.
    labels
        Computed values by the campaign's method of each property it learns, in the pool or not.
    answerable
        Members of which the validator knows all that is learned; None where answers come from outside.
    test_set_size
        Members that are held out to measure the error.
    problems
        What keeps it from running.
    remarks
        What is worth knowing and keeps it from nothing.
    """

    pool_size: int
    with_features: int
    labels: Mapping[str, int]
    answerable: int | None
    test_set_size: int
    problems: tuple[str, ...]
    remarks: tuple[str, ...]


def check_readiness(database: "Database", objects: "ObjectStore", campaign: "Campaign") -> Readiness:
    """Ask the installation for everything that a campaign needs."""
    learned = list(campaign.learned_properties)
    with database.transaction(Role.PIPELINE) as connection:
        pool = load_pool(connection, campaign.pool)
        members = [row["material_id"] for row in pool]
        left_out = explain_left_out(connection, campaign.pool)
        known = fetch_all(connection, "campaigns/known_values", properties=learned, method=campaign.method)
        priors = {
            prior: fetch_one(
                connection,
                "campaigns/cheaply_known",
                structure_hashes=[row["structure_hash"] for row in pool],
                relaxed_by=campaign.pool.relaxed_by,
                **vars(prior),
            )
            or {}
            for prior in campaign.prior or ()
        }
    labels = dict.fromkeys(learned, 0) | {row["property"]: row["n_materials"] for row in known}
    with_features = _count_features(objects, [row["structure_hash"] for row in pool])
    answerable = _count_answers(database, campaign, members)
    return Readiness(
        pool_size=len(pool),
        with_features=with_features,
        labels=labels,
        answerable=answerable,
        test_set_size=round(campaign.test_fraction * len(pool)),
        problems=(
            *_untrainable(objects, campaign),
            *_problems(campaign, len(pool), with_features, answerable),
        ),
        remarks=(
            *left_out,
            *(_cheaply_known(prior, len(pool), found) for prior, found in priors.items()),
            *_remarks(campaign, len(pool), with_features, answerable, labels),
        ),
    )


def require_learnable(objects: "ObjectStore", campaign: "Campaign") -> None:
    """Return if the current backbone can be trained, where a campaign asks for that.

    Raises
    ------
    UsageError
        It is a potential, whose network lies in another environment.
    """
    if campaign.learning.fine_tune is not None:
        require_trainable(objects)


def _untrainable(objects: "ObjectStore", campaign: "Campaign") -> list[str]:
    try:
        require_learnable(objects, campaign)
    except UsageError as error:
        return [str(error)]
    return []


def _cheaply_known(prior: "Prior", pool_size: int, found: Mapping[str, Any]) -> str:
    """Say by which convention a cheap answer is, of how much of the pool it is known, and where it comes from."""
    known, about = known_properties()[prior.property], known_methods()[prior.method].description
    convention = f"{known.description}{f', in {known.unit}' if known.unit else ''}"
    if not found.get("n_materials"):
        return (
            f"The prior {prior.property} by {prior.method} ({convention}) is known of no member, and of no use: ingest a "
            "table of it, or materialize the asset that computes it."
        )
    return (
        f"The prior {prior.property} by {prior.method} ({convention}; {about}) is known of {found['n_materials']} of "
        f"{pool_size} members, from {' and '.join(found['sources'])}; of the others it is estimated."
    )


def _count_features(objects: "ObjectStore", structure_hashes: list[str]) -> int:
    try:
        absent = set(missing(objects, current_fingerprint(objects), structure_hashes))
    except LoopError:  # there is no backbone yet
        return 0
    return sum(structure_hash not in absent for structure_hash in structure_hashes)


def _count_answers(database: "Database", campaign: "Campaign", material_ids: list[str]) -> int | None:
    if VALIDATORS[campaign.validator].answers is not Answers.AT_ONCE:
        return None
    with database.transaction(Role.VALIDATOR) as connection:
        counted = fetch_one(
            connection,
            "campaigns/answerable",
            material_ids=material_ids,
            properties=list(campaign.learned_properties),
            method=campaign.method,
        )
    return int(counted["n_materials"]) if counted else 0


def _problems(campaign: "Campaign", pool_size: int, with_features: int, answerable: int | None) -> list[str]:
    if not pool_size:
        return ["The pool is empty: ingest its source and materialize `materials`, or widen the pool."]
    found = []
    if not with_features:
        found.append("No member of the pool has features: materialize `backbone` and `structure_embeddings`.")
    if answerable == 0:
        found.append(
            f"The reference table knows {' and '.join(campaign.learned_properties)} by {campaign.method} of no member: "
            "ingest a table with `answers: true`, or correct `method`."
        )
    return found


def _remarks(
    campaign: "Campaign",
    pool_size: int,
    with_features: int,
    answerable: int | None,
    labels: Mapping[str, int],
) -> list[str]:
    said = []
    if 0 < with_features < pool_size:
        said.append(
            f"{pool_size - with_features} members have no features: materialize `structure_embeddings`; "
            "structures that cannot be embedded are left out."
        )
    if answerable is not None and 0 < answerable < pool_size:
        said.append(
            f"{pool_size - answerable} members have no answer and will be rejected when they are asked for."
        )
    if answerable is None:
        said.append(
            f"Answers come from {VALIDATORS[campaign.validator].in_sentence}: candidates wait until they are there."
        )
    if pool_size and campaign.initial_batch >= pool_size:
        said.append(
            f"The initial batch of {campaign.initial_batch} is the whole pool of {pool_size}: nothing is left to "
            "suggest. Lower `initial_batch`, or widen the pool."
        )
    elif pool_size and campaign.initial_batch + campaign.acquisition.batch_size >= pool_size:
        said.append(
            f"The initial batch of {campaign.initial_batch} and one of {campaign.acquisition.batch_size} are the whole "
            f"pool of {pool_size}: a model chooses nothing. Lower `acquisition.batch_size`, or widen the pool."
        )
    evaluations = campaign.stop.max_evaluations
    if evaluations is not None and evaluations <= campaign.initial_batch:
        said.append(
            f"stop.max_evaluations {evaluations} ends it with the initial batch of {campaign.initial_batch}: a model "
            "chooses nothing."
        )
    if not any(labels.values()):
        said.append(f"No value by {campaign.method} is known: the initial batch is chosen to cover the pool.")
    if campaign.stop.model_dump(exclude_none=True) == {}:
        said.append("There is no stop rule: it goes on until the pool ends.")
    return said
