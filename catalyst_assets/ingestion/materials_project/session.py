"""What mp-api sends its requests through: asked again is what is transient, and kept is what was received.

The client itself asks again after few statuses and a short while, hides the cause of what fails, and would follow a
redirection with the key.
"""

import functools
from collections.abc import Callable
from typing import Any, Final

import httpx
import requests
from pydantic import SecretStr

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.fetching.http import (
    Fetcher,
    TransientError,
    decode_json,
    read_body,
    require_success,
)

_REFUSED_KEY: Final = (401, 403)
_CHUNK_BYTES: Final = 256 * 1024
_PERMANENT_ERRORS: Final = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
)


class PatientSession(requests.Session):
    """Sends each request of the client until there is a usable answer, and keeps what was received.

    Attributes
    ----------
    received
        Bodies of the answers since it was cleared last.
    attempts
        Most requests for one answer, if fewer than the fetcher makes.
    """

    def __init__(self, key: SecretStr, fetcher: Fetcher) -> None:
        super().__init__()
        self._key = key.get_secret_value()
        self._fetcher = fetcher
        self.headers["x-api-key"] = self._key
        self.received: list[bytes] = []
        self.attempts: int | None = None

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Return a good answer, its body read."""
        # A redirection would carry the key to wherever it points.
        once = functools.partial(
            super().send, request, **{**options, "stream": True, "allow_redirects": False}
        )
        place = str(request.url).partition("?")[0]
        return self._fetcher.persist(
            place, lambda deadline: self._receive(once, place, deadline), self.attempts
        )

    def _receive(self, send: Callable[[], Any], place: str, deadline: float) -> requests.Response:
        try:
            with send() as response:
                chunks = response.iter_content(_CHUNK_BYTES)
                body = read_body(chunks, deadline, "A reply of the Materials Project", "batches")
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
                is_general=True,
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


def _require_documents(place: str, body: bytes) -> None:
    import orjson

    page = decode_json(body, orjson.loads)  # as strict as the client, which would fail on it without a word
    if not isinstance(page, dict) or not isinstance(page.get("data"), list):
        raise SourceError(
            f"{place} does not answer with documents: {str(page)[:200]}", "Correct the endpoint."
        )
