"""Who sends a request that writes results: the owner of a token, or a reviewer by the pages."""

import hmac
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from catalyst_assets.errors import CatalystError, UsageError
from catalyst_assets.vocabulary.people import check_name
from resources.web.tokens import find_token

_HOW: Final = "Have a token made with `catalyst tokens create NAME`, and send it as the header `Authorization: Bearer TOKEN`."
_bearer = HTTPBearer(
    auto_error=False, scheme_name="token", description="A token that `catalyst tokens create NAME` printed."
)


class UnauthorizedError(CatalystError):
    """A request carries no token that is accepted.

    Parameters
    ----------
    message, remedy
        What is wrong with it, and how to get one.
    challenge
        The header `WWW-Authenticate`.
    """

    def __init__(self, message: str, remedy: str = _HOW, challenge: str = "Bearer") -> None:
        super().__init__(message, remedy)
        self.challenge = challenge


class ForbiddenError(CatalystError):
    """The owner of a token may not do this."""


@dataclass(frozen=True)
class Writer:
    """Who writes.

    Attributes
    ----------
    name
        As the ledger shows it.
    channel
        By a form of the review app, or by the API itself.
    """

    name: str
    channel: Literal["api", "form"]


def require_writer(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    on_behalf_of: Annotated[
        str | None,
        Query(
            max_length=1000,
            description="The reviewer for whom the review app's own pages write; nobody else may.",
        ),
    ] = None,
) -> Writer:
    """Return who writes.

    Raises
    ------
    UnauthorizedError
        Nobody who is known.
    ForbiddenError
        Somebody who may not.
    """
    realm = 'Bearer realm="catalyst"'
    if credentials is None:
        if "authorization" in request.headers:
            raise UnauthorizedError("The header Authorization holds no bearer token.", challenge=realm)
        raise UnauthorizedError("Writing results needs a token, and the request has none.", challenge=realm)
    page_token: str = request.app.state.page_token
    sent = credentials.credentials.encode("utf-8", "surrogateescape")
    if hmac.compare_digest(sent, page_token.encode()):
        return Writer(_reviewer(on_behalf_of), "form")
    token = find_token(request.app.state.database, credentials.credentials)
    invalid = f'{realm}, error="invalid_token"'
    if token is None:
        raise UnauthorizedError("The token is not known here.", challenge=invalid)
    if token.ended:
        raise UnauthorizedError(f"The token of {token.name} {token.ended}.", challenge=invalid)
    if "results" not in token.may:
        raise ForbiddenError(
            f"The token of {token.name} may only be read with.",
            "Have one made that may write: `catalyst tokens create NAME --may results`.",
        )
    if on_behalf_of is not None:
        raise ForbiddenError(
            "Only the review app's pages write on behalf of others.",
            f"Leave on_behalf_of out: results that come with this token are {token.name}'s.",
        )
    return Writer(token.name, "api")


def _reviewer(name: str | None) -> str:
    if not (name or "").strip():
        raise UsageError("Nobody is named as reviewer.", "Enter your name at the top right.")
    try:
        return check_name(str(name))
    except ValueError as error:
        raise UsageError(f"The reviewer's name {error}.", "Enter your name at the top right.") from None


WriterOf = Annotated[Writer, Depends(require_writer)]
