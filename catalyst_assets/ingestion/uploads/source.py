"""The source `uploads`: what people sent to the API or name on the command line, kept and read as any source's files."""

import getpass
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from catalyst_assets.errors import CorruptArtifactError, UnreadableStructureError, UsageError
from catalyst_assets.ingestion.prototypes.crystals import PROTOTYPES
from catalyst_assets.ingestion.raw_cache import RawFile, RawRequest, open_raw, read_raw
from catalyst_assets.ingestion.records import Contents, Problem, Record, Rejection
from catalyst_assets.ingestion.sources.refreshing import Refreshed, refresh
from catalyst_assets.ingestion.uploads.bundle import Bundle, UploadedFile, unpack
from catalyst_assets.ingestion.uploads.contents import read_entries
from catalyst_assets.ingestion.uploads.keeping import (
    check_bundle,
    find_uploads,
    keep_upload,
    name_candidate,
    note_places,
)
from catalyst_assets.ingestion.uploads.spec import LICENCE, UploadsConfig
from catalyst_assets.vocabulary.people import check_name, check_text
from resources.postgres.database import storable

if TYPE_CHECKING:
    from resources.platform import Platform
    from resources.settings import Settings

SOURCE: Final = "uploads"


class UploadParser:
    """Reads cached uploads."""

    kind: Final = "upload"
    is_snapshot = False
    is_index = False

    def survey(self, raw: RawFile, file: BinaryIO) -> Contents:
        """Count the candidates.

        Raises
        ------
        InvalidPoolError
            The bytes are no upload.
        """
        entries = read_entries(unpack(raw.url, file))
        upload_id = _upload_of(raw)
        return Contents.of_rows(
            (storable(entry.place), name_candidate(upload_id, number)) for number, entry in enumerate(entries)
        )

    def parse(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Record | Rejection]:
        """Yield a record or a rejection for each candidate in ``[start, stop)``."""
        entries = read_entries(unpack(raw.url, file))
        upload_id = _upload_of(raw)
        for number, entry in enumerate(entries[start:stop], start):
            name, place = name_candidate(upload_id, number), storable(entry.place)
            if isinstance(entry.found, UnreadableStructureError):
                yield Rejection.of(raw.url, place, name, [Problem("structure", str(entry.found))])
            else:
                yield Record(SOURCE, name, place, entry.found)


class Uploads:
    """Uploads that wait, as a source.

    Parameters
    ----------
    platform
        Where they are kept.
    upload_ids
        Which of them are taken.
    """

    def __init__(self, platform: "Platform", upload_ids: Sequence[int]) -> None:
        self._platform = platform
        self._upload_ids = upload_ids
        self._places: dict[int, list[str]] = {}
        self._sha256: dict[str, str] = {}
        self.failures: dict[str, str] = {}

    @property
    def memory(self) -> None:
        """Nothing: each upload is one file."""

    def list_new(self) -> Iterator[RawRequest]:
        """Yield one request an upload; one whose bytes are gone is marked so."""
        with self._platform.database.transaction() as connection:
            rows = find_uploads(connection, self._upload_ids)
        for row in rows:
            url, number = f"{SOURCE}:{row['upload_id']}", row["upload_id"]
            try:
                with open_raw(self._platform.objects, row["sha256"]) as file:
                    self._places[number] = [entry.place for entry in read_entries(unpack(url, file))]
            except CorruptArtifactError:
                self.failures[url] = f"The bytes of upload {number} are gone or damaged. Upload it again."
                with self._platform.database.transaction() as connection:
                    note_places(connection, number, problem=self.failures[url])
                continue
            self._sha256[url] = row["sha256"]
            yield RawRequest(SOURCE, url, UploadParser.kind, LICENCE)

    def fetch(self, request: RawRequest) -> bytes:
        """Return the bytes of an upload."""
        return read_raw(self._platform.objects, self._sha256[request.url])

    def settle(self) -> None:
        """Note that what was listed is in the raw cache."""
        with self._platform.database.transaction() as connection:
            for number, places in self._places.items():
                note_places(connection, number, [storable(place) for place in places])


def require(config: UploadsConfig, settings: "Settings", *, reparse: bool) -> list[str]:
    """Return no names: every upload goes by the name of the source.

    Raises
    ------
    UsageError
        No file is named, one cannot be read, or the prototype is not known.
    """
    if not config.files and not reparse:
        raise UsageError("No file is named.", "Name files of structures, or lists of formulas.")
    _read_files(config)
    return []


def refresh_source(config: UploadsConfig, platform: "Platform", tell: Callable[[str], object]) -> Refreshed:
    """Take the uploads that wait, and the files that are named as one more.

    Raises
    ------
    UsageError
        A file cannot be read, or the prototype is not known.
    """
    upload_ids = list(config.uploads)
    if config.files:
        with platform.database.transaction() as connection:
            number, is_new = keep_upload(connection, platform.objects, _read_files(config))
        tell(f"upload {number} {'kept' if is_new else 'was kept before'}")
        upload_ids.append(number)
    source = Uploads(platform, upload_ids)
    refreshed = refresh(source, platform.database, platform.objects)
    source.settle()
    for said in source.failures.values():
        tell(said)
    return refreshed


def check_prototype(prototype: str) -> None:
    """Refuse a prototype that is not known.

    Raises
    ------
    UsageError
        It is not.
    """
    if prototype and prototype not in PROTOTYPES:
        raise UsageError(
            f"prototype: {prototype!r} is not one of {', '.join(PROTOTYPES)}.", "Name one of them."
        )


def _read_files(config: UploadsConfig) -> Bundle:
    check_prototype(config.prototype)
    try:
        author = check_name(config.author or getpass.getuser())
    except ValueError as error:
        raise UsageError(f"author: {error}.", "Give the name of a person.") from None
    files = []
    for named in config.files:
        path = Path(named)
        try:
            files.append(UploadedFile(check_text(path.name), path.read_bytes()))
        except OSError as error:
            raise UsageError(
                f"{path} cannot be read: {error.strerror}.",
                "Name a file of structures, or a list of formulas.",
            ) from None
        except ValueError as error:
            raise UsageError(f"The name of {str(path)!r} {error}.", "Rename the file.") from None
    bundle = Bundle.of(author, files, config.prototype)
    if files:
        check_bundle(bundle)
    return bundle


def _upload_of(raw: RawFile) -> int:
    return int(raw.url.partition(":")[2])
