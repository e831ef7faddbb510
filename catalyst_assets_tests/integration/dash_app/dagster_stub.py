"""A webserver that answers GraphQL as Dagster's would; the real one is asked in `test_running_services`."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

RUN: Final = "0b3f9a52-6a8e-4f0c-9d5e-3a1b6f1c2d4e"
# No schedule, and no job that was ever done.
NO_REFRESHES: Final[dict[str, Any]] = {
    "data": {"schedulesOrError": {"__typename": "Schedules", "results": []}}
    | {f"r{place}": {"results": []} for place in range(9)}
}
FAILED_STEP = {
    "__typename": "ExecutionStepFailureEvent",
    "stepKey": "training_set",
    "message": "failed",
    "error": {
        "message": "dagster.StepError: failed\nat a line",
        "cause": {
            "message": "catalyst_assets.errors.LoopError: There are no labels. Load some.",
            "cause": None,
        },
    },
}


@contextmanager
def dagster_that_answers(answers: dict[str, Any], asked: list[dict[str, Any]]) -> Iterator[int]:
    """A server that answers each query of a name as told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append(sent)
            name = sent["query"].split()[1].partition("(")[0]
            body = json.dumps(answers[name]).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def shown(status: str, **tags: str) -> dict[str, Any]:
    """A run; in names of tags two underscores stand for a slash."""
    return {
        "runId": RUN, "jobName": "iteration", "status": status, "creationTime": 1.0, "startTime": 2.0, "endTime": 3.0,
        "tags": [{"key": key.replace("__", "/"), "value": value} for key, value in tags.items()],
    }  # fmt: skip
