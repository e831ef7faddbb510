"""Whether a running program still works: asked in a thread of its own, so that one that hangs holds up nobody."""

import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final

# What a program may take to come up, in times of what it may be silent later.
_STARTING: Final = 5


class Pulse:
    """How a program that may be started again has answered since it was started last.

    Parameters
    ----------
    probe
        Tells whether it works; what it raises means that it does not.
    """

    def __init__(self, probe: Callable[[], bool]) -> None:
        self._probe = probe
        self.restart()

    def restart(self) -> None:
        """Forget what was: it was started a moment ago."""
        self._answered = time.monotonic()
        self._missed = 0
        self._has_answered = False

    def take(self) -> None:
        """Ask once."""
        asked = self._answered
        try:
            works = self._probe()
        except Exception:  # of whatever the program says
            works = False
        if works:
            self._answered, self._missed, self._has_answered = time.monotonic(), 0, True
        elif asked == self._answered:  # not started again in the meantime
            self._missed += 1

    def silent_seconds(self, most_missed: int) -> float | None:
        """Return for how long it has not answered if it missed too many probes in a row; None while all is well."""
        patience = most_missed if self._has_answered else most_missed * _STARTING
        # Probes are counted: a machine that was asleep has missed none.
        return time.monotonic() - self._answered if self._missed >= patience else None


def keep_probing(pulses: Sequence[Pulse], seconds: float, stopped: threading.Event) -> None:
    """Ask each program once every so many seconds, in a thread each, until the event comes."""

    def ask(pulse: Pulse) -> None:
        while not stopped.wait(seconds):
            pulse.take()

    for pulse in pulses:
        threading.Thread(target=ask, args=(pulse,), name="probe", daemon=True).start()


def says_something(url: str, seconds: float) -> bool:
    """Tell whether anything is answered at ``url``; that it has an error is an answer, too."""
    return _status(url, seconds) is not None


def answers_well(url: str, seconds: float) -> bool:
    """Tell whether what is answered at ``url`` is no error of the server's own; that it wants a sign-in is none."""
    status = _status(url, seconds)
    return status is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR


def _status(url: str, seconds: float) -> int | None:
    try:
        with urllib.request.urlopen(url, timeout=seconds) as answer:  # noqa: S310 - our own http address
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def is_stopped(pid: int) -> bool:
    """Tell whether a process was stopped by a signal, or is gone."""
    import psutil

    try:
        return pid != os.getpid() and psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return True
