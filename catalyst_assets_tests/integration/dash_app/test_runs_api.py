"""Runs as the API tells them: why they failed, how far they are, and what Dagster refuses."""

from typing import Any

from catalyst_assets_tests.integration.dash_app.dagster_stub import (
    FAILED_STEP,
    RUN,
    dagster_that_answers,
    shown,
)
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.dash_app.serving import api_client
from resources.platform import Platform


def test_runs_say_why_they_failed_and_what_dagster_refuses_is_told(
    platform: Platform, campaign: ReviewedCampaign
) -> None:
    campaign.rank(0, ["p:AgAlO3"])
    key = f"{campaign.name}__0000"
    failed = shown("FAILURE", dagster__partition=key, dagster__sensor_name="loop_sensor")
    asked: list[dict[str, Any]] = []
    answers: dict[str, Any] = {
        "Runs": {"data": {"runsOrError": {"__typename": "Runs", "results": [failed]}}},
        "Run": {"data": {"runOrError": {"__typename": "RunNotFoundError", "message": "x"}}},
        "Events": {"data": {"r0": {"eventConnection": {"events": [FAILED_STEP]}}}},
        "Stop": {"data": {"terminateRun": {"__typename": "TerminateRunFailure", "message": "no process"}}},
        "Launch": {"data": {"launchRun": {"__typename": "PipelineNotFoundError", "message": "no job"}}},
        "Steps": {
            "data": {
                "r0": {
                    "executionPlan": {
                        "steps": [{"key": "plan"}, {"key": "embed[?]"}, {"key": "settle[?]"}, {"key": "join"}]
                    },
                    "stepStats": [
                        {"stepKey": "plan", "status": "SUCCESS"},
                        {"stepKey": "embed[a]", "status": "SUCCESS"},
                        {"stepKey": "embed[b]", "status": "IN_PROGRESS"},
                    ],
                }
            }
        },
    }
    with dagster_that_answers(answers, asked) as port:
        settings = platform.settings.model_copy(update={"dagster_port": port})
        with api_client(platform.database, settings, may="admin") as admin:
            for _ in range(2):
                (run,) = admin.get("/runs", params={"campaign": campaign.name, "status": "failure"}).json()[
                    "items"
                ]
            assert run["failure"] == "There are no labels. Load some."
            assert (run["campaign"], run["partition"], run["launched_by"]) == (
                campaign.name,
                key,
                "sensor loop_sensor",
            )
            assert run["started_at"] == "1970-01-01T00:00:02Z"
            assert run["address"] == f"http://{admin.base_url.host}:{port}/runs/{RUN}"
            # Its log is read once.
            assert [sent["query"].split()[1].partition("(")[0] for sent in asked] == [
                "Runs",
                "Events",
                "Runs",
            ]
            assert asked[0]["variables"] == {
                "filter": {"statuses": ["FAILURE"], "tags": [{"key": "catalyst/campaign", "value": campaign.name}]},
                "cursor": None, "limit": 26,
            }  # fmt: skip
            assert admin.get(f"/runs/{RUN}").status_code == 404
            assert admin.post(f"/runs/{RUN}/stop").status_code == 404
            again = admin.post("/runs", json={"job": "iteration", "partition": key})
            assert (again.status_code, again.json()["detail"]) == (
                409,
                f"Run {RUN} of iteration is failure already.",
            )
            answers["Runs"] = {"data": {"runsOrError": {"__typename": "Runs", "results": []}}}
            unknown = admin.post("/runs", json={"job": "iteration", "partition": key})
            assert (unknown.status_code, unknown.json()["detail"]) == (503, "Dagster cannot do this: no job")
            tags = {each["key"]: each["value"] for each in
                    asked[-1]["variables"]["executionParams"]["executionMetadata"]["tags"]}  # fmt: skip
            assert tags == {
                "catalyst/user": "Ada Lovelace", "dagster/partition": key, "catalyst/campaign": campaign.name,
            }  # fmt: skip
            answers["Launch"] = {"data": {"launchRun": {"__typename": "LaunchRunSuccess", "run": shown(
                "QUEUED", catalyst__user="Ada Lovelace")}}}  # fmt: skip
            launched = admin.post("/runs", json={"job": "features"})
            assert (launched.status_code, launched.json()["launched_by"]) == (201, "Ada Lovelace")
            assert launched.headers["Location"] == f"/api/v1/runs/{RUN}"
            answers["Run"] = {"data": {"runOrError": {"__typename": "Run", **shown("SUCCESS")}}}
            ended = admin.post(f"/runs/{RUN}/stop")
            assert (ended.status_code, ended.json()["detail"]) == (
                409,
                f"Run {RUN} has ended already: success.",
            )
            answers["Run"] = {"data": {"runOrError": {"__typename": "Run", **shown("STARTING")}}}
            early = admin.post(f"/runs/{RUN}/stop")
            assert (early.status_code, "no process" in early.json()["detail"]) == (409, True)
            answers["Run"] = {"data": {"runOrError": {"__typename": "Run", **shown("CANCELED")}}}
            stopped = admin.post(f"/runs/{RUN}/stop").json()
            assert (stopped["status"], stopped["stopped_by"]) == ("canceled", "Ada Lovelace")
            answers["Stop"] = {"data": {"terminateRun": {"__typename": "TerminateRunSuccess"}}}
            answers["Run"] = {"data": {"runOrError": {"__typename": "Run", **shown("STARTED")}}}
            going_on = admin.post(f"/runs/{RUN}/stop").json()
            assert (going_on["status"], going_on["steps"]) == (
                "started", {"done": 2, "total": 5, "under_way": ["embed[b]"]},
            )  # fmt: skip
            answers["Run"] = {"data": {"runOrError": {"__typename": "Run", **shown("CANCELING")}}}
            assert admin.get(f"/runs/{RUN}").json()["stopped_by"] == "Ada Lovelace"
            answers["Runs"] = {"data": {"runsOrError": {"__typename": "Runs", "results": []}}}
            assert admin.get("/runs", params={"status": ["queued", "started"]}).json() == {
                "items": [],
                "next": None,
            }
            assert asked[-1]["variables"]["filter"] == {"statuses": ["QUEUED", "STARTED"]}
            answers["Runs"] = {"data": None, "errors": [{"message": "no database"}]}
            assert admin.get("/runs").json()["detail"] == "Dagster could not answer: no database."
