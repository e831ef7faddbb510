"""How far a refresh or a load is, told to whoever listens in this process; nobody has to.

Steps in other processes tell nobody: Dagster's log shows those.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Advance:
    """Work done in one stage.

    Attributes
    ----------
    stage
        What is done, and the unit that is counted, such as ``loading rows``.
    amount
        How much more is done.
    total
        How much there is in all, where that is known now.
    done
        How much is done by now, in place of ``amount``.
    """

    stage: str
    amount: int
    total: int | None = None
    done: int | None = None


Listener = Callable[[Advance | str], None]
_listeners: list[Listener] = []


def report(stage: str, amount: int = 1, total: int | None = None, done: int | None = None) -> None:
    """Tell those who listen that ``amount`` more of a stage is done, or ``done`` of it by now."""
    for listener in _listeners:
        listener(Advance(stage, amount, total, done))


def say(text: str) -> None:
    """Tell those who listen something that a person who waits wants to know."""
    for listener in _listeners:
        listener(text)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have every report in this process told to ``listener`` until the block is left."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
