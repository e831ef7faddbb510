"""`catalyst campaign properties`: what tables and campaigns may name, and where it is declared."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer

from catalyst_assets.commands.opening import AsJson
from catalyst_assets.commands.tables import narrow_table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from catalyst_assets.vocabulary.words import Property, Vocabulary

_ZEROS = {True: "\nzeros apart", False: "\nzeros not apart", None: ""}
_WIDEST_NAME = 25


def properties(as_json: AsJson = False) -> None:
    """List the properties and methods that tables and campaigns may name: yours, then those that ship.

    Yours stand in the YAML file that CATALYST_PROPERTIES_FILE names. Under `properties:` a line such as
    `mass_activity: {unit: A/g, low: 0, high: 10000}`; it may have `label`, `description`, `typical_mean` and
    `typical_std` (to expect without labels) and `zero_inflated` (exact zeros are learned apart).

    Under `methods:` a line such as `RDE in 0.1 M HClO4: {kind: experiment}`; other kinds are functional and potential,
    and it may have a `description`. The file is checked first: exit code 2 if it is wrong.
    """
    from catalyst_assets.vocabulary.known import vocabulary
    from resources.settings import get_settings

    known, file = vocabulary(), get_settings().properties_file
    own = str(file) if file is not None else None
    if as_json:
        typer.echo(json.dumps({"file": own, **_as_json(known, own)}, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(highlight=False)
    for part in _tables(known, own):
        console.print(part)


def _as_json(known: "Vocabulary", own: str | None) -> dict[str, Any]:
    def declared(kind: Any, name: str) -> str:
        return own if own is not None and known.is_own(kind, name) else "shipped"

    return {
        "properties": {
            name: {
                "label": _label(name, each),
                **each.model_dump(exclude={"label"}),
                **dict(zip(("low", "high"), each.range_json, strict=True)),
                "declared": declared("property", name),
            }
            for name, each in known.properties.items()
        },
        "methods": {
            name: {**each.model_dump(), "declared": declared("method", name)}
            for name, each in known.methods.items()
        },
    }


def _tables(known: "Vocabulary", own: str | None) -> Iterator["RenderableType"]:
    from rich.text import Text

    if own is None:
        yield Text(
            "None of your own: name a YAML file with CATALYST_PROPERTIES_FILE "
            "(`catalyst campaign properties --help` shows one).\n"
        )
    else:
        yield Text(f"Yours, of {own}\n", overflow="fold")
        yield from _group(known, own=True)
    yield Text("Shipped\n")
    yield from _group(known, own=False)


def _group(known: "Vocabulary", *, own: bool) -> Iterator["RenderableType"]:
    found = [
        (
            name,
            each.unit,
            f"{each.range_text}{_ZEROS[each.zero_inflated]}",
            _about(each.label, each.description),
        )
        for name, each in known.properties.items()
        if known.is_own("property", name) is own
    ]
    if found:
        yield _table(("property", "unit", "range", "what it is"), found)
    methods = [
        (name, each.kind, each.description)
        for name, each in known.methods.items()
        if known.is_own("method", name) is own
    ]
    if methods:
        yield _table(("method", "kind", "what it is"), methods)
    if not found and not methods:
        yield "The file declares nothing.\n"


def _table(titles: Iterable[str], rows: Sequence[tuple[str, ...]]) -> "Table":
    from rich.text import Text

    table = narrow_table("", [], [])
    widths = [
        min(max(len(line) for cell in cells for line in cell.splitlines() or [""]), _WIDEST_NAME)
        for cells in zip(*rows, strict=True)
    ]
    for title, width in zip(titles, widths, strict=True):
        told = title == "what it is"
        table.add_column(title, overflow="fold", min_width=None if told else width)
    for row in rows:
        table.add_row(*map(Text, row))  # a name may hold what rich takes for markup
    return table


def _label(name: str, each: "Property") -> str:
    from catalyst_assets.constants import title_of

    return each.label or title_of(name)


def _about(label: str, description: str) -> str:
    return ": ".join(part for part in (label, description) if part)
