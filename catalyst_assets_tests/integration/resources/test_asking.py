"""What a person asks of the database in words of their own reads, ends, and cannot get out of that."""

from typing import Any

import pytest

from catalyst_assets.errors import UsageError
from resources.postgres.asking import ask
from resources.postgres.database import Database


def answer(database: Database, statement: str, seconds: float = 30.0) -> list[tuple[Any, ...]]:
    with ask(database, statement, seconds) as asked:
        return list(asked.rows)


def test_the_answer_comes_in_order_with_its_columns_however_long_it_is(database: Database) -> None:
    with ask(database, "SELECT g, 'a%b:c' AS text FROM generate_series(1, 12001) g", 30) as asked:
        assert asked.columns == ("g", "text")
        rows = list(asked.rows)
    assert [row[0] for row in rows] == list(range(1, 12_002))
    assert rows[0] == (1, "a%b:c")
    assert answer(database, "VALUES (1), (2);") == [(1,), (2,)]
    assert answer(database, "SELECT 1 WHERE false") == []
    assert "Seq Scan" in str(answer(database, "EXPLAIN SELECT * FROM reading.campaigns"))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "COMMIT; BEGIN; SELECT transition_candidate(1, 'validated', 'me')",
            "That is not one statement",
        ),
        ("SELECT 1; SELECT 2", "That is not one statement"),
        ("COMMIT", "COMMIT is no statement that reads"),
        ("SET TRANSACTION READ WRITE", "SET is no statement that reads"),
        ("SET ROLE catalyst_owner", "SET is no statement that reads"),
        ("DO $$ BEGIN PERFORM 1; END $$", "DO is no statement that reads"),
        ("COPY (SELECT 1) TO PROGRAM 'touch /tmp/owned'", "COPY is no statement that reads"),
        ("CREATE TEMP TABLE mine (a int)", "CREATE TABLE is no statement that reads"),
        ("DELETE FROM public.quarantine RETURNING *", "read-only transaction"),
        (
            "WITH gone AS (DELETE FROM public.quarantine RETURNING *) SELECT * FROM gone",
            "refuses the statement",
        ),
        ("SELECT set_config('transaction_read_only', 'off', true)", "refuses the statement"),
        ("SELECT transition_candidate(1, 'validated', 'me')", "permission denied"),
        ("SELECT sha256 FROM public.api_tokens", "permission denied"),
        ("SELECT pg_read_file('/etc/passwd')", "permission denied"),
        ("SELECT lo_import('/etc/passwd')", "permission denied"),
        ("SELECT nextval('public.candidates_candidate_id_seq')", "permission denied"),
        ("SELEC 1", "syntax error"),
        ("", "That is not one statement"),
    ],
)
def test_what_does_more_than_read_is_refused(database: Database, statement: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        answer(database, statement)


def test_what_one_statement_sets_does_not_let_the_next_one_write(database: Database) -> None:
    answer(database, "SELECT set_config('default_transaction_read_only', 'off', false)")
    assert answer(database, "SELECT current_setting('transaction_read_only')") == [("on",)]


def test_what_takes_for_ever_is_ended(database: Database) -> None:
    with pytest.raises(UsageError, match=r"ended after 0\.05 s"):
        answer(database, "SELECT pg_sleep(60)", 0.05)
    with pytest.raises(UsageError, match=r"ended after 0\.2 s"):
        answer(
            database,
            "WITH RECURSIVE endless AS (SELECT 1 UNION ALL SELECT 1 FROM endless) SELECT count(*) FROM endless",
            0.2,
        )
