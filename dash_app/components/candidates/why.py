"""Why a candidate was ranked where it is: its chances by criterion, and what is known near it."""

from typing import Any

from dash import html

from catalyst_assets.constants import decimals, in_sentence
from dash_app.components.links import material_link
from dash_app.components.tables import remark
from dash_app.components.wording import criterion, formula, percent, property_title, signed
from dash_app.contract import BoundChance, Criterion, Explanation, NearestLabelled


def why_panel(
    explanation: Explanation, units: dict[str, str], labels: dict[str, str], *, is_learned: bool = True
) -> list[Any]:
    """Show an explanation.

    Parameters
    ----------
    explanation
        As the API gives it.
    units
        Unit of each property whose values may be shown.
    labels
        What people read for each property.
    is_learned
        Whether anything was known when it was ranked.
    """
    decisive = explanation.decisive
    children: list[Any] = [html.H3("Why this one")]
    if not is_learned:
        covers = (
            "Nothing was known yet: this batch covers the pool, and the same is predicted of every material."
        )
        return [*children, remark(covers)]
    if explanation.criteria:
        criteria = [_criterion(each, decisive, labels) for each in explanation.criteria]
        children.append(html.Ul(criteria, className="chances"))
    if decisive is not None:
        children.append(
            html.P(["The score hangs on ", html.Strong(in_sentence(property_title(decisive, labels))), "."])
        )
    else:
        children.append(remark("The draws that it was ranked by are no longer stored."))
    children.append(html.H3("Nearest labelled materials"))
    if explanation.nearest:
        children.append(_nearest(explanation.nearest, units, labels))
        children.append(
            remark("The number is the distance in features; 1 is typical of an unseen chemical system.")
        )
    else:
        children.append(
            remark(
                "Not measured: too little was labelled when it was ranked, or it was ranked before this was kept."
            )
        )
    return children


def _criterion(each: Criterion, decisive: str | None, labels: dict[str, str]) -> html.Li:
    if len(each.alternatives) == 1 and len(each.alternatives[0].bounds) == 1:
        return html.Li(_bar(each.alternatives[0].bounds[0], decisive, labels))
    parts: list[Any] = [_chance("Any of these", each.chance)]
    for number, alternative in enumerate(each.alternatives):
        parts.append(html.P("or" if number else "either", className="soft small between"))
        parts += [_bar(bound, decisive, labels) for bound in alternative.bounds]
        if len(alternative.bounds) > 1:
            parts.append(_chance("All together", alternative.chance))
    return html.Li(parts, className="alternatives")


def _bar(bound: BoundChance, decisive: str | None, labels: dict[str, str]) -> html.Div:
    limits = {name: value for name, value in (("min", bound.min), ("max", bound.max)) if value is not None}
    text = criterion({"property": bound.property, **limits}, {bound.property: bound.unit}, labels)
    return _chance(text, bound.chance, is_decisive=bound.property == decisive)


def _chance(text: str, chance: float, *, is_decisive: bool = False) -> html.Div:
    said = html.Div([html.Span(text), html.Span(percent(chance), className="share")], className="chance-text")
    bar = html.Div(html.Div(style={"width": f"{chance:.1%}"}), className="bar")
    return html.Div([said, bar], className="chance decisive" if is_decisive else "chance")


def _nearest(nearest: list[NearestLabelled], units: dict[str, str], labels: dict[str, str]) -> html.Ul:
    items = []
    for each in nearest:
        known = ", ".join(
            f"{in_sentence(property_title(name, labels))} {signed(decimals(value))} {units.get(name, '')}".strip()
            for name, value in sorted(each.labels.items())
        )
        head = [material_link(each.material_id, formula(each.formula)), html.Span(f"{each.distance:.2f}")]
        items.append(
            html.Li([html.Div(head, className="chance-text"), html.Div(known, className="soft small")])
        )
    return html.Ul(items, className="nearest")
