"""Posting JSON to an address of the user's, signed as Standard Webhooks (https://www.standardwebhooks.com) says.

Receivers check signatures with its libraries. What is posted, and whether it is tried again, is the caller's business.
"""

import base64
import binascii
import hashlib
import hmac
import time
from typing import Final

from catalyst_assets.errors import UsageError

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how the standard writes secrets


def post_message(
    url: str, message_id: str, body: bytes, secret: str | None = None, timeout: float = 5.0
) -> str:
    """Post one message; return why it was not taken, empty where it was.

    Parameters
    ----------
    message_id
        The same whenever the same message is posted again, by which receivers know it.
    secret
        What it is signed with; any text, or the standard's ``whsec_`` with base64.
    """
    import httpx

    timestamp = int(time.time())
    headers = {
        "content-type": "application/json",
        "user-agent": "catalyst",
        "idempotency-key": message_id,
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
    }
    try:
        if secret is not None:
            headers["webhook-signature"] = sign(secret, message_id, timestamp, body)
        answer = httpx.post(url, content=body, headers=headers, timeout=timeout, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL, UsageError) as error:
        return f"{type(error).__name__}: {error}"
    return "" if answer.is_success else f"it answered {answer.status_code} {answer.reason_phrase}"


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message as the header ``webhook-signature`` holds it.

    Raises
    ------
    UsageError
        The secret begins as the standard's do and is none.
    """
    key = secret.encode()
    if secret.startswith(_SECRET_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
        except binascii.Error:
            raise UsageError(
                "A webhook's secret begins with whsec_, and what follows is no base64.",
                "Correct it, or choose any other text.",
            ) from None
    content = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()}"
