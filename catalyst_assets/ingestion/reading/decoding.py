"""Bytes of a text file into text, whatever editor or program wrote them."""

import codecs
from typing import Final

from catalyst_assets.errors import UnreadableStructureError

# The mark of UTF-32 begins with that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode_text(data: bytes) -> str:
    r"""Return a file's text with ``\n`` at the ends of its lines: by its byte order mark, as UTF-8, else as Latin-1.

    Raises
    ------
    UnreadableStructureError
        The bytes are no text.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            reason = f"is no {encoding.upper()} text, as its first bytes say: {error.reason}"
            raise UnreadableStructureError(reason, "Write it as UTF-8.") from None
        text = data.decode("latin-1")
    if "\0" in text:
        raise UnreadableStructureError("is no text: it holds bytes of value 0", "Write it as UTF-8.")
    return clean_text(text)


def clean_text(text: str) -> str:
    r"""Return text without a byte order mark, its lines ended by ``\n``."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.removeprefix("\ufeff")
