"""What a reviewer must know of a ranking: that nothing was known for it, or that its labels were corrected since."""

from collections.abc import Sequence
from typing import Final

from dash import html

from dash_app.components.wording import formula, moment, number, property_title
from dash_app.contract import Iteration
from dash_app.superseded_contract import SupersededLabel

# More are counted, not listed.
_MOST: Final = 8


def unlearned_line(iterations: Sequence[Iteration]) -> html.Div | None:
    """Say of a single iteration that was ranked before anything was known what its batch is; None of others."""
    if len(iterations) != 1 or iterations[0].label_count or not iterations[0].candidates:
        return None
    told = (
        "Nothing was known when this was ranked: the same is predicted of every material, and the order is that in which the "
        "batch covers the pool."
    )
    return html.Div(told, className="band told", role="note")


def superseded_banner(iterations: Sequence[Iteration], labels: dict[str, str]) -> html.Div | None:
    """Say which labels the rankings of ``iterations`` were learned from that hold no more; None without any.

    Parameters
    ----------
    iterations
        Those that are shown.
    labels
        What people read for each property.
    """
    affected = [each for each in iterations if each.superseded]
    found = {(label.material_id, label.property): label for each in affected for label in each.superseded}
    if not found:
        return None
    what = "1 label" if len(found) == 1 else f"{len(found)} labels"
    rankings = "this ranking was" if len(affected) == 1 else "these rankings were"
    changes = sorted({label.change for label in found.values()})
    listed = list(found.values())[:_MOST]
    further = len(found) - len(listed)
    return html.Div(
        [
            html.Strong(
                f"{what} that {rankings} learned from {'was' if len(found) == 1 else 'were'} "
                f"{' or '.join(changes)} since:"
            ),
            html.Ul([html.Li(_describe(label, labels)) for label in listed]),
            html.P(f"And {further} more.") if further else None,
            html.P(
                f"{_named(affected)} Scores stay as they were computed; the next iteration learns from what holds now.",
                className="soft",
            ),
        ],
        className="message warning",
        role="status",
    )


def _named(affected: Sequence[Iteration]) -> str:
    numbers = ", ".join(str(each.iteration) for each in affected)
    return f"Iteration {numbers}." if len(affected) == 1 else f"Iterations {numbers}."


def _describe(label: SupersededLabel, labels: dict[str, str]) -> list[str | html.Sub | html.Span]:
    unit = f" {label.unit}" if label.unit else ""
    became = f" to {number(label.value)}{unit}" if label.value is not None else ""
    through = f" (through model version {label.version})" if label.version is not None else ""
    return [
        f"{property_title(label.property, labels)} of ",
        *formula(label.formula),
        f", learned as {number(label.learned)}{unit}{through}, {label.change}{became} {moment(label.at)} by "
        f"{label.submitted_by}: {label.reason}",
    ]
