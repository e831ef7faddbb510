"""The watched folder or bucket prefix: files of results that people or instruments put there, and receipts beside them.

A file that was taken lies in `accepted/` with `NAME.accepted.json`; one that was refused in `refused/` with
`NAME.refused.txt`, which lists every problem. A folder that is called like a campaign holds results of that campaign.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import CatalystError
from catalyst_assets.validation.submissions.reading.entries import Defaults
from catalyst_assets.validation.submissions.reading.opening import MOST_BYTES, TABLE_SUFFIXES
from catalyst_assets.validation.submissions.reading.problems import Problem, RefusedFileError
from catalyst_assets.validation.submissions.submitting import ResultFile, submit_file
from resources.object_store import ObjectStore

if TYPE_CHECKING:
    from catalyst_assets.validation.submissions.outcome import Outcome
    from resources.platform import Platform

ACCEPTED: Final = "accepted"
REFUSED: Final = "refused"
# So long a file must stay as it is: one that is still being copied would be taken in part.
QUIET_SECONDS: Final = 10.0
# Others are left where they are: structures and attachments that rows name. Some of these are refused with a reason.
_TAKEN: Final = (*TABLE_SUFFIXES, ".gz", ".zip", ".xls", ".ods")
_UNFINISHED: Final = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".filepart", ".download", "~")
_MEMORY: Final = "last_look"


@dataclass(frozen=True)
class WaitingFile:
    """A file that was put into the watched folder.

    Attributes
    ----------
    name
        Within the folder, with the folder of a campaign before it where there is one.
    state
        What changes when the file does: size and time, or what the bucket calls its version.
    """

    name: str
    size: int
    state: str

    @property
    def campaign(self) -> str:
        """The campaign whose folder it lies in; empty for none."""
        return self.name.rpartition("/")[0]


class ResultsFolder:
    """A folder or prefix that files of results are taken from.

    Parameters
    ----------
    url
        A folder, or a URL that universal-pathlib understands.
    """

    def __init__(self, url: str) -> None:
        self._store = ObjectStore(url)

    def list_waiting(self) -> list[WaitingFile]:
        """Return the files that are not taken yet, in the order of their names.

        Raises
        ------
        CatalystError
            The folder is not there or cannot be read.
        """
        try:
            found = self._store.list_files(depth=2)
        except KeyError:
            raise CatalystError(
                f"There is no results folder {self._store.url}.",
                "Make it, or correct CATALYST_RESULTS_FOLDER.",
            ) from None
        return [WaitingFile(file.key, file.size, file.state) for file in found if _is_to_take(file.key)]

    def take(self, platform: "Platform", name: str) -> "Outcome | RefusedFileError | None":
        """Submit a file, write its receipt and put it away; None where it is gone or was replaced meanwhile.

        Killed at any moment and called again it ends in the same state.

        Raises
        ------
        CatalystError
            The folder cannot be written, or the database is out of reach: the file stays.
        """
        waiting = {file.name: file for file in self.list_waiting()}
        file = waiting.get(name)
        if file is None:
            return None
        told = self._submit(platform, file)
        if isinstance(told, RefusedFileError):
            self._put_away(
                file, REFUSED, "refused.txt", f"{told.name}\n\n{told.listed()}\n\n{told.remedy}\n".encode()
            )
        else:
            self._put_away(file, ACCEPTED, "accepted.json", json.dumps(told.to_json(), indent=1).encode())
        return told

    def _submit(self, platform: "Platform", file: WaitingFile) -> "Outcome | RefusedFileError":
        short = PurePosixPath(file.name).name
        if file.size > MOST_BYTES:
            reason = f"it has {file.size:,} bytes, more than {MOST_BYTES:,}"
            return RefusedFileError(short, [Problem("", "", "", reason, "Divide it into several files.")])
        folder = f"{file.campaign}/" if file.campaign else ""
        held = ResultFile(short, self._store.get_bytes(file.name), _beside(self._store, folder))
        try:
            return submit_file(
                platform,
                held,
                by="results folder",
                channel="folder",
                defaults=Defaults(campaign=file.campaign),
            )
        except RefusedFileError as error:
            return error

    def _put_away(self, file: WaitingFile, to: str, kind: str, receipt: bytes) -> None:
        target = f"{to}/{file.name}"
        if self._store.exists(target):
            # An earlier file of this name stays.
            path = PurePosixPath(file.name)
            target = f"{to}/{path.with_name(f'{path.stem}.{_short(file.state)}{path.suffix}')}"
        self._store.put_bytes(f"{target}.{kind}", receipt)
        now = {each.name: each for each in self.list_waiting()}.get(file.name)
        if now == file:
            self._store.move(file.name, target)


def find_quiet(
    files: list[WaitingFile], cursor: str | None, now: float
) -> tuple[list[WaitingFile], str | None]:
    """Return the files that have not changed for a while, and what to remember until the next look.

    Parameters
    ----------
    cursor
        What the last look left.
    now
        Seconds since the epoch. A clock that was set back makes files wait anew.
    """
    before: dict[str, Any] = json.loads(cursor).get(_MEMORY, {}) if cursor else {}
    since: dict[str, float] = {}
    for file in files:
        state, began = before.get(file.name, ("", now))
        since[file.name] = began if state == file.state and began <= now else now
    quiet = [file for file in files if now - since[file.name] >= QUIET_SECONDS]
    remembered = {file.name: [file.state, since[file.name]] for file in files}
    return quiet, json.dumps({_MEMORY: remembered}) if files else None


def _beside(store: ObjectStore, folder: str) -> Callable[[str], bytes | None]:
    def find(name: str) -> bytes | None:
        try:
            return store.get_bytes(f"{folder}{name}")
        except (KeyError, ValueError):
            return None

    return find


def _short(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()[:8]


def _is_to_take(name: str) -> bool:
    path = PurePosixPath(name)
    if path.parts[0] in (ACCEPTED, REFUSED) or any(part.startswith((".", "~$")) for part in path.parts):
        return False
    return name.lower().endswith(_TAKEN) and not name.lower().endswith(_UNFINISHED)
