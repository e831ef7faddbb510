"""The Materials Project's interface through its own client, mp-api, with our patience and its answers as received.

Taken is the class behind `MPRester.materials.summary`. `MPRester` itself asks the heartbeat without a time limit and
remembers it for the life of the process, so a worker would never see a new database version: the heartbeat is asked
here instead, and handed to the client. Requests go through a session that asks again what is transient.
"""

import functools
import re
import time
from collections.abc import Callable
from typing import Any, Final

import httpx
import requests
from pydantic import SecretStr

from catalyst_assets.errors import SourceError, UsageError
from catalyst_assets.ingestion.http import LARGEST_REPLY_BYTES, Fetcher, TransientError, require_success

ENDPOINT: Final = "https://api.materialsproject.org/"
LARGEST_PAGE: Final = 1000
_KEY: Final = re.compile(r"[!-~]{32}")
_REFUSED_KEY: Final = (401, 403)
_CHUNK_BYTES: Final = 256 * 1024
_PERMANENT_ERRORS: Final = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
)


class SummaryClient:
    """Asks for summary documents.

    Parameters
    ----------
    key
        See :func:`require_key`.
    fetcher
        How patient it is.
    endpoint
        Where the interface is.
    non_commercial
        Ask for what may not be used commercially, too.
    timeout_seconds
        Longest silence of a connection.

    Raises
    ------
    UsageError
        There is no key, or it cannot be one.
    """

    def __init__(
        self,
        key: SecretStr | None,
        fetcher: Fetcher,
        endpoint: str = ENDPOINT,
        non_commercial: bool = False,
        timeout_seconds: int = 60,
    ) -> None:
        self.endpoint = endpoint.rstrip("/") + "/"
        self._fetcher = fetcher
        self._non_commercial = non_commercial
        self._timeout = timeout_seconds
        self._session = _PatientSession(require_key(key), fetcher)
        # Not among the client's own parameters, though the interface knows it; this is its default but for the value.
        self._session.params = {"license": "All" if non_commercial else "BY-C"}

    @property
    def summary_url(self) -> str:
        """Where summary documents are."""
        return f"{self.endpoint}materials/summary/"

    def ask_version(self) -> str:
        """Return the version of the database as it is now.

        Raises
        ------
        SourceError
            The heartbeat does not tell.
        """
        url = f"{self.endpoint}heartbeat"
        _, heartbeat = self._fetcher.get_json(url)
        version = heartbeat.get("db_version") if isinstance(heartbeat, dict) else None
        if not isinstance(version, str) or not version:
            raise SourceError(
                f"{url} does not tell the database's version: {str(heartbeat)[:200]}", "Correct the endpoint."
            )
        return version

    def search(self, fields: tuple[str, ...], **criteria: Any) -> list[bytes]:
        """Return the answers to one question as received, page by page in the order of material ids.

        Parameters
        ----------
        fields
            What is wanted of each document.
        criteria
            Those of ``SummaryRester.search``. Without one the client would download the whole database to this
            machine's home instead of asking; whether a material is deprecated is therefore always one.

        Raises
        ------
        SourceError
            The interface refuses, or gives nothing usable before the deadline.
        """
        from mp_api.client import MPRestError

        criteria = {"deprecated": False, "chunk_size": LARGEST_PAGE, **criteria}
        self._session.received.clear()
        try:
            self._summary.search(
                include_gnome=self._non_commercial,
                fields=list(fields),
                _sort_fields="material_id",
                **criteria,
            )
        except MPRestError as error:
            raise SourceError(
                f"mp-api cannot ask {self.summary_url}: {error}", "Correct the selection, or update mp-api."
            ) from None
        return list(self._session.received)

    @functools.cached_property
    def _summary(self) -> Any:
        from mp_api.client.routes.materials.summary import SummaryRester

        class Summary(SummaryRester):
            """The client's own, but for two things that it does too slowly or without end."""

            @functools.cached_property
            def available_fields(self) -> list[str]:
                # Otherwise it is derived from all models, for each field of each request.
                fields: list[str] = super().available_fields
                return fields

            @staticmethod
            def _get_heartbeat_info(endpoint: str) -> tuple[str, list[str]]:  # type: ignore[override]
                # Otherwise it is asked without a time limit; what it says is not used here.
                return "", []

        return Summary(
            api_key=self._session.headers["x-api-key"],
            endpoint=self.endpoint,
            session=self._session,
            use_document_model=False,
            mute_progress_bars=True,
            timeout=self._timeout,
        )


def require_key(key: SecretStr | None) -> SecretStr:
    """Return a key that can be one.

    Raises
    ------
    UsageError
        It cannot.
    """
    remedy = "Put the key from your Materials Project dashboard into MP_API_KEY."
    if key is None:
        raise UsageError("The Materials Project answers only with a key, and there is none.", remedy)
    if not _KEY.fullmatch(key.get_secret_value()):
        length = len(key.get_secret_value())
        raise UsageError(
            f"MP_API_KEY has {length} characters; a key is 32 printable ones without blanks.", remedy
        )
    return key


class _PatientSession(requests.Session):
    """Sends each request of the client until there is a usable answer, and keeps what was received.

    Attributes
    ----------
    received
        Bodies of the answers since it was cleared last.
    """

    def __init__(self, key: SecretStr, fetcher: Fetcher) -> None:
        super().__init__()
        self._key = key.get_secret_value()
        self._fetcher = fetcher
        self.headers["x-api-key"] = self._key
        self.received: list[bytes] = []

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Return a good answer, its body read."""
        # A redirection would carry the key to wherever it points.
        once = functools.partial(
            super().send, request, **{**options, "stream": True, "allow_redirects": False}
        )
        place = str(request.url).partition("?")[0]
        return self._fetcher.persist(place, lambda deadline: self._receive(once, place, deadline))

    def _receive(self, send: Callable[[], Any], place: str, deadline: float) -> requests.Response:
        try:
            with send() as response:
                body = _read(response, deadline)
        except _PERMANENT_ERRORS as error:
            raise SourceError(
                f"{place} cannot be asked ({type(error).__name__}).", "Correct the endpoint."
            ) from None
        except requests.RequestException as error:
            raise TransientError(str(error).replace(self._key, "…") or type(error).__name__) from None
        # Services quote what they refuse.
        said = body.replace(self._key.encode(), "…".encode())
        if response.status_code in _REFUSED_KEY:
            detail = " ".join(said[:300].decode("utf-8", "replace").split())
            raise SourceError(
                f"{place} answers with status {response.status_code}: {detail}",
                "Check the key in MP_API_KEY; asking again would not help.",
            )
        require_success(
            httpx.Response(
                response.status_code,
                headers={"Retry-After": response.headers.get("Retry-After", "0")},
                content=said,
                request=httpx.Request("GET", place),
            )
        )
        _require_documents(place, said)
        response._content = body  # the client reads it a second time
        self.received.append(body)
        answer: requests.Response = response
        return answer


def _read(response: requests.Response, deadline: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > LARGEST_REPLY_BYTES:
            raise SourceError(
                f"A reply of the Materials Project is larger than {LARGEST_REPLY_BYTES} bytes.",
                "Ask for smaller batches.",
            )
        if time.monotonic() > deadline:
            raise TransientError("the reply was still coming when its time was over")
    return bytes(body)


def _require_documents(place: str, body: bytes) -> None:
    import orjson

    try:
        page = orjson.loads(body)  # as strict as the client, which would fail on it without a word
    except ValueError:
        shown = " ".join(body[:80].decode("utf-8", "replace").split())
        raise TransientError(f"the reply is not JSON but {shown!r}") from None
    if not isinstance(page, dict) or not isinstance(page.get("data"), list):
        raise SourceError(
            f"{place} does not answer with documents: {str(page)[:200]}", "Correct the endpoint."
        )
