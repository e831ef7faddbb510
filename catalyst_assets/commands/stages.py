"""What a long command is at, told to a person who waits: a status line on terminals, plain lines elsewhere."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import typer

_EPOCH: Final = re.compile(r"\bepoch (\d+)\b")
_EPOCHS_A_LINE: Final = 10


@contextmanager
def telling(first: str) -> Iterator[Callable[[str], None]]:
    """Show on standard error what is done, until the block is left; yield what is called with each next stage.

    Parameters
    ----------
    first
        What is done first.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(first) as status:
            yield status.update
        return
    started = time.monotonic()

    def tell(text: str) -> None:
        epoch = _EPOCH.search(text)
        if epoch is None or int(epoch[1]) == 1 or int(epoch[1]) % _EPOCHS_A_LINE == 0:
            typer.echo(f"{time.monotonic() - started:6.0f} s  {text}", err=True)

    tell(first)
    yield tell
