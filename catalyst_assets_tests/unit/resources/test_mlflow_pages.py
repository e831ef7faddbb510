"""MLflow's front page as a browser gets it."""

import pytest
from flask import Flask

from resources.web.mlflow_pages import open_on_runs


def front_page(latest: str | None) -> str:
    app = Flask("mlflow")

    @app.route("/")
    def serve() -> str:
        return "<html><head><title>MLflow</title></head></html>"

    open_on_runs(app, lambda: latest)
    answer = app.test_client().get("/")
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.get_data(as_text=True)


@pytest.mark.parametrize(("latest", "address"), [("7", '"#/experiments/7/runs"'), (None, '"#/experiments"')])
def test_mlflow_opens_on_the_runs_of_the_newest_experiment(latest: str | None, address: str) -> None:
    page = front_page(latest)
    script, _, rest = page.partition("</script>")
    assert address in script
    assert '"mlflow.workflowType_v1": "machine_learning"' in script
    assert rest == "<title>MLflow</title></head></html>"
