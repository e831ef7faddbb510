"""Who sends a request and what they may do; how they are found is `people`'s business."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Final, Literal

from fastapi import Depends, Request

from catalyst_assets.errors import CatalystError

SIGN_IN: Final = (
    "Sign in at /sign-in. A program sends a token, made with `catalyst tokens create NAME`, as the header "
    "`Authorization: Bearer TOKEN`."
)


class Right(IntEnum):
    """What may be done; each includes those before it."""

    READ = 1
    RESULTS = 2
    REVIEW = 3
    ADMIN = 4


ROLES: Final = {"viewer": Right.READ, "reviewer": Right.REVIEW, "admin": Right.ADMIN}


class UnauthorizedError(CatalystError):
    """Nobody who is known sends a request.

    Parameters
    ----------
    message, remedy
        What is wrong, and how to get in.
    challenge
        The header `WWW-Authenticate`.
    """

    def __init__(
        self, message: str, remedy: str = SIGN_IN, challenge: str = 'Bearer realm="catalyst"'
    ) -> None:
        super().__init__(message, remedy)
        self.challenge = challenge


class ForbiddenError(CatalystError):
    """Whoever sends a request may not do this."""


@dataclass(frozen=True)
class Person:
    """Who sends a request.

    Attributes
    ----------
    name
        As history and ledger show it.
    right
        The most that they may do.
    by
        How it is known who they are.
    role
        Of a user; empty for a token.
    """

    name: str
    right: Right
    by: Literal["session", "token", "proxy"]
    role: str = ""

    @property
    def channel(self) -> Literal["api", "form"]:
        """How what they send comes in: a program sends by the API, a person by a page's form."""
        return "api" if self.by == "token" else "form"


def get_person(request: Request) -> Person:
    """Return who sends the request; the entrance has found out."""
    person: Person = request.state.person
    return person


PersonOf = Annotated[Person, Depends(get_person)]
