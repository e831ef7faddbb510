"""The line above a material: what it is, how it stands, and the way to those ranked before and after it."""

from typing import Any

from dash import dcc, html

from dash_app.components.candidates.deciding import deciding
from dash_app.components.links import candidate_path, material_path
from dash_app.components.material.look import Seen
from dash_app.components.tiles import badge
from dash_app.components.wording import aria, formula
from dash_app.contract import Candidate


def material_head(seen: Seen) -> html.Div:
    """Lay out name, standing and ways on."""
    material, candidate = seen.material, seen.candidate
    title = html.H1(
        [
            html.Span(_crumbs(seen), className="soft crumbs"),
            html.Span(formula(material.formula), className="name"),
        ]
    )
    standing: list[Any] = []
    if candidate is not None:
        standing.append(badge(candidate.status.value, candidate.rejection_kind or ""))
        if candidate.hit:
            standing.append(html.Span("Hit", className="hit"))
    if material.deprecated:
        told = "Its source withdrew it, or it was dropped; what campaigns did with it stays"
        standing.append(html.Span("Withdrawn by its source", className="badge badge-far", title=told))
    return html.Div(
        [
            title,
            html.Code(material.material_id, className="material-id"),
            *standing,
            deciding(candidate) if candidate is not None else None,
            html.Nav(_ways(seen), className="ways", **aria(label="Ranking")),
        ],
        className="campaign-head material-head",
    )


def _crumbs(seen: Seen) -> list[Any]:
    crumbs: list[Any] = [dcc.Link("Campaigns", href="/"), " / "]
    if seen.look.campaign is not None:
        crumbs += [dcc.Link(seen.look.campaign, href=f"/campaigns/{seen.look.campaign}"), " / "]
    return crumbs


def _ways(seen: Seen) -> list[Any]:
    if seen.candidate is None:
        return []
    here = seen.candidate
    ranking = candidate_path(here.campaign, here.iteration, here.candidate_id)
    return [
        _way(seen.before, "before"),
        dcc.Link(
            f"Show in ranking, #{here.rank:,}",
            href=ranking,
            className="button",
            id="material-ranking",
            title=f"Rank {here.rank:,} of iteration {here.iteration}",
        ),
        _way(seen.after, "after"),
    ]


def _way(to: Candidate | None, which: str) -> Any:
    arrow, key = ("←", "k") if which == "before" else ("→", "j")
    if to is None:
        return html.Span(arrow, className="button off", title=f"None is ranked {which} it")
    name = formula(to.formula)
    return dcc.Link(
        [f"{arrow} ", *name] if which == "before" else [*name, f" {arrow}"],
        href=material_path(to.material_id, to.campaign, to.candidate_id),
        className="button",
        id=f"material-{which}",
        title=f"Ranked {which} it: {key}",
    )
