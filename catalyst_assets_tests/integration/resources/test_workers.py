"""A server of several processes that is killed leaves none behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
from fastapi import FastAPI

from resources.web.end_with_parent import end_with_parent

_PATIENCE_SECONDS = 60


def create() -> FastAPI:
    """What the workers serve: nothing."""
    end_with_parent()
    return FastAPI()


def until(what: str, deadline: float) -> None:
    assert time.monotonic() < deadline, what
    time.sleep(0.1)


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--workers", "2", "--port", str(port), "--factory"]
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen([*command, f"{__name__}:create"], stdout=log, stderr=log)
    try:
        while (tmp_path / "log").read_text().count("startup complete") < 2:
            until("the workers do not start", deadline)
        workers = psutil.Process(server.pid).children(recursive=True)
        assert len(workers) >= 2
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        while any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers):
            until("a worker runs on", deadline)
        socket.create_server(("127.0.0.1", port)).close()
    finally:
        server.kill()
        server.wait()
