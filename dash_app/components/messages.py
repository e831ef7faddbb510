"""What the app says when something is missing, wrong, or done."""

from collections.abc import Sequence

from dash import dcc, html


def problem(message: str, remedy: str = "", way_out: str | None = None) -> html.Div:
    """Say what went wrong and what to do; ``way_out`` is a page to go to."""
    children: list[html.Strong | html.Span | dcc.Link] = [html.Strong(message)]
    if remedy:
        children.append(html.Span(f" {remedy}"))
    if way_out is not None:
        children.append(dcc.Link("All campaigns", href=way_out, className="way-out"))
    return html.Div(children, className="message problem", role="alert")


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
