"""The source OC20: adsorption energies of the Open Catalyst 2020 dataset, from published or local files.

Chanussot et al., ACS Catal. 11, 6059 (2021); CC BY 4.0. A published file is downloaded once: its sha256 is pinned then,
and another file under the same name is refused.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.fetching.downloads import Downloader, in_tenths
from catalyst_assets.ingestion.oc20.files import PublishedFile, find_published
from catalyst_assets.ingestion.oc20.local import kind_of, pack_shard, require_permission
from catalyst_assets.ingestion.oc20.s2ef import FRAMES
from catalyst_assets.ingestion.oc20.spec import BASE_URL, LICENCE, NAME, Oc20Config
from catalyst_assets.ingestion.raw_cache import RawRequest, is_whole
from catalyst_assets.ingestion.sources.refreshing import Refreshed, refresh_increment

if TYPE_CHECKING:
    from resources.object_store import ObjectStore
    from resources.platform import Platform
    from resources.settings import Settings


class Oc20:
    """Some of OC20's files.

    Parameters
    ----------
    memory
        What was remembered of the last refresh: of each address the pinned sha256 and the server's version.
    paths
        Files on this machine.
    base_url
        Where the published files are.
    """

    def __init__(
        self,
        downloader: Downloader,
        objects: "ObjectStore",
        published: Sequence[PublishedFile],
        paths: Sequence[Path],
        memory: Mapping[str, Any] | None,
        scratch: Path,
        base_url: str = BASE_URL,
    ) -> None:
        self._downloader = downloader
        self._objects = objects
        self._published = published
        self._paths = paths
        self._pinned: dict[str, dict[str, Any]] = dict((memory or {}).get("pinned", {}))
        self._scratch = scratch
        self._base_url = base_url.rstrip("/") + "/"
        self._md5 = {self._url(file): file.md5 for file in published}
        self._local: dict[str, Path] = {}

    @property
    def memory(self) -> Mapping[str, Any]:
        """The sha256 of every file that was ever downloaded."""
        return {"pinned": self._pinned}

    def list_new(self) -> Iterator[RawRequest]:
        """Yield the local files, and of the published ones those that are not whole in the raw cache.

        Of a published file that is, the server is asked whether it has another version.

        Raises
        ------
        SourceError
            The server refuses to say.
        """
        for path in self._paths:
            url = path.resolve().as_uri()
            self._local[url] = path
            yield RawRequest(NAME, url, kind_of(path), LICENCE)
            if path.name.endswith(FRAMES):
                (self._scratch / f"{path.name}.tar").unlink(missing_ok=True)
        for file in self._published:
            url = self._url(file)
            if not self._is_known(url):
                parameters = {"adsorbate": file.adsorbate} if file.adsorbate else {}
                yield RawRequest(NAME, url, file.kind, LICENCE, parameters)
            # What is in the raw cache needs no second place.
            self._downloader.remove(url)

    def fetch(self, request: RawRequest) -> Path:
        """Return a local file, or download a published one and pin it.

        Raises
        ------
        SourceError
            The server refuses, or gives another file than before or than was published.
        """
        path = self._local.get(request.url)
        if path is not None:
            return pack_shard(path, self._scratch) if path.name.endswith(FRAMES) else path
        before = self._pinned.get(request.url, {})
        downloaded = self._downloader.fetch(
            request.url, self._md5[request.url], str(before.get("sha256", ""))
        )
        version = downloaded.version
        self._pinned[request.url] = {
            "sha256": downloaded.sha256,
            "validator": version.validator,
            "size": version.size,
        }
        return downloaded.path

    def _is_known(self, url: str) -> bool:
        known = self._pinned.get(url)
        if known is None or not is_whole(self._objects, known["sha256"]):
            return False
        version = self._downloader.look(url)
        return version is None or (version.validator, version.size) == (known["validator"], known["size"])

    def _url(self, file: PublishedFile) -> str:
        return self._base_url + file.path


def check_choice(config: Oc20Config) -> tuple[list[PublishedFile], list[Path]]:
    """Return the published files and those of this machine that are meant.

    Raises
    ------
    UsageError
        One is not known or not there, or is a pickle and these are not allowed.
    """
    published = find_published(config.adsorbates, config.files)
    paths = [Path(path) for path in config.paths]
    for file in published:
        require_permission(file.kind, file.name, allow_pickles=config.allow_pickles)
    for path in paths:
        require_permission(kind_of(path), str(path), allow_pickles=config.allow_pickles)
    return published, paths


def require(config: Oc20Config, settings: "Settings", *, reparse: bool) -> list[str]:
    """Refuse files that are not known, not there, or pickles that are not allowed.

    Raises
    ------
    UsageError
        As :func:`check_choice`, or no file is named.
    """
    if not (config.adsorbates or config.files or config.paths or reparse):
        raise UsageError("No file of OC20 is named.", "Add --adsorbate H, --file NAME or --path FILE.")
    check_choice(config)
    return []


def refresh_source(
    config: Oc20Config, platform: "Platform", tell: Callable[[str], object] = lambda text: None
) -> Refreshed:
    """Fetch what is new of some files.

    Raises
    ------
    UsageError
        As :func:`check_choice`.
    SourceError
        A server refuses, or gives what it should not.
    """
    published, paths = check_choice(config)
    folder = platform.settings.home / "downloads"
    progress = in_tenths(lambda done, total: tell(f"{done:.2f} of {total:.2f} GB"))
    refreshed = refresh_increment(
        NAME,
        platform,
        lambda fetcher, memory: Oc20(
            Downloader(fetcher, folder, progress=progress),
            platform.objects,
            published,
            paths,
            memory,
            folder,
            config.base_url or BASE_URL,
        ),
        tell,
    )
    return replace(refreshed, said={"sha256": dict(refreshed.sha256)})
