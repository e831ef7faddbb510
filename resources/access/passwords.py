"""Passwords, as Argon2id keeps them (RFC 9106, the parameters of argon2-cffi)."""

import threading
from functools import cache
from typing import Final

from catalyst_assets.errors import UsageError

SHORTEST: Final = 10
LONGEST: Final = 1000
# Each takes 64 MiB: who tries many at once waits.
_AT_ONCE: Final = threading.BoundedSemaphore(2)


def hash_password(password: str, name: str) -> str:
    """Return what is kept of a password.

    Raises
    ------
    UsageError
        It is too short or too long, or the user's own name.
    """
    from argon2 import PasswordHasher

    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(
            f"The password has {len(password):,} characters.", f"Choose one of {SHORTEST} to {LONGEST:,}."
        )
    if password.strip().casefold() == name.casefold():
        raise UsageError("The password is the user's name.", "Choose another one.")
    return PasswordHasher().hash(password)


def check_password(kept: str | None, password: str) -> bool:
    """Tell whether a password is the one of which ``kept`` is kept; it takes as long where there is none."""
    from argon2 import PasswordHasher
    from argon2.exceptions import Argon2Error, InvalidHashError

    with _AT_ONCE:
        try:
            right = PasswordHasher().verify(kept or _nobodys(), password)
        except (Argon2Error, InvalidHashError):
            return False
    return right and kept is not None


@cache
def _nobodys() -> str:
    import secrets

    from argon2 import PasswordHasher

    return PasswordHasher().hash(secrets.token_hex())
