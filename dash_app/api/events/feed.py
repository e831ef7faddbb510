"""The feed of changes: a thread that PostgreSQL wakes reads what is new and hands it to every subscriber.

Numbers of changes follow commits (`sql/migrations/0027_door.sql`), so that who resumes after one has missed nothing.
"""

import asyncio
import logging
import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from catalyst_assets.errors import DatabaseUnavailableError
from resources.postgres.database import Database, Role, Row, execute, explain_refusal, fetch_all, fetch_one

AT_ONCE: Final = 1000
MOST_SUBSCRIBERS: Final = 200
_LOOK_SECONDS: Final = 30.0
_FORGET_SECONDS: Final = 3600.0
_PATIENCE_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 1.0
_LOG: Final = logging.getLogger(__name__)


class Subscriber:
    """Who listens: what is new waits here until it is sent."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[Row] = asyncio.Queue(AT_ONCE)
        self.is_ended = asyncio.Event()

    def tell(self, change: Row) -> None:
        """Add a change; a subscriber that falls behind is ended, and resumes from the database."""
        try:
            self.waiting.put_nowait(change)
        except asyncio.QueueFull:
            self.is_ended.set()


class Feed:
    """Changes of one database as they are committed.

    Parameters
    ----------
    database
        Read as the role of the app, by a connection of its own: the pool's are for requests.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscribers: set[Subscriber] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._wake: tuple[int, int] | None = None
        self._is_ended = False
        self._changing = threading.Lock()
        self._is_listening = asyncio.Event()
        self._reading = asyncio.Semaphore(2)

    @property
    def is_full(self) -> bool:
        """Tell whether nobody else may subscribe."""
        return len(self._subscribers) >= MOST_SUBSCRIBERS

    @contextmanager
    def subscribed(self) -> Iterator[Subscriber]:
        """Listen while the context lasts."""
        subscriber = Subscriber()
        with self._changing:
            self._subscribers.add(subscriber)
            self._start()
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    async def listening(self) -> None:
        """Wait until nothing that is committed from now on is missed.

        Raises
        ------
        DatabaseUnavailableError
            The database does not answer.
        """
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._is_listening.wait()
        except TimeoutError:
            raise DatabaseUnavailableError(
                "PostgreSQL does not answer.", "Run `catalyst status`, then connect again."
            ) from None

    async def read(self, query: str, **parameters: Any) -> list[Row]:
        """Run a named query beside the pool.

        Raises
        ------
        DatabaseUnavailableError
            The database does not answer.
        """
        async with self._reading:
            return await asyncio.to_thread(self._read, query, parameters)

    def end(self) -> None:
        """End every subscription and the thread; called from any thread or signal."""
        self._is_ended = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end_subscribers)
        if self._wake is not None:
            os.write(self._wake[1], b"x")

    def _end_subscribers(self) -> None:
        for subscriber in self._subscribers:
            subscriber.is_ended.set()

    def _read(self, query: str, parameters: dict[str, Any]) -> list[Row]:
        import sqlalchemy as sa

        engine = sa.create_engine(self._database.url(Role.APP), poolclass=sa.NullPool)
        try:
            with engine.connect() as connection:
                return fetch_all(connection, query, **parameters)
        except sa.exc.DBAPIError as error:
            raise explain_refusal(error, Role.APP) or error from error

    def _start(self) -> None:
        if self._thread is not None:
            return
        if self._loop is None and threading.current_thread() is threading.main_thread():
            self._end_with_the_server()
        self._loop = asyncio.get_running_loop()
        self._is_listening = asyncio.Event()
        self._wake = self._wake or os.pipe()
        self._thread = threading.Thread(target=self._listen, name="changes", daemon=True)
        self._thread.start()

    def _end_with_the_server(self) -> None:
        """End subscriptions by the signals that end the server: it waits for answers to be complete."""
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.getsignal(number)

            def end(received: int, frame: Any, before: Any = before) -> None:
                self.end()
                if callable(before):
                    before(received, frame)

            signal.signal(number, end)

    def _listen(self) -> None:
        import sqlalchemy as sa

        last: int | None = None
        while not self._is_idle():
            engine = sa.create_engine(
                self._database.url(Role.APP), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT"
            )
            try:
                with engine.connect() as connection:
                    connection.exec_driver_sql("LISTEN catalyst_changes")
                    if last is None:
                        kept = fetch_one(connection, "app/door/changes_kept") or {"newest": 0}
                        last = int(kept["newest"])
                    if self._loop is not None:
                        self._loop.call_soon_threadsafe(self._is_listening.set)
                    last = self._follow(connection, last)
            except Exception:
                # Whatever happened to the connection, subscribers are told what was missed once there is another.
                _LOG.warning("Changes cannot be listened to; it is tried again.", exc_info=True)
                time.sleep(_RETRY_SECONDS)

    def _is_idle(self) -> bool:
        """Tell whether the thread may end: the server does, or nobody listens."""
        with self._changing:
            if self._is_ended or not self._subscribers:
                self._thread = None
                return True
        return False

    def _follow(self, connection: Any, last: int) -> int:
        driver = connection.connection.driver_connection
        wake = self._wake[0] if self._wake else -1
        forgotten = 0.0
        while not self._is_ended and self._subscribers:
            while rows := fetch_all(connection, "app/door/changes", after=last, limit=AT_ONCE):
                last = rows[-1]["change_id"]
                if self._loop is not None:
                    self._loop.call_soon_threadsafe(self._tell, rows)
            if time.monotonic() - forgotten > _FORGET_SECONDS:
                execute(connection, "app/door/forget_changes")
                forgotten = time.monotonic()
            if not driver.notifies:
                select.select([driver, wake], [], [], _LOOK_SECONDS)
                driver.poll()
            driver.notifies.clear()
        return last

    def _tell(self, rows: list[Row]) -> None:
        for subscriber in self._subscribers:
            for row in rows:
                subscriber.tell(row)
