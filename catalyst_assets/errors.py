"""The errors users meet: what went wrong, and what to do about it."""

import functools
from collections.abc import Sequence
from typing import Any


class CatalystError(Exception):
    """Base of every error that is the platform's own; the command line prints it without a traceback.

    Parameters
    ----------
    message
        What happened, naming the file, row, field or service.
    remedy
        What the reader can do now.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.remedy)


class UsageError(CatalystError):
    """What was asked cannot be done as asked: a wrong option, file or setting."""

    exit_code = 2


class InvalidCampaignError(UsageError):
    """A campaign file is missing, malformed or names what the platform does not know.

    Parameters
    ----------
    problems
        Where it is wrong (``criteria.0.min``, empty where it is no one place) and what is wrong there.
    """

    def __init__(self, message: str, remedy: str = "", problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message, remedy)
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.remedy, self.problems)


class InvalidPoolError(UsageError):
    """A pool is empty, or its file cannot be read as a table of materials."""


class UnreadableStructureError(CatalystError):
    """A file or a cell of a table holds no crystal, or one that cannot be read for certain.

    The message says what is wrong within it and has no full stop: whoever knows file, row or block puts it in front.
    """

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}".strip()


class DatabaseUnavailableError(CatalystError):
    """PostgreSQL cannot be started or reached."""


class DatabaseBusyError(DatabaseUnavailableError):
    """PostgreSQL answers, but not now: nothing was written, and the same again later may succeed."""


class TransactionConflictError(DatabaseBusyError):
    """Transactions met that could not both go on; this one was given up, and may succeed at once."""


class DagsterUnavailableError(CatalystError):
    """Dagster's webserver cannot be asked."""


class RunGivenUpError(CatalystError):
    """A run was ended by others while its process slept; what this process still does is not written."""


class SchemaVersionError(CatalystError):
    """The database was written by a newer, or not yet migrated by this, version."""


class CorruptArtifactError(CatalystError):
    """A stored file does not match the hash it was recorded with."""


class SourceError(CatalystError):
    """A source outside refuses, cannot be reached, or answers what it should not.

    Parameters
    ----------
    is_transient
        Asking again later may help.
    is_general
        The source as a whole refuses or is out of reach, not only for what was asked.
    """

    def __init__(
        self, message: str, remedy: str = "", *, is_transient: bool = False, is_general: bool = False
    ) -> None:
        super().__init__(message, remedy)
        self.is_transient = is_transient
        self.is_general = is_general

    def __reduce__(self) -> tuple[Any, ...]:
        remade = functools.partial(type(self), is_transient=self.is_transient, is_general=self.is_general)
        return remade, (self.message, self.remedy)


class LoopError(CatalystError):
    """An active-learning iteration cannot go on."""


class ResultConflictError(CatalystError):
    """Results contradict what the ledger holds; nothing of their submission was recorded.

    Parameters
    ----------
    problems
        Place in the submission, from 0, and what is wrong with it.
    """

    def __init__(self, problems: Sequence[tuple[int, str]]) -> None:
        told = " ".join(said for _, said in problems[:3])
        more = f" And {len(problems) - 3} more." if len(problems) > 3 else ""
        super().__init__(
            f"{told}{more}",
            "To correct a result, say why (`correction`); to report another measurement, number its replicate.",
        )
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,)
