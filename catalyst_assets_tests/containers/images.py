"""The images: a base of Debian's packages, the platform's of this commit and of one before, and the services' of compose.yaml."""

import hashlib
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Final

from catalyst_assets_tests.containers.commands import PROJECT, CommandError, podman, run

BASE: Final = "localhost/debian:bookworm-slim"
SERVICES: Final = "localhost/catalyst-services"
_BUILD: Final = (
    "build",
    "--isolation",
    "chroot",
    "--ulimit",
    "nofile=1024:1024",
    "--build-arg",
    f"BASE={BASE}",
)


def make_base(folder: Path) -> None:
    """Make the base image with debootstrap, from the mirror that this machine's apt has, unless it is there."""
    if not podman("images", "--quiet", BASE):
        mirror = _mirror()
        root = folder / "base"
        shutil.rmtree(root, ignore_errors=True)
        run(
            ["debootstrap", "--variant=minbase", "--include=python3,python3-venv,ca-certificates", "bookworm", root, mirror]
        )  # fmt: skip
        run(["sh", "-c", f"tar -C {root} -c . | podman import - {BASE}"])


def _mirror() -> str:
    for line in run(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)"]).splitlines():
        site, _, release = line.partition(" ")
        if release == "bookworm":
            return site
    raise CommandError("This machine's apt knows no mirror of Debian 12.")


def gather_wheels(folder: Path) -> Path:
    """Gather what the images install as wheels, so that a build needs no network; again only if other versions are pinned."""
    wheels, stamp = folder / "wheels", folder / "wheels-of"
    pinned = hashlib.sha256(
        b"".join((PROJECT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    )
    if stamp.exists() and stamp.read_text() == pinned.hexdigest():
        return wheels
    wanted = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    # hatchling builds the package; redis wants async-timeout of a Python before 3.11.3, as Debian's is.
    further = [*wanted["build-system"]["requires"], "moto[s3,server]", "async-timeout"]
    run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", wheels, "--find-links", wheels,
         "-c", PROJECT / "constraints.txt", *wanted["project"]["dependencies"], *further],
        timeout=1800,
    )  # fmt: skip
    stamp.write_text(pinned.hexdigest())
    return wheels


def build_services(wheels: Path) -> None:
    """Build the image of PostgreSQL, Redis, the proxy and the bucket."""
    here = Path(__file__).parent
    podman(*_BUILD, *_from_wheels(wheels), "-t", SERVICES, "-f", here / "services.Dockerfile", here)


def build_platform(wheels: Path, source: Path, tag: str) -> float:
    """Build the platform's image, target `cpu`, of a checkout, and return the seconds."""
    started = time.monotonic()
    podman(*_BUILD, *_from_wheels(wheels), "--target", "cpu", "-t", tag, source, timeout=1800)
    return time.monotonic() - started


def checkout(commit: str | None, folder: Path) -> Path | None:
    """Return a folder with the files of a commit, or of the working tree; None if images cannot be built of it."""
    target = folder / ("before" if commit else "this")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    tree = commit or run(["git", "stash", "create"]).strip() or "HEAD"
    archive = subprocess.run(["git", "archive", tree], cwd=PROJECT, check=True, stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", str(target)], input=archive.stdout, check=True)
    # What is the same in both is built once: layers are known by the times of their files, too.
    run(["find", target, "-exec", "touch", "--date", "@0", "{}", "+"])
    return target if (target / "Dockerfile").exists() else None


def size_in_bytes(image: str) -> int:
    """Return the size of an image, all layers counted."""
    return int(podman("image", "inspect", "--format", "{{.Size}}", image))


def _from_wheels(wheels: Path) -> tuple[str, ...]:
    return (
        "--build-arg", "PIP_OPTIONS=--no-index --find-links /wheels",
        "--volume", f"{wheels}:/wheels:ro",
    )  # fmt: skip
