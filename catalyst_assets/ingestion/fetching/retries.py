"""What is tried again when a source fails, and what is not.

A source has asked for minutes already when it gives up (`http`), so there are few attempts, far apart. What would
fail in the same way again (a refusal, a wrong option, bytes that are not what they should be) fails at once.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import dagster as dg

from catalyst_assets.errors import CatalystError, CorruptArtifactError, SourceError, UsageError

P = ParamSpec("P")
T = TypeVar("T")


def retry_policy(retries: int, delay_seconds: float) -> dg.RetryPolicy:
    """Return how often, and after which pauses, an asset that fails is computed again."""
    return dg.RetryPolicy(
        max_retries=retries, delay=delay_seconds, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
    )


def is_permanent(error: CatalystError) -> bool:
    """Tell whether asking again would fail in the same way."""
    if isinstance(error, SourceError):
        return not error.is_transient
    return isinstance(error, UsageError | CorruptArtifactError)


def fail_once(compute: Callable[P, T]) -> Callable[P, T]:
    """Wrap an asset's function so that what is permanent is not tried again."""

    @functools.wraps(compute)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return compute(*args, **kwargs)
        except CatalystError as error:
            if is_permanent(error):
                raise dg.Failure(str(error), allow_retries=False) from error
            raise

    return wrapped
