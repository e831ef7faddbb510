"""What the app says when something is missing, wrong, or done."""

from collections.abc import Sequence
from http import HTTPStatus

from dash import dcc, html

from dash_app.client import ApiError


def problem(message: str, remedy: str = "") -> html.Div:
    """Say what went wrong and what to do."""
    children: list[html.Strong | html.Span] = [html.Strong(message)]
    if remedy:
        children.append(html.Span(f" {remedy}"))
    return html.Div(children, className="message problem", role="alert")


def no_page(
    error: ApiError, not_found: str = "Its address may be mistyped, or of another installation."
) -> html.Div:
    """Stand in the place of a whole page that cannot be shown.

    Parameters
    ----------
    not_found
        What to say where there is no such thing, in place of the API's remedy.
    """
    explanation = not_found if error.status == HTTPStatus.NOT_FOUND else error.remedy
    back = dcc.Link("All campaigns", href="/", className="button primary")
    children = [html.H1(error.message), html.P(explanation), back]
    return html.Div(children, className="empty no-page", role="alert")


def outcome(done: str, refused: Sequence[str] = ()) -> html.Div:
    """Say what a decision did, and each refusal in the database's words."""
    kind = "done" if not refused else "problem"
    children: list[html.Strong | html.Ul] = [html.Strong(done)]
    if refused:
        children.append(html.Ul([html.Li(reason) for reason in refused]))
    return html.Div(children, className=f"message {kind}", role="alert" if refused else "status")


def empty_state(title: str, explanation: str, command: str | None = None) -> html.Div:
    """Fill a place where nothing is yet: why, and what brings something there."""
    children = [html.H2(title), html.P(explanation)]
    if command is not None:
        children.append(html.Pre(command))
    return html.Div(children, className="empty")
