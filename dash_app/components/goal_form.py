"""The form of a campaign: each control names the field of the file that it writes (`data-path`)."""

from typing import Any

from dash import html

from dash_app.components.controls import button
from dash_app.components.wording import aria, data


def goal_form() -> html.Div:
    """Lay out the form; choices and rows come from `assets/review_wizard.js`."""
    return html.Div(
        [
            _section(
                "What it is",
                "",
                html.Div(
                    [
                        _field("Name", "name", "Lower-case letters, digits and hyphens. Also names its model."),
                        _field("Description", "description", "What is looked for, for people."),
                    ],
                    className="goal-fields",
                ),
            ),
            _section(
                "Pool",
                "Which materials may be suggested.",
                html.Div(id="goal-sources", role="group", **aria(label="Sources")),
                html.Div(
                    [
                        _field("Contains all of", "pool.elements", "Ti O", "elements"),
                        _field("Contains only", "pool.only_elements", "Sr Ba Ti O", "elements"),
                        _field("Contains none of", "pool.exclude_elements", "Pb Cd", "elements"),
                        _field("Chemical system", "pool.chemical_system", "Al-La-O"),
                        _field("Fewest sites per cell", "pool.n_sites_min", "", "number"),
                        _field("Most sites per cell", "pool.n_sites_max", "", "number"),
                    ],
                    className="goal-fields",
                ),
                locked=True,
            ),
            _section(
                "Goal",
                "A material is a hit when all criteria hold; limits are inclusive, one may stay open.",
                html.Div(
                    [_choice("Method", "method", "Values by another method are never mixed in.")],
                    className="goal-fields",
                ),
                html.Div(id="goal-criteria", **data(field="criteria")),
                button("Add a criterion", "goal-add", "quiet"),
                html.Div(
                    [
                        _choice("Optimise", "objective.property", "Instead of criteria, or beside them."),
                        _choice("Direction", "objective.direction", ""),
                    ],
                    className="goal-fields",
                ),
                locked=True,
            ),
            _section(
                "How it works",
                "",
                html.Div(
                    [
                        _choice("Who measures", "validator", "", locked=True),
                        _choice("Who decides", "review", ""),
                        _choice("Strategy", "acquisition.strategy", "How candidates are scored."),
                        _field(
                            "Exploration", "acquisition.exploration_weight", "0 trusts predictions, 1 seeks uncertainty.",
                            "number", step="0.05",
                        ),
                        _field("First batch", "initial_batch", "Evaluated before the first model.", "number", locked=True),
                        _field("Batch", "acquisition.batch_size", "Suggested by each iteration.", "number"),
                    ],
                    className="goal-fields",
                ),
            ),
            _section(
                "When it ends",
                "Whichever comes first; without any rule it goes on until the pool is used up.",
                html.Div(
                    [
                        _field("Evaluations", "stop.max_evaluations", "", "number"),
                        _field("Hits", "stop.target_hits", "", "number"),
                        _field("Iterations", "stop.max_iterations", "", "number"),
                    ],
                    className="goal-fields three",
                ),
            ),
        ],
        id="goal-form",
        className="stack",
    )  # fmt: skip


def goal_side() -> html.Aside:
    """Lay out what the campaign would mean: counts, what is missing, its file, and the buttons."""
    buttons = [
        button(
            "Check here",
            "goal-check",
            "quiet admin",
            title="Ask the loop whether this installation can run it",
        ),
        button("Start", "goal-start", "primary admin"),
    ]
    return html.Aside(
        [
            html.Div(
                [
                    html.H2("What it would mean"),
                    html.Dl(id="goal-counts", className="goal-counts", **aria(live="polite")),
                    html.P(id="goal-said", className="soft small"),
                    html.Ul(id="goal-errors", className="goal-errors"),
                    html.Div(id="goal-answer", role="status"),
                    html.Div(buttons, className="dialog-buttons"),
                    html.P(
                        "Starting campaigns is for admins: send one the file below.",
                        className="soft small not-admin",
                    ),
                ],
                className="panel",
            ),
            html.Div(
                [
                    html.Div(
                        [html.Label("As YAML", htmlFor="goal-yaml"), button("Copy", "goal-copy", "link")],
                        className="file-head",
                    ),
                    html.Div(id="goal-yaml-place"),
                    html.P(id="goal-yaml-complaint", className="complaint", role="alert"),
                    html.P(
                        "Edit here or in the form: both stay in step. What the form has no control for (any_of, derive, learning, …) "
                        "is written here.",
                        className="soft small",
                    ),
                ],
                className="panel",
            ),
        ],
        className="goal-side stack",
    )  # fmt: skip


def _section(title: str, explanation: str, *content: Any, locked: bool = False) -> html.Fieldset:
    options = data(locked="yes") if locked else {}
    said = html.P(explanation, className="soft small") if explanation else None
    return html.Fieldset([html.Legend(title), said, *content], className="panel goal-section", **options)


def _field(
    label: str, path: str, hint: str, kind: str = "text", *, locked: bool = False, step: str = "1"
) -> html.Div:
    example = hint if kind == "elements" or path == "pool.chemical_system" else ""
    place = data(type="number" if kind == "number" else "text", placeholder=example, step=step)
    return _laid_out(label, path, "" if example else hint, place, kind, locked)


def _choice(label: str, path: str, hint: str, *, locked: bool = False) -> html.Div:
    return _laid_out(label, path, hint, data(type="choice"), "choice", locked)


def _laid_out(label: str, path: str, hint: str, place: dict[str, Any], kind: str, locked: bool) -> html.Div:
    options = data(field=path, holds=kind) | (data(locked="yes") if locked else {})
    return html.Div(
        [
            html.Label(label, htmlFor=f"goal-{path}"),
            # The browser makes the control: Dash's own would keep a value of theirs.
            html.Div(className="control-place", **place),
            html.Div(hint, className="soft small") if hint else None,
            html.Div(className="field-error"),
        ],
        className="goal-field",
        **options,
    )
