"""Tables that a terminal of 80 columns holds without cutting a heading; short headings are explained below them."""

from typing import TYPE_CHECKING, Final

from catalyst_assets.constants import decimals

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from rich.table import Table

MISCALIBRATION: Final = "miscal."
MISCALIBRATION_EXPLAINED: Final = f"{MISCALIBRATION} is the miscalibration area: 0 is perfect, 0.5 the worst."


def number(value: float | None) -> str:
    """Return a number with three digits; a dash where there is none."""
    return "-" if value is None else decimals(value)


def narrow_table(title: str, texts: list[str], numbers: list[str]) -> "Table":
    """Return an empty table whose columns stand close together: those of text, then those of numbers."""
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False, collapse_padding=True)
    for name in texts:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", overflow="fold")
    return table


def facts_table(title: str) -> "Table":
    """Return an empty table of names and what they are."""
    table = narrow_table(title, [], [])
    table.show_header = False
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table


def fitted_table(
    title: str,
    rows: "Sequence[Mapping[str, str]]",
    texts: "Collection[str]",
    dispensable: "Iterable[str]",
    width: int,
) -> "Table":
    """Return a table whose columns are whole.

    Parameters
    ----------
    rows
        What stands in each column, by its heading.
    texts
        The columns of text; the others hold numbers and are aligned by their last digit.
    dispensable
        Columns that go where ``width`` has no room for all, in that order.
    """
    columns = list(rows[0])
    for leaving in ("", *dispensable):
        columns = [column for column in columns if column != leaving]
        table = narrow_table(title, [], [])
        for column in columns:
            longest = max(len(column), *(len(row[column]) for row in rows))
            # Only what no terminal of this width has room for is folded.
            table.add_column(
                column,
                justify="left" if column in texts else "right",
                overflow="fold",
                min_width=longest if longest < width // 2 else None,
            )
        for row in rows:
            table.add_row(*(row[column] for column in columns))
        if table_width(table) <= width:
            break
    return table


def table_width(table: "Table") -> int:
    """Return how wide a table is when nothing of it is folded."""
    from rich.console import Console

    return Console(width=10_000).measure(table).maximum
