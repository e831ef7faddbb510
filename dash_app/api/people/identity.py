"""Who sends a request: the owner of a token, a user with a session, or whom a trusted proxy signed in."""

from starlette.datastructures import Headers
from starlette.types import Scope

from catalyst_assets.vocabulary.people import check_name
from dash_app.api.access import ROLES, ForbiddenError, Person, Right, UnauthorizedError
from resources.access.sessions import find_session
from resources.postgres.database import Database, Role, fetch_one
from resources.settings import Settings
from resources.web.asking import AskingFor, is_own_page, session_cookie
from resources.web.tokens import find_token

_SAFE = ("GET", "HEAD", "OPTIONS")


class Identity:
    """Finds out who sends a request.

    Parameters
    ----------
    database
        Asked as the role of the app.
    """

    def __init__(self, database: Database, settings: Settings, asking: AskingFor) -> None:
        self._database = database
        self._cookie = session_cookie(settings)
        self._asking = asking

    def may_be_known(self, scope: Scope) -> bool:
        """Tell whether a request brings anything that it could be known by."""
        headers = Headers(scope=scope)
        return (
            "authorization" in headers
            or read_cookie(headers, self._cookie) is not None
            or self._asking.read(scope).user is not None
        )

    def find(self, scope: Scope) -> Person:
        """Return who sends a request.

        Raises
        ------
        UnauthorizedError
            Nobody who is known.
        ForbiddenError
            A browser that does not say that a page of ours sends it, and it would change something.
        """
        headers = Headers(scope=scope)
        if "authorization" in headers:
            return self._of_token(headers["authorization"])
        person = self._of_proxy(scope) or self._of_session(headers)
        if person is None:
            raise UnauthorizedError("Nobody is signed in.")
        if scope["method"] not in _SAFE and not is_own_page(headers):
            raise ForbiddenError(
                "The request does not say which page sends it, and changes nothing therefore.",
                "Send it from the review app's pages; a program uses a token: `catalyst tokens create NAME`.",
            )
        return person

    def _of_token(self, authorization: str) -> Person:
        kind, _, secret = authorization.partition(" ")
        if kind.lower() != "bearer" or not secret.strip():
            raise UnauthorizedError("The header Authorization holds no bearer token.")
        token = find_token(self._database, secret.strip())
        invalid = 'Bearer realm="catalyst", error="invalid_token"'
        if token is None:
            raise UnauthorizedError("The token is not known here.", challenge=invalid)
        if token.ended:
            raise UnauthorizedError(f"The token of {token.name} {token.ended}.", challenge=invalid)
        return Person(token.name, max(Right[each.upper()] for each in token.may), "token")

    def _of_proxy(self, scope: Scope) -> Person | None:
        name = self._asking.read(scope).user
        if name is None:
            return None
        try:
            name = check_name(name)
        except ValueError as error:
            raise UnauthorizedError(f"The proxy names a user whose name {error}.") from None
        with self._database.transaction(Role.APP) as connection:
            known = fetch_one(connection, "access/user_of_name", name=name)
        role = known["role"] if known else "viewer"
        return Person(known["name"] if known else name, ROLES[role], "proxy", role)

    def _of_session(self, headers: Headers) -> Person | None:
        cookie = read_cookie(headers, self._cookie)
        session = None if cookie is None else find_session(self._database, cookie)
        if session is None:
            return None
        return Person(session.name, ROLES[session.role], "session", session.role)


def read_cookie(headers: Headers, name: str) -> str | None:
    """Return a cookie that a request brings; of several of one name none is believed."""
    found = []
    for header in headers.getlist("cookie"):
        for part in header.split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                found.append(value)
    return found[0] if len(found) == 1 else None
