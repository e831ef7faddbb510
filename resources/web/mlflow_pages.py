"""Where MLflow's pages open: on the runs of the campaign that was trained last, without what is for language models.

MLflow 3 opens on a page for GenAI beside an assistant. What a person chose once stays as they chose.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from flask import Flask

# What the pages keep in the browser, with the versions that MLflow puts behind their names.
_CHOICES: Final[dict[str, object]] = {
    "mlflow.workflowType_v1": "machine_learning",
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
    "mlflow.assistant.panelOpen_v1": False,
    "mlflow.settings.telemetry.enabled_v1": False,
    "mlflow.telemetry.info.alert.dismissed_v1": True,
}
_SCRIPT: Final = """<script>
try {{
  for (const [name, value] of Object.entries({choices}))
    if (localStorage.getItem(name) === null) localStorage.setItem(name, JSON.stringify(value));
}} catch {{}}
if (["", "#", "#/"].includes(location.hash)) history.replaceState(null, "", {address});
</script>"""


def open_on_runs(app: "Flask", find_latest: Callable[[], str | None]) -> None:
    """Have MLflow's server open on the runs.

    Parameters
    ----------
    app
        MLflow's Flask application.
    find_latest
        Returns the experiment that was changed last; None if there is none.
    """
    serve: Any = app.view_functions["serve"]

    def serve_on_runs() -> Any:
        from flask import make_response

        response = make_response(serve())
        response.direct_passthrough = False
        latest = find_latest()
        address = "#/experiments" if latest is None else f"#/experiments/{latest}/runs"
        script = _SCRIPT.format(choices=json.dumps(_CHOICES), address=json.dumps(address))
        response.set_data(response.get_data(as_text=True).replace("<head>", f"<head>{script}", 1))
        # The page depends on what was trained since.
        response.headers["Cache-Control"] = "no-store"
        response.headers.pop("ETag", None)
        response.headers.pop("Last-Modified", None)
        return response

    app.view_functions["serve"] = serve_on_runs
