"""The entrance to the API: nobody gets in whom it does not know, and nobody further than they may."""

from functools import cached_property
from typing import Final

import sqlalchemy as sa
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from catalyst_assets.errors import CatalystError
from dash_app.api.access import ForbiddenError, Person, Right, UnauthorizedError
from dash_app.api.people.identity import Identity
from dash_app.api.people.rights import Operations
from dash_app.api.problems import answer_busy, answer_error

_DOING: Final = {
    Right.READ: "reading",
    Right.RESULTS: "sending results",
    Right.REVIEW: "deciding about candidates",
    Right.ADMIN: "running campaigns and what else admins do",
}


class _Door:
    """ASGI middleware that knows what a request needs.

    Parameters
    ----------
    app
        What it stands before.
    api
        The application whose operations these are.
    identity
        Finds out who sends it.
    """

    def __init__(self, app: ASGIApp, api: FastAPI, identity: Identity) -> None:
        self._app = app
        self._api = api
        self._identity = identity

    @cached_property
    def _operations(self) -> Operations:
        return Operations(self._api)

    def _needs(self, scope: Scope) -> Right | None:
        path = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
        return self._operations.find(scope["method"], path).needs


class Threshold(_Door):
    """Turns away who brings nothing to be known by, before anything is read or looked up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and self._needs(scope) and not self._identity.may_be_known(scope):
            answer = await answer_error(Request(scope), UnauthorizedError("Nobody is signed in."))
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


class Entrance(_Door):
    """Finds out who sends a request, and refuses what they may not do before an operation reads it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        needs = self._needs(scope)
        if needs is not None:
            try:
                person = await run_in_threadpool(self._identity.find, scope)
                require(person, needs)
            except CatalystError as error:
                await (await answer_error(Request(scope), error))(scope, receive, send)
                return
            except sa.exc.TimeoutError as error:
                await (await answer_busy(Request(scope), error))(scope, receive, send)
                return
            scope.setdefault("state", {})["person"] = person
        await self._app(scope, receive, send)


def require(person: Person, needs: Right) -> None:
    """Let somebody do what they may.

    Raises
    ------
    ForbiddenError
        They may not.
    """
    if person.right >= needs:
        return
    if person.by == "token":
        may = "may only be read with" if person.right is Right.READ else f"is for {_DOING[person.right]}"
        raise ForbiddenError(
            f"The token of {person.name} {may}, not for {_DOING[needs]}.",
            f"Have one made that may: `catalyst tokens create NAME --may {needs.name.lower()}`.",
        )
    role = "reviewer" if needs <= Right.REVIEW else "admin"
    raise ForbiddenError(
        f"{person.name} is a {person.role}, and {_DOING[needs]} is for {role}s.",
        f"Ask whoever runs the installation: `catalyst users role NAME {role}` changes it.",
    )
