"""Asking Dagster's webserver by GraphQL, as one server of an installation asks another; bounded in time and size.

What is asked is the business of whoever asks: https://docs.dagster.io/api/graphql.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import httpx

from catalyst_assets.errors import DagsterUnavailableError
from resources.web.asking import AskingFor

_TIMEOUT: Final = httpx.Timeout(15.0, connect=2.0, pool=2.0)
# Of the API's threads others must be left, should Dagster be slow.
_MOST_AT_ONCE: Final = 4
_MOST_BYTES: Final = 16 * 1024 * 1024
_REMEDY: Final = "Look whether `catalyst up` runs, and its service dagster-webserver."


class DagsterServer:
    """Dagster's webserver.

    Parameters
    ----------
    url
        Where it is.
    asking
        Signs that a server of the installation asks.
    """

    def __init__(self, url: str, asking: AskingFor) -> None:
        self._url = url
        self._asking = asking
        limits = httpx.Limits(max_connections=_MOST_AT_ONCE, max_keepalive_connections=0)
        self._http = httpx.Client(timeout=_TIMEOUT, limits=limits, trust_env=False)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the data of an answer.

        Raises
        ------
        DagsterUnavailableError
            It does not answer, or not with data.
        """
        sent = json.dumps({"query": query, "variables": variables})
        try:
            answer = json.loads(self._post(sent))
        except httpx.PoolTimeout:
            raise DagsterUnavailableError(
                "Dagster's webserver is asked as much as it can answer.", "Send it again a little later."
            ) from None
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise DagsterUnavailableError(
                f"Dagster's webserver does not answer at {self._url}: {reason}.", _REMEDY
            ) from None
        except ValueError:
            raise DagsterUnavailableError(f"What answers at {self._url} is not Dagster.", _REMEDY) from None
        if (
            not isinstance(answer, Mapping)
            or not isinstance(answer.get("data"), dict)
            or answer.get("errors")
        ):
            raise DagsterUnavailableError(f"Dagster could not answer: {_first_error(answer)}.", _REMEDY)
        data: dict[str, Any] = answer["data"]
        return data

    def _post(self, sent: str) -> bytes:
        headers = self._asking.as_service() | {"Content-Type": "application/json"}
        with self._http.stream("POST", f"{self._url}/graphql", content=sent, headers=headers) as answer:
            # Dagster answers 400 where its own errors say more than that.
            if answer.status_code not in (httpx.codes.OK, httpx.codes.BAD_REQUEST):
                raise httpx.HTTPError(f"it answers {answer.status_code}")
            parts, size = [], 0
            for part in answer.iter_bytes():
                size += len(part)
                if size > _MOST_BYTES:
                    raise httpx.HTTPError("its answer is too large; ask for less")
                parts.append(part)
        return b"".join(parts)


def _first_error(answer: Any) -> str:
    errors = answer.get("errors") if isinstance(answer, Mapping) else None
    said = errors[0].get("message") if isinstance(errors, list) and errors else None
    return str(said or "it said nothing").strip().splitlines()[0].rstrip(".")
