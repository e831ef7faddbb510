import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from catalyst_assets.errors import UsageError
from catalyst_assets_tests.processes import eventually, processes_of
from resources.supervisor import Service, answers, require_free_ports

PROGRAM = """
import sys
from pathlib import Path
from resources.supervisor import Service, Supervisor

home = Path(sys.argv[1])
services = [
    Service(name, (sys.executable, "-c", text, str(home)), url=url or None)
    for name, text, url in zip(sys.argv[2::3], sys.argv[3::3], sys.argv[4::3])
]
Supervisor(
    services, home / "logs", home, report=lambda line: print(line, flush=True), probe_seconds=0.5, most_missed=4
).run(when_ready=lambda: print("all ready", flush=True))
print("stopped", flush=True)
"""
WITH_A_CHILD = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", sys.argv[1]])
time.sleep(600)
"""
STUBBORN = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
BROKEN = "import sys; sys.exit('the reason it fails')"
WEB_SERVER = """
import http.server, sys
http.server.ThreadingHTTPServer(("127.0.0.1", {port}), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for process in processes_of(tmp_path):
        process.kill()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def supervise(home: Path, **services: str | tuple[str, str]) -> subprocess.Popen[str]:
    arguments = []
    for name, program in services.items():
        text, url = program if isinstance(program, tuple) else (program, "")
        arguments += [name, text, url]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(home), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(supervisor: subprocess.Popen[str], text: str) -> str:
    assert supervisor.stdout is not None
    seen = ""
    for line in supervisor.stdout:
        seen += line
        if text in line:
            break
    return seen


def services_of(home: Path, supervisor: subprocess.Popen[str]) -> list[psutil.Process]:
    return [process for process in processes_of(home) if process.pid != supervisor.pid]


def test_sigterm_stops_services_and_what_they_started(home: Path) -> None:
    with supervise(home, one=WITH_A_CHILD, two=WITH_A_CHILD) as supervisor:
        read_until(supervisor, "all ready")
        assert eventually(lambda: len(services_of(home, supervisor)) == 4)
        supervisor.send_signal(signal.SIGTERM)
        assert "stopped" in read_until(supervisor, "stopped")
        assert supervisor.wait() == 0
    assert processes_of(home) == []


def test_a_killed_supervisor_takes_its_services_along(home: Path) -> None:
    with supervise(home, one="import time; time.sleep(600)") as supervisor:
        read_until(supervisor, "all ready")
        (service,) = services_of(home, supervisor)
        supervisor.kill()
    assert eventually(lambda: not service.is_running() or service.status() == psutil.STATUS_ZOMBIE)


def test_a_crashed_service_is_started_again_and_frees_its_port_first(home: Path, free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    with supervise(home, web=(WEB_SERVER.format(port=free_port), url)) as supervisor:
        read_until(supervisor, "all ready")
        (service,) = services_of(home, supervisor)
        service.kill()
        assert "ended with status -9" in read_until(supervisor, "started again in")
        read_until(supervisor, "was started again")
        assert eventually(lambda: answers(url))
        assert services_of(home, supervisor) != [service]
        supervisor.terminate()


@pytest.mark.parametrize("kind", ["with pages", "without pages"])
def test_a_service_that_hangs_is_started_again(home: Path, free_port: int, kind: str) -> None:
    url = f"http://127.0.0.1:{free_port}" if kind == "with pages" else ""
    program = WEB_SERVER.format(port=free_port) if url else "import time; time.sleep(600)"
    with supervise(home, hanging=(program, url), other=WITH_A_CHILD) as supervisor:
        read_until(supervisor, "all ready")
        (service,) = [p for p in services_of(home, supervisor) if program in p.cmdline()]
        others = set(services_of(home, supervisor)) - {service}
        time.sleep(1.5)  # it answered
        service.suspend()
        assert "hanging has not answered for" in read_until(supervisor, "is killed")
        read_until(supervisor, "hanging was started again")
        assert eventually(lambda: not url or answers(url))
        assert not service.is_running()
        assert others <= set(services_of(home, supervisor))
        supervisor.terminate()


def test_a_service_that_never_starts_ends_the_others_with_its_last_words(home: Path) -> None:
    with supervise(
        home, good="import time; time.sleep(600)", bad=(BROKEN, "http://127.0.0.1:1")
    ) as supervisor:
        said, _ = supervisor.communicate()
        assert supervisor.returncode == 1
    assert "bad does not start: the reason it fails" in said.replace("\n", " ")
    assert processes_of(home) == []


def test_asking_twice_does_not_wait_for_a_stubborn_service(home: Path) -> None:
    with supervise(home, stubborn=STUBBORN) as supervisor:
        read_until(supervisor, "all ready")
        time.sleep(0.5)
        for _ in range(2):
            supervisor.send_signal(signal.SIGINT)
            time.sleep(0.2)
        assert supervisor.wait(timeout=8.0) == 0
    assert processes_of(home) == []


def test_a_busy_port_is_named_with_who_holds_it_and_how_to_choose_another() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        service = Service(
            "the webserver", ("true",), port=port, port_option="--dagster-port or CATALYST_DAGSTER_PORT"
        )
        with pytest.raises(UsageError, match=rf"Port {port} on 127\.0\.0\.1, for the webserver") as caught:
            require_free_ports("127.0.0.1", [service])
        assert f"process {psutil.Process().pid}" in caught.value.message
        assert "--dagster-port" in caught.value.remedy
    require_free_ports("127.0.0.1", [service])


def test_one_port_for_two_services_is_refused(free_port: int) -> None:
    services = [
        Service(name, ("true",), port=free_port, port_option=f"--{name}-port") for name in ("app", "mlflow")
    ]
    with pytest.raises(UsageError, match="asked for twice: by app and mlflow") as caught:
        require_free_ports("127.0.0.1", services)
    assert "--mlflow-port" in caught.value.remedy


def test_an_address_of_another_machine_is_refused(free_port: int) -> None:
    with pytest.raises(UsageError, match=r"192\.0\.2\.1"):
        require_free_ports("192.0.2.1", [Service("app", ("true",), port=free_port)])
