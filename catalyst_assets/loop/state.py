"""What the loop knows of a campaign when it decides, and what it can decide. Declarations only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.partitions import IterationKey

ITERATION_JOB = "iteration"
VALIDATION_JOB = "validation"
FEATURES_JOB = "features"


@dataclass(frozen=True)
class IterationState:
    """One iteration as the database knows it.

    Attributes
    ----------
    status
        open, ranked, closed or abandoned.
    batch_size
        How many candidates the iteration wants validated; 0 before it is ranked.
    n_flagged, n_in_validation
        Candidates that wait to be sent to the validator, and those that it has.
    n_answered
        Candidates that validation has spoken about, failures included.
    n_declined
        Candidates a reviewer rejected unvalidated.
    n_unexamined
        Results that nobody has looked at yet, whoever wrote them.
    n_working, n_to_collect
        Candidates in validation that the validator works on, and those of which it has more to say than the ledger
        holds, or was never asked.
    is_unsettled
        Whether results have been examined that its candidates do not follow yet.
    ranked_at
        When its candidates were ranked; None before.
    """

    key: IterationKey
    status: str
    batch_size: int = 0
    n_candidates: int = 0
    n_flagged: int = 0
    n_in_validation: int = 0
    n_answered: int = 0
    n_declined: int = 0
    n_unexamined: int = 0
    n_working: int = 0
    n_to_collect: int = 0
    is_unsettled: bool = False
    ranked_at: datetime | None = None

    @property
    def n_pending(self) -> int:
        """Candidates that await an answer."""
        return self.n_flagged + self.n_in_validation

    @property
    def has_results_to_follow(self) -> bool:
        """Whether there is something to collect, to examine or to settle."""
        return bool(self.n_unexamined or self.n_to_collect or self.is_unsettled)


@dataclass(frozen=True)
class JobHistory:
    """The runs of one job for one iteration.

    Attributes
    ----------
    failed_run, failed_at
        The latest run, where it failed, and when it ended.
    """

    attempts: int = 0
    consecutive_failures: int = 0
    active: bool = False
    failed_run: str | None = None
    failed_at: datetime | None = None


@dataclass(frozen=True)
class FeatureState:
    """Whether an iteration has the features that it needs, and who makes those that lack.

    Attributes
    ----------
    has_backbone
        Whether there is a network that describes structures.
    can_rank
        Whether any material that may be suggested has features.
    n_lacking
        Materials of the pool, or with labels, that have neither features nor an entry in quarantine. Those that came
        after the waiting began are not among them: they belong to a later iteration.
    active_run
        A run that makes features, or loads what they are made of.
    failed_run, failed_at
        The latest run that was to make them, where it failed or was cancelled.
    refused_run
        The latest run that was to load what they are made of, where it failed.
    is_automated
        Whether automation that makes them is switched on.
    waiting_since
        Since when they are waited for.
    """

    has_backbone: bool = True
    can_rank: bool = True
    n_lacking: int = 0
    active_run: str | None = None
    failed_run: str | None = None
    failed_at: datetime | None = None
    refused_run: str | None = None
    is_automated: bool = True
    waiting_since: datetime | None = None


@dataclass(frozen=True)
class CampaignState:
    """All that the decision needs to know.

    Attributes
    ----------
    iterations
        Oldest first.
    n_evaluated, n_hits
        Distinct materials that validation answered for, and how many of them meet the criteria.
    n_under_way
        Distinct materials in validation that it has not answered for yet.
    n_new_labels
        Values known now, of a property of a material, that the newest iteration did not learn from.
    is_active
        Whether it goes on: of one that has ended, results still come in.
    exhausted
        Whether no member of the pool is left that the next iteration may propose.
    jobs
        History by (partition key, job name); absent means never requested.
    features
        What is known of features; None where nobody looked: see ``needs_features``.
    now
        When the question is asked.
    has_changed
        Whether materials, features, labels, the code or its settings are others than when a run was requested last.
    retry_requested_at, advance_requested_at
        When a person asked to try again, and for the next iteration.
    """

    campaign: Campaign
    iterations: tuple[IterationState, ...]
    n_evaluated: int
    n_hits: int
    exhausted: bool
    n_under_way: int = 0
    n_new_labels: int = 0
    is_active: bool = True
    jobs: Mapping[tuple[str, str], JobHistory] = field(default_factory=dict)
    features: FeatureState | None = None
    now: datetime | None = None
    has_changed: bool = False
    retry_requested_at: datetime | None = None
    advance_requested_at: datetime | None = None

    def asked_since(self, failed_at: datetime | None) -> bool:
        """Tell whether a person asked to try again after that moment."""
        asked = self.retry_requested_at
        return asked is not None and (failed_at is None or asked > failed_at)


@dataclass(frozen=True)
class Open:
    """Close ``closes`` if any, freeze the labels of ``key`` and start its training."""

    key: IterationKey
    closes: IterationKey | None


@dataclass(frozen=True)
class Run:
    """Request ``job`` for ``key``; ``attempt`` makes the request unique."""

    job: str
    key: IterationKey
    attempt: int


@dataclass(frozen=True)
class Wait:
    """Nothing to do now.

    Attributes
    ----------
    on
        What ends the waiting: a run that goes on, features that are being made, answers from outside, a reviewer who
        flags more, or that what keeps failing is mended or tried again.
    subject
        What of; while it and ``on`` stay, it is the same waiting, whatever the reason counts.
    remedy
        What a person can do; empty where nothing needs doing.
    failed_run, failed_at
        What was tried last and failed.
    next_try_at
        When it is tried again by itself.
    is_under_way
        Whether a run is on its way to what is waited for.
    """

    reason: str
    on: Literal["run", "features", "answers", "review", "repair"]
    subject: str = ""
    remedy: str = ""
    failed_run: str | None = None
    failed_at: datetime | None = None
    next_try_at: datetime | None = None
    is_under_way: bool = False


@dataclass(frozen=True)
class Stop:
    """End the campaign, closing ``closes`` if any."""

    reason: str
    closes: IterationKey | None


Decision = Open | Run | Wait | Stop
