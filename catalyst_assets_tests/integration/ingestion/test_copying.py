"""What COPY is given comes back as it was, and what PostgreSQL cannot keep is replaced, not fatal."""

from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.postgres.database import Database, Role, copy_text, format_rows, storable

TEXT = st.text(st.characters(codec=None), max_size=20)
JSON = st.recursive(
    TEXT | st.integers(-(2**53), 2**53) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    reason=TEXT,
    payload=st.dictionaries(TEXT, JSON, max_size=4),
    number=st.floats(allow_nan=False, allow_infinity=False),
)
def test_any_text_can_be_kept_and_comes_back(
    database: Database, reason: str, payload: dict[str, Any], number: float
) -> None:
    kept_reason, kept_payload = storable(reason), storable(payload)
    with database.transaction(Role.OWNER) as connection:
        connection.exec_driver_sql(
            "CREATE TEMPORARY TABLE kept (reason text, payload jsonb, number double precision) ON COMMIT DROP"
        )
        copied = copy_text(
            connection,
            "kept",
            ("reason", "payload", "number"),
            format_rows([(kept_reason, kept_payload, number), (None, {}, None)]),
        )
        rows = connection.execute(sa.text("SELECT * FROM kept WHERE number IS NOT NULL")).all()
    assert copied == 2
    assert [tuple(row) for row in rows] == [(kept_reason, kept_payload, number)]


def test_only_what_cannot_be_kept_is_replaced() -> None:
    assert storable({"a\0": ["x\ud800", "µ", 1, None, True]}) == {"a\ufffd": ["x?", "µ", 1, None, True]}
