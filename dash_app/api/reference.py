"""The API's reference, where each operation can be tried: Swagger UI, whose files come from this server."""

from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from typing import Final

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

from dash_app.api.problems import NotFoundError
from resources.web.security_headers import hash_scripts, page_policy

router = APIRouter(prefix="/docs", include_in_schema=False)

_SCRIPT: Final = "swagger-ui-bundle.js"
_STYLE: Final = "swagger-ui.css"
PATHS: Final = frozenset({"/docs", f"/docs/{_SCRIPT}", f"/docs/{_STYLE}"})


@router.get("")
def reference() -> HTMLResponse:
    """Show what the API's OpenAPI document describes."""
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="API · Catalyst discovery",
        swagger_js_url=f"docs/{_SCRIPT}",
        swagger_css_url=f"docs/{_STYLE}",
        swagger_favicon_url="/assets/favicon.ico",
        swagger_ui_parameters={
            "defaultModelsExpandDepth": 0,
            "displayRequestDuration": True,
            "docExpansion": "list",
            "filter": True,
            "syntaxHighlight": False,
            "tryItOutEnabled": True,
        },
    )
    text = bytes(page.body).decode()
    return HTMLResponse(text, headers={"Content-Security-Policy": page_policy(hash_scripts(text))})


@router.get("/{file}")
def reference_file(file: str) -> FileResponse:
    """Serve a file of Swagger UI."""
    if f"/docs/{file}" not in PATHS:
        raise NotFoundError(f"The reference has no file {file}.")
    with as_file(_swagger_ui() / file) as path:
        return FileResponse(path)


def _swagger_ui() -> Traversable:
    return files("fastapi_offline") / "static"
