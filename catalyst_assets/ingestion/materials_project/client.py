"""The Materials Project's interface through its own client, mp-api, with our patience and its answers as received.

Taken is the class behind `MPRester.materials.summary`. `MPRester` itself asks the heartbeat without a time limit and
remembers it for the life of the process, so a worker would never see a new database version: the heartbeat is asked
here instead, each time.
"""

import functools
import re
from typing import Any, Final

from pydantic import SecretStr

from catalyst_assets.errors import SourceError, UsageError
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.materials_project.session import PatientSession
from catalyst_assets.ingestion.materials_project.spec import ENDPOINT

LARGEST_PAGE: Final = 1000
_KEY: Final = re.compile(r"[!-~]{32}")


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
        self._session = PatientSession(require_key(key), fetcher)
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

    def search(self, fields: tuple[str, ...], attempts: int | None = None, **criteria: Any) -> list[bytes]:
        """Return the answers to one question as received, page by page in the order of material ids.

        Parameters
        ----------
        fields
            What is wanted of each document.
        attempts
            Most requests for one answer, if fewer than usual.
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
        self._session.attempts = attempts
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
