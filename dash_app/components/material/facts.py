"""What is known of a material whatever campaign looks at it: its crystal, who gave it under which licence, values, neighbours."""

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from dash import html

from catalyst_assets.constants import title_of
from dash_app.components.charts.crystal import Crystal, lengths_of
from dash_app.components.links import material_link
from dash_app.components.tables import pairs, remark, table
from dash_app.components.wording import MISSING, count, formula, moment, number, signed, with_unit
from dash_app.contract import API_PREFIX
from dash_app.material_contract import (
    ComputedProperty,
    MaterialDetail,
    MaterialSource,
    NeighbourList,
    Relaxation,
)

_NAMES: Final = {
    "materials_project": "Materials Project",
    "aflow": "AFLOW",
    "oc20": "Open Catalyst 2020",
    "optimade_mp": "Materials Project (OPTIMADE)",
    "optimade_oqmd": "OQMD (OPTIMADE)",
    "optimade_alexandria": "Alexandria (OPTIMADE)",
    "uploads": "Uploaded",
    "potential": "Computed here",
    "potential_hull": "Computed here, hull",
}
# Of a neighbour: its other values are on its own page.
_SHOWN_VALUES: Final = 2


def crystal_facts(material: MaterialDetail, crystal: Crystal | None) -> list[Any]:
    """Show formula, symmetry and cell."""
    facts: list[tuple[str, Any]] = [
        ("Formula", formula(material.formula)),
        ("Elements", ", ".join(material.elements)),
    ]
    if material.n_sites is not None:
        facts.append(("Sites", f"{material.n_sites:,}"))
    if material.symmetry is not None:
        found = material.symmetry
        group: list[Any] = [_symbol(found.symbol), f" (no. {found.number}), {found.crystal_system}"]
        facts.append(("Space group", html.Span(group, title="By spglib, within 0.1 Å")))
    if crystal is not None:
        facts += [
            ("Lengths", crystal.lengths_text),
            ("Angles", crystal.angles_text),
            ("Volume", f"{crystal.volume:.4g} Å³"),
        ]
    facts += [(f"Relaxed by {each.method}", _relaxed(each)) for each in material.relaxations]
    file = html.A(
        "Download CIF",
        href=f"{API_PREFIX}/materials/{quote(material.material_id, safe=':')}/cif",
        download="",
        className="button",
        id="material-cif",
    )
    return [pairs(facts), file if crystal is not None else None]


def sources_list(sources: Sequence[MaterialSource]) -> Any:
    """Show who knows the material, by which name, under which licence, and where."""
    if not sources:
        return remark("No source is on record.")
    return html.Ul([_source(each) for each in sources], className="plain sources")


def values_table(properties: Sequence[ComputedProperty]) -> Any:
    """Show the values that sources give, with unit, method and source."""
    if not properties:
        return remark("No source gives a value of it.")
    rows = [
        [
            html.Th(with_unit(each.property, each.unit, {each.property: each.label}), scope="row"),
            html.Td(number(each.value, 4)),
            html.Td(each.method or MISSING),
            html.Td(_NAMES.get(each.source, each.source) or MISSING),
        ]
        for each in properties
    ]
    return table(("Property", "Value", "Method", "Source"), rows)


def neighbours_table(found: NeighbourList, campaign: str | None) -> Any:
    """Show the materials that are described alike, each with the way to its page."""
    if not found.items:
        return remark("No other material has features yet.")
    rows = [
        [
            html.Th(material_link(each.material_id, formula(each.formula), campaign), scope="row"),
            html.Td(f"{each.distance:.2f}"),
            html.Td(_values(each.known), className="said"),
        ]
        for each in found.items
    ]
    return [
        table(("Material", "Feature distance", "Known"), rows, "figures nearest"),
        remark("Feature distance has no scale: 0 where two structures are described the same."),
    ]


def _relaxed(found: Relaxation) -> Any:
    """Say what a potential made of the structure: its cell, or why there is none."""
    if found.status == "failed" or found.lattice is None or found.volume_change is None:
        return f"failed: {found.reason}"
    told = [f"volume {signed(f'{100 * found.volume_change:+.1f}')} %"]
    if found.space_group_after != found.space_group_before and found.space_group_after is not None:
        told.append(f"space group no. {found.space_group_after}")
    if found.status == "not_converged":
        told.append(f"not converged in {count(found.steps or 0, 'step')}")
    if found.formation_problem and found.status == "converged":
        told.append(f"no formation energy: {found.formation_problem}")
    return [html.Div(lengths_of(found.lattice)), html.Div(" · ".join(told), className="soft small")]


def _source(source: MaterialSource) -> html.Li:
    name = _NAMES.get(source.source, source.source)
    page: Any = html.Strong(f"{name} {source.source_id}")
    if source.page is not None:
        # Its page is elsewhere: it learns nothing of ours.
        page = html.A(
            f"{name} {source.source_id} ↗", href=source.page, target="_blank", rel="noopener noreferrer"
        )
    told = [f"Licence {source.licence or 'not stated'}", f"read {moment(source.retrieved_at)}"]
    if source.author:
        told.append(f"uploaded by {source.author} as {source.uploaded_as}")
    return html.Li([page, html.Div(" · ".join(told), className="soft small")])


def _values(known: Sequence[ComputedProperty]) -> Any:
    given: dict[str, str] = {}
    for each in known:
        if each.value is not None:
            told = f"{each.label or title_of(each.property)} {number(each.value)} {each.unit}"
            given.setdefault(told, f"{each.method}, {_NAMES.get(each.source, each.source)}")
    if not given:
        return MISSING
    said = [html.Div(told, title=title) for told, title in list(given.items())[:_SHOWN_VALUES]]
    rest = len(given) - _SHOWN_VALUES
    return [*said, html.Div(f"and {count(rest, 'more value')}", className="soft")] if rest > 0 else said


def _symbol(text: str) -> html.Span:
    """Write an international symbol: the digit behind a minus has a line above it, one behind _ stands below the line."""
    parts: list[Any] = []
    for piece in re.split(r"(-\d|_\d)", text):
        if piece.startswith("-"):
            parts.append(html.Span(piece[1:], className="overlined"))
        elif piece.startswith("_"):
            parts.append(html.Sub(piece[1:]))
        else:
            parts.append(piece)
    return html.Span(parts, title=text)
