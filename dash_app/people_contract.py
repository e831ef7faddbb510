"""What the API and its clients agree on about people: signing in, and who is signed in."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class SignIn(BaseModel):
    """Sign in with name and password, or with what a link holds."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=1000, examples=["Ada Lovelace"])
    password: SecretStr | None = Field(None, max_length=5000)
    link: SecretStr | None = Field(
        None, max_length=500, description="The part of a sign-in link after `link=`; it works once."
    )


class Visitor(BaseModel):
    """Who is signed in, and what they may do."""

    name: str
    role: str = Field(description="viewer, reviewer or admin; empty for the owner of a token.")
    right: Literal["read", "results", "review", "admin"] = Field(
        description="The most that they may do; each includes those before it."
    )
    by: Literal["session", "token", "proxy"] = Field(description="How it is known who they are.")
    expires_at: datetime | None = Field(default=None, description="When a session that was just opened ends.")


class SignedOut(BaseModel):
    """Nobody is signed in any more."""

    signed_out: bool = True
