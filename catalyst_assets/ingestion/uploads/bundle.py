"""What was uploaded, as one file of the raw cache: a ZIP of the files as received, with their author.

The same files of the same author are the same bytes, in whatever order they came.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from catalyst_assets.errors import InvalidPoolError

MOST_FILES: Final = 1000
_MANIFEST: Final = "manifest.json"
# ZIP knows no earlier time; a real one would make other bytes of the same files.
_TIME: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class UploadedFile:
    """A file as received."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Bundle:
    """What one person uploaded at once.

    Attributes
    ----------
    prototype
        What lists of formulas are put on; empty where none is named.
    files
        In the order of their names.
    """

    author: str
    prototype: str
    files: tuple[UploadedFile, ...]

    @classmethod
    def of(cls, author: str, files: Sequence[UploadedFile], prototype: str = "") -> "Bundle":
        """Put files together; one that came twice under the same name counts once."""
        return cls(author, prototype, tuple(sorted(set(files), key=lambda file: (file.name, file.data))))

    @property
    def size_bytes(self) -> int:
        """Size of the files together."""
        return sum(len(file.data) for file in self.files)

    def pack(self) -> bytes:
        """Return the bundle's bytes."""
        manifest = {
            "author": self.author,
            "prototype": self.prototype,
            "files": [file.name for file in self.files],
        }
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo(_MANIFEST, _TIME), json.dumps(manifest, sort_keys=True))
            for number, file in enumerate(self.files):
                archive.writestr(zipfile.ZipInfo(f"files/{number}", _TIME), file.data)
        return packed.getvalue()


def unpack(name: str, file: BinaryIO) -> Bundle:
    """Read a bundle.

    Parameters
    ----------
    name
        What messages call it.

    Raises
    ------
    InvalidPoolError
        The bytes are none.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = json.loads(archive.read(_MANIFEST))
            files = tuple(
                UploadedFile(str(name), archive.read(f"files/{number}"))
                for number, name in enumerate(manifest["files"])
            )
        return Bundle(str(manifest["author"]), str(manifest["prototype"]), files)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError):
        raise InvalidPoolError(f"The cached {name} is no upload.", "Upload it again.") from None
