"""Checkpoints of a training in the object store, so that whichever host is given it next goes on from there."""

import logging
import shutil
from typing import TYPE_CHECKING

from catalyst_assets.errors import CatalystError, RunGivenUpError

if TYPE_CHECKING:
    from pathlib import Path

    from resources.platform import Platform

_log = logging.getLogger(__name__)


class SharedCheckpoints:
    """The folder of a training that may be killed, and its copy in the object store.

    Where the object store is the home's own folder, there is no other host to share with, and no copy.

    Parameters
    ----------
    name
        Names the training: the same for each try of it.

    Attributes
    ----------
    folder
        Where the training leaves its checkpoints on this host.
    """

    def __init__(self, platform: "Platform", name: str) -> None:
        self.folder = platform.settings.checkpoint_folder / name
        self._objects = platform.objects
        self._is_shared = platform.settings.object_store is not None
        self._prefix = f"checkpoints/{name}"
        self._pushed: dict[Path, tuple[int, int]] = {}

    def fetch(self) -> None:
        """Bring the folder up to what any host has reached.

        Raises
        ------
        CatalystError
            The object store cannot be read.
        """
        from catalyst_assets.representation.fitting.checkpoints import steps_done

        for key in self._keys():
            path = self.folder / key.removeprefix(f"{self._prefix}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"{path.name}.partial")
            with self._objects.open(key) as source, partial.open("wb") as target:
                shutil.copyfileobj(source, target)
            if steps_done(partial) > steps_done(path):
                partial.replace(path)
            else:
                partial.unlink()

    def push(self) -> None:
        """Copy what has changed since the last call; a store that does not answer costs the training nothing.

        Raises
        ------
        RunGivenUpError
            This process's run has lost its claim.
        """
        from catalyst_assets.representation.fitting.checkpoints import CHECKPOINT

        if not self._is_shared:
            return
        for path in sorted(self.folder.rglob(CHECKPOINT)):
            state = path.stat()
            version = (state.st_mtime_ns, state.st_size)
            if self._pushed.get(path) == version:
                continue
            try:
                self._objects.put_file(f"{self._prefix}/{path.relative_to(self.folder).as_posix()}", path)
                self._pushed[path] = version
            except RunGivenUpError:
                raise
            except CatalystError as error:
                _log.warning("Another host could not go on from here: %s", error)

    def clear(self) -> None:
        """Remove both: the training is done.

        Raises
        ------
        CatalystError
            The object store cannot be written.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        for key in self._keys():
            self._objects.remove(key)

    def _keys(self) -> list[str]:
        return list(self._objects.list_keys(self._prefix)) if self._is_shared else []
