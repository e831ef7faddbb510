"""Whether an iteration waits for features, and what to do about those that nobody makes."""

from datetime import timedelta
from typing import Final

from catalyst_assets.loop.state import FEATURES_JOB, CampaignState, Run, Wait
from catalyst_assets.partitions import IterationKey

# Automation looks every few seconds: what it has not begun by then, it does not make.
PATIENCE: Final = timedelta(minutes=10)


def wait_for_features(state: CampaignState, key: IterationKey, *, is_open: bool) -> Wait | Run | None:
    """Wait for features that are on their way, and for those without which there is nothing to rank."""
    known = state.features
    if known is None or (known.has_backbone and known.can_rank and not known.n_lacking):
        return None
    if known.has_backbone and not known.n_lacking:
        # Of an iteration that is open already its own run says what is wrong.
        return None if is_open else _nothing_describable(state, key)
    what = f"{known.n_lacking} material{'s have' if known.n_lacking != 1 else ' has'} no features yet"
    if not known.has_backbone:
        what = (
            f"There is no network to describe structures with: {what}"
            if known.n_lacking
            else ("There is no network to describe structures with")
        )
    subject = f"features {key}"
    if known.active_run:
        return Wait(
            f"{what}: run {known.active_run[:8]} is on its way to them",
            "features",
            subject,
            is_under_way=True,
        )
    if known.failed_run and state.asked_since(known.failed_at):
        return Run(FEATURES_JOB, key, 1)
    # What an open iteration counts on is frozen; the next one can do without what nobody makes.
    can_do_without = known.has_backbone and known.can_rank and not is_open and key.iteration > 0
    if known.failed_run:
        return (
            None
            if can_do_without
            else Wait(
                f"{what}: run {known.failed_run[:8]}, which was to compute them, failed",
                "features",
                subject,
                f"Mend what it says; it is tried again within a quarter of an hour, or at once by "
                f"`catalyst campaign retry {state.campaign.name}`.",
                known.failed_run,
                known.failed_at,
            )
        )
    if known.is_automated and not _is_overdue(state):
        return Wait(f"{what}: automation is about to have them computed", "features", subject)
    if can_do_without:
        return None
    if known.is_automated:
        remedy = "Materialize `structure_embeddings`; its Automation tab in Dagster says what keeps it."
    else:
        remedy = "Switch the sensor `features_follow_materials` on in Dagster, or materialize `structure_embeddings`."
    return Wait(
        f"{what}, and nothing is under way to compute them",
        "features",
        subject,
        remedy,
        known.refused_run,
    )


def _nothing_describable(state: CampaignState, key: IterationKey) -> Wait:
    return Wait(
        "No material of the pool can be described: the network refused every structure",
        "features",
        f"features {key}",
        "The table `quarantine` says why; widen the pool, or choose another backbone.",
    )


def _is_overdue(state: CampaignState) -> bool:
    since = state.features.waiting_since if state.features else None
    return since is not None and state.now is not None and state.now - since > PATIENCE
