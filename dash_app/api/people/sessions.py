"""`/session`: signing in and out, and who is signed in."""

import datetime as dt

from fastapi import APIRouter, Request, Response

from catalyst_assets.errors import UsageError
from dash_app.api.access import ROLES, PersonOf
from dash_app.api.people.identity import read_cookie
from dash_app.api.problems import problem_responses
from dash_app.people_contract import SignedOut, SignIn, Visitor
from resources.access.sessions import end_session, open_session, sign_in_by_link, sign_in_by_password
from resources.web.asking import session_cookie

router = APIRouter(prefix="/session", tags=["session"], responses=problem_responses(503))


@router.get("", summary="Tell who is signed in")
def show_session(person: PersonOf) -> Visitor:
    """Tell whose session or token the request carries."""
    return Visitor(
        name=person.name,
        role=person.role,
        right=person.right.name.lower(),  # type: ignore[arg-type]
        by=person.by,
    )


@router.post("", summary="Sign in", status_code=201, responses=problem_responses(401, 413, 422, 429))
def sign_in(body: SignIn, request: Request, response: Response) -> Visitor:
    """Open a session, which the answer leaves in the browser as a cookie.

    After five failures from an address and as a user within a quarter of an hour it answers 429.
    """
    state, address = request.app.state, request.app.state.asking.read(request.scope).address
    if body.link is not None and body.name is None and body.password is None:
        user = sign_in_by_link(state.database, body.link.get_secret_value(), address)
    elif body.link is None and body.name is not None and body.password is not None:
        user = sign_in_by_password(state.database, body.name, body.password.get_secret_value(), address)
    else:
        raise UsageError(
            "Neither name and password nor a link is given.", "Send `name` and `password`, or `link`."
        )
    lifetime = state.platform.settings.session_lifetime
    secret = open_session(state.database, user, lifetime)
    _set_cookie(request, response, secret, int(lifetime.total_seconds()))
    return Visitor(
        name=user.name,
        role=user.role,
        right=ROLES[user.role].name.lower(),  # type: ignore[arg-type]
        by="session",
        expires_at=dt.datetime.now(dt.UTC) + lifetime,
    )


@router.delete("", summary="Sign out")
def sign_out(request: Request, response: Response) -> SignedOut:
    """End the session that the cookie names, at once and everywhere. Doing it again changes nothing."""
    cookie = read_cookie(request.headers, session_cookie(request.app.state.platform.settings))
    if cookie is not None:
        end_session(request.app.state.database, cookie)
    _set_cookie(request, response, "", 0)
    return SignedOut()


def _set_cookie(request: Request, response: Response, value: str, seconds: int) -> None:
    # A page that the guard let through is ours: where it came by https, the cookie never goes without.
    secure = request.app.state.asking.read(request.scope).is_secure
    secure = secure or request.headers.get("origin", "").startswith("https:")
    response.set_cookie(
        session_cookie(request.app.state.platform.settings),
        value,
        max_age=seconds,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    response.headers["Cache-Control"] = "no-store"
