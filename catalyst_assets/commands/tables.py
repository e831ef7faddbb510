"""Tables that a terminal of 80 columns holds without cutting a heading; short headings are explained below them."""

from typing import TYPE_CHECKING, Final

from catalyst_assets.constants import decimals

if TYPE_CHECKING:
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
