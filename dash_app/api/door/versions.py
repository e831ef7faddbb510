"""Optimistic locking: who decides says which version they saw (RFC 9110, 13.1.1), and is told where it has changed since."""

import re
from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import Depends, Header, Path

from catalyst_assets.errors import UsageError
from dash_app.api.connection import Transaction
from resources.postgres.database import fetch_all

_LARGEST_ID: Final = 2**63 - 1
_LARGEST_VERSION: Final = 2**31 - 1
_Candidate = Annotated[int, Path(ge=1, le=_LARGEST_ID)]


def expect_version(
    candidate_id: _Candidate,
    connection: Transaction,
    if_match: Annotated[
        str | None,
        Header(
            max_length=20,
            description="Decide only where the candidate still has this `version`, which ETag of the candidate says; "
            "412 where somebody was faster.",
            examples=['"3"'],
        ),
    ] = None,
) -> None:
    """Hold the candidate for this request, where a version is expected.

    Raises
    ------
    UsageError
        The header names no version.
    sqlalchemy.exc.DBAPIError
        The candidate has another one.
    """
    if if_match is None or if_match.strip() == "*":
        return
    found = re.fullmatch(r'(?:W/)?"?(\d{1,10})"?', if_match.strip(), flags=re.ASCII)
    if found is None or not 1 <= int(found[1]) <= _LARGEST_VERSION:
        raise UsageError(
            f"If-Match: {if_match} is no version of a candidate.",
            'Send what ETag said of the candidate, such as `If-Match: "3"`.',
        )
    hold_candidates(connection, {candidate_id: int(found[1])})


def hold_candidates(connection: sa.Connection, versions: dict[int, int | None]) -> None:
    """Lock candidates for this transaction, each at the version that was seen of it; None is any."""
    fetch_all(
        connection,
        "app/door/hold_candidates",
        candidate_ids=list(versions),
        versions=list(versions.values()),
    )


EXPECTS_VERSION: Final = Depends(expect_version)
