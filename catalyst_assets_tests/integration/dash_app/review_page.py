"""What tests do on the page of candidates, and what they read back from the database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from playwright.sync_api import Locator, Page, expect

from catalyst_assets_tests.integration.dash_app.serving import serving, sign_in_address
from dash_app.server import create_app
from resources.postgres.database import Database, Role
from resources.settings import Settings


@contextmanager
def signed_in(
    page: Page, database: Database, role: Any = "reviewer", settings: Settings | None = None
) -> Iterator[str]:
    """Serve the app, and sign Ada Lovelace in; yield its address."""
    app_only = Database({Role.APP: database.url(Role.APP)})
    with serving(create_app(app_only, settings=settings)) as address:
        page.goto(address + sign_in_address(database, role=role))
        expect(page.locator("#who")).to_contain_text("Ada Lovelace")
        try:
            yield address
        finally:
            page.goto("about:blank")  # its stream of events ends before the server does
    app_only.dispose()


def cell(page: Page, rank: int, column: str) -> Locator:
    """The cell of a row, counted from 1."""
    return page.locator(f".ag-row[row-index='{rank - 1}'] [col-id='{column}']")


def box(page: Page, rank: int) -> Locator:
    """What selects a row."""
    return page.locator(f".ag-pinned-left-cols-container .ag-row[row-index='{rank - 1}'] input")


def select(page: Page, *ranks: int) -> None:
    """Select rows, one after the other."""
    for rank in ranks:
        box(page, rank).check()
    expect(page.locator("#selection-count")).to_have_text(f"{len(ranks)} selected")


def formulas(page: Page) -> list[str]:
    """The formulas that are in sight, from the top."""
    cells = page.locator(".ag-pinned-left-cols-container [col-id='formula']")
    return [re.sub(r"\s", "", text) for text in cells.all_inner_texts()]


def statuses(database: Database) -> dict[str, str]:
    """Where each candidate stands, by its material."""
    with database.transaction(Role.OWNER) as connection:
        rows = connection.execute(
            sa.text("SELECT material_id, CAST(status AS text) AS status FROM candidates")
        )
        return {row.material_id: row.status for row in rows}


def decisions(database: Database) -> list[tuple[Any, ...]]:
    """What people decided, in its order."""
    with database.transaction(Role.OWNER) as connection:
        rows = connection.execute(
            sa.text(
                "SELECT material_id, CAST(to_status AS text), actor, reason FROM candidate_events"
                " JOIN candidates USING (candidate_id) WHERE actor <> 'catalyst_pipeline' ORDER BY event_id"
            )
        )
        return [tuple(row) for row in rows]


def made_of(database: Database, elements: dict[str, list[str]]) -> None:
    """Say which elements materials contain."""
    with database.transaction(Role.OWNER) as connection:
        for material, symbols in elements.items():
            connection.execute(
                sa.text(
                    "UPDATE materials SET elements = :elements, chemical_system = :system WHERE material_id = :id"
                ),
                {"id": material, "elements": symbols, "system": "-".join(symbols)},
            )


def cards(page: Page, status: str) -> Locator:
    """The cards in a column."""
    return page.locator(f"#cards-{status} [data-card]")
