"""A page that explains the API from its own OpenAPI document; unlike Swagger UI it loads nothing from afar."""

from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, select_autoescape

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape()
)


def render_reference(document: dict[str, Any], root: str) -> str:
    """Return the reference as HTML.

    Parameters
    ----------
    document
        An OpenAPI document.
    root
        Path under which the API is mounted.
    """
    operations: dict[str, list[dict[str, Any]]] = {}
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            described = {**operation, "verb": verb.upper(), "path": path}
            operations.setdefault(operation.get("tags", ["other"])[0], []).append(described)
    return _TEMPLATES.get_template("reference.html").render(api=document, operations=operations, root=root)
