"""Failures from beneath the platform reach a person in words of ours."""

import errno
import os
from pathlib import Path

import dagster as dg
import psycopg2
import pytest
import sqlalchemy as sa

from catalyst_assets.commands.failures import explain
from catalyst_assets.errors import DatabaseUnavailableError, LoopError


def os_error(number: int, path: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), *([path] if path else []))


def lost(reason: str, kind: type[sa.exc.DBAPIError] = sa.exc.OperationalError) -> sa.exc.DBAPIError:
    return kind("SELECT 1", {}, psycopg2.OperationalError(reason))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (os_error(errno.ENOSPC, "/home/logs/a.log"), "The disk is full: /home/logs/a.log."),
        (os_error(errno.EDQUOT), "The disk is full."),
        (os_error(errno.EROFS, "/no/such/file"), "/no/such/file cannot be used: Read-only file system."),
        (os_error(errno.ENOTDIR, "/a/b"), "/a/b cannot be used: Not a directory."),
        (MemoryError(), "There is not enough memory."),
        (
            lost("server closed the connection unexpectedly\n\tmore"),
            "PostgreSQL does not answer: server closed",
        ),
        (lost("connection already closed", sa.exc.InterfaceError), "PostgreSQL does not answer: connection"),
        (
            lost("could not write init file: No space left on device"),
            "The disk of the database is full: could",
        ),
        (
            dg.DagsterInvariantViolationError("No such thing.\nAt length"),
            "Dagster cannot go on: No such thing.",
        ),
    ],
)
def test_each_kind_of_trouble_is_one_message_and_what_to_do(error: Exception, said: str) -> None:
    own = explain(error)
    assert own is not None
    assert own.message.startswith(said)
    assert own.remedy


def test_the_cause_beneath_is_what_is_told() -> None:
    try:
        try:
            raise lost("terminating connection due to administrator command")
        except sa.exc.DBAPIError as error:
            raise dg.DagsterInvariantViolationError("too many retries") from error
    except dg.DagsterError as error:
        own = explain(error)
    assert isinstance(own, DatabaseUnavailableError)
    assert "administrator" in own.message


def test_an_error_of_ours_within_another_keeps_its_words() -> None:
    inner = LoopError("The pool is empty.", "Load one.")
    outer = RuntimeError("a step failed")
    outer.__cause__ = inner
    assert explain(outer) is inner


def test_somebody_elses_file_is_named_with_its_owner(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    path = tmp_path / "file"
    path.touch()
    os.chown(path, 1, -1)
    own = explain(os_error(errno.EACCES, str(path)))
    assert own is not None
    assert "it belongs to" in own.message


def test_a_mistake_in_the_program_is_not_explained_away() -> None:
    assert explain(KeyError("name")) is None
    assert explain(sa.exc.ProgrammingError("SELEC", {}, psycopg2.ProgrammingError("syntax error"))) is None
