"""Whether a service of this host works, for the health check of its container: ``python -m resources.apart.health api``."""

import sys
from typing import Final

from catalyst_assets.constants import Queue
from resources.apart.names import SOCKET, ServiceName
from resources.apart.program import find_service
from resources.distributed.asking import worker_of_host_answers
from resources.probes import answers_well
from resources.settings import Settings, load_settings

_ANSWER_SECONDS: Final = 10.0
_WORKER: Final = "worker-"
NAMES: Final = (*ServiceName, *(f"{_WORKER}{queue}" for queue in Queue))


def works(settings: Settings, name: str) -> bool:
    """Tell whether a service answers; of Dagster's daemon, which answers nobody, whether it beats.

    Parameters
    ----------
    name
        One of ``NAMES``: of `catalyst serve`, or ``worker-`` and the queue of `catalyst worker`.
    """
    if name.startswith(_WORKER):
        return worker_of_host_answers(settings, Queue(name.removeprefix(_WORKER)))
    service = ServiceName(name)
    if service is ServiceName.CODE_LOCATION:
        return _code_is_served(settings)
    if service is ServiceName.DAGSTER_DAEMON:
        return _daemon_beats(settings)
    asked = find_service(service, settings)
    return answers_well(f"{asked.url}{asked.ready_path}", _ANSWER_SECONDS)


def _code_is_served(settings: Settings) -> bool:
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    where = settings.code_location or ""
    target = where if where.startswith(SOCKET) else f"127.0.0.1:{settings.code_port}"
    with grpc.insecure_channel(target) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(service="DagsterApi"), timeout=_ANSWER_SECONDS)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _daemon_beats(settings: Settings) -> bool:
    from resources.dagster_instance import daemon_beats
    from resources.postgres.connection import connect

    with connect(settings) as database:
        return daemon_beats(database)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in NAMES:
        sys.exit(f"Name a service: {', '.join(NAMES)}.")
    sys.exit(0 if works(load_settings(), sys.argv[1]) else f"{sys.argv[1]} does not work.")
