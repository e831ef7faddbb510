"""Declarative automation: what is made of materials follows them by itself.

The conditions here; the assets that carry them say what is outstanding, the sensor that evaluates them is in
``loop.sensors``. https://docs.dagster.io/guides/automate/declarative-automation
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from resources.platform import Platform
from resources.postgres.connection import process_database
from resources.settings import get_settings

if TYPE_CHECKING:
    from dagster._core.definitions.declarative_automation.automation_condition import AutomationResult

_RETRY_CRON: Final = "*/15 * * * *"
_ENDED_BADLY: Final = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


class Outstanding(dg.AutomationCondition[dg.AssetKey]):
    """True while something is left to be made, as the database says: a restart or a missed event changes nothing.

    Parameters
    ----------
    what
        What is left, as Dagster's page shows it.
    find
        Whether anything is.
    """

    def __init__(self, what: str, find: Callable[[Platform], bool]) -> None:
        self._what = what
        self._find = find

    @property
    def name(self) -> str:
        """What is left to be made."""
        return self._what

    @property
    def description(self) -> str:
        """The same: it stands beside the tree of conditions."""
        return self._what

    def evaluate(self, context: "dg.AutomationContext[dg.AssetKey]") -> "AutomationResult[dg.AssetKey]":
        """Ask the database, unless the asset is ruled out already."""
        subset = context.candidate_subset
        if not subset.is_empty:
            settings = get_settings()
            if not self._find(Platform(settings, process_database(settings))):
                subset = context.get_empty_subset()
        return dg.AutomationResult(context, subset)


class LastRunEndedBadly(dg.AutomationCondition[dg.AssetKey]):
    """True while the latest run that was to make the asset failed or was cancelled."""

    @property
    def name(self) -> str:
        """What is the case."""
        return "The latest run for it failed or was cancelled"

    def evaluate(self, context: "dg.AutomationContext[dg.AssetKey]") -> "AutomationResult[dg.AssetKey]":
        """Look at the run that planned it last."""
        subset = context.candidate_subset
        if not subset.is_empty:
            instance = context.asset_graph_view.instance
            planned = instance.event_log_storage.get_latest_planned_materialization_info(context.key)
            run = instance.get_run_by_id(planned.run_id) if planned else None
            if run is None or run.status not in _ENDED_BADLY:
                subset = context.get_empty_subset()
        return dg.AutomationResult(context, subset)


def follows(outstanding: "dg.AutomationCondition[Any]") -> "dg.AutomationCondition[Any]":
    """Return the condition of an asset that is made as soon as something is outstanding.

    It waits for what it is made from, and for the blocking checks of that. What failed is tried again when that was
    updated, and every quarter of an hour: most failures pass, and none is to be forgotten.
    """
    condition = dg.AutomationCondition
    passed = condition.all_checks_match(condition.check_passed(), blocking_only=True)
    # Checks of what is made in the same run stop it there. Those of `materials` count for what follows it at second hand.
    trusted = condition.all_deps_match(
        (passed & condition.all_deps_match(passed)) | condition.will_be_requested()
    )
    ready = (
        ~condition.in_progress()
        & ~condition.any_deps_in_progress()
        & ~condition.any_deps_missing()
        & trusted.with_label("blocking checks of what it is made from passed")
    )
    again = condition.any_deps_updated() | condition.cron_tick_passed(_RETRY_CRON)
    may_try = (~LastRunEndedBadly() | again).with_label("not tried in vain lately")
    return (ready.with_label("all it is made from is there") & may_try & outstanding).with_label(
        "follows_materials"
    )
