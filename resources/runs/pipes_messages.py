"""What processes write to a file by Dagster's Pipes, read into the log of the step that follows them.

https://docs.dagster.io/guides/build/external-pipelines
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.pipes.context import PipesMessageHandler
from dagster._utils import tail_file
from dagster_pipes import PIPES_PROTOCOL_VERSION, PIPES_PROTOCOL_VERSION_FIELD


class FileMessages(dg.PipesMessageReader):
    """Reads what several processes write to a file, one after another, from the beginning.

    Dagster's own reader takes the first that closes for the last, and a line that was cut off for an error of its own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def expected_writer_count(self) -> int:
        """One: to the step they are one process."""
        return 1

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[dict[str, Any]]:
        """Pass on what is written as long as the block lasts."""
        closed = threading.Event()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch()
        reader = threading.Thread(target=self._read, args=(handler, closed), daemon=True)
        reader.start()
        try:
            yield {"path": str(self._path), "include_stdio_in_messages": False}
        finally:
            closed.set()
            reader.join()

    def _read(self, handler: PipesMessageHandler, closed: threading.Event) -> None:
        for line in tail_file(str(self._path), closed.is_set):
            try:
                message = json.loads(line)
                if message["method"] != "closed":  # another process may follow
                    handler.handle_message(message)
            except (ValueError, KeyError, TypeError):  # cut off, or not of a process that we started
                continue
        if handler.received_opened_message:
            closing: Any = {
                PIPES_PROTOCOL_VERSION_FIELD: PIPES_PROTOCOL_VERSION,
                "method": "closed",
                "params": None,
            }
            handler.handle_message(closing)

    def no_messages_debug_text(self) -> str:
        """Say where messages were looked for."""
        return f"Looked for messages in {self._path}."
