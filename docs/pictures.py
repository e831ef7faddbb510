"""The pictures of the README and of these pages, taken anew from a demo that has just run: ``make pictures``.

It makes a home in a temporary folder, runs the demo and every service there, drives Debian's Chromium, and removes it
all again. ``--home`` takes them from a demo that has run already.
"""

import argparse
import contextlib
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops
from playwright.sync_api import BrowserContext, FloatRect, Page, sync_playwright
from playwright.sync_api import TimeoutError as NotShownError

DOCS = Path(__file__).resolve().parent
CHROMIUM = "/usr/bin/chromium"
CAMPAIGN = "oxide-perovskites-demo"
MATERIAL = "perovskite_pbe:CsTaO3"
WIDEST = 1440
READY_SECONDS = 240
SHOWN_MILLISECONDS = 120_000


@dataclass(frozen=True)
class Picture:
    """A page and how it is brought to show what the picture is about.

    Attributes
    ----------
    service
        Name of the service of `catalyst up` whose page it is.
    shows
        Text that is there when the page is.
    arrange
        What is done to the page then; returns the part that is shown if not all of it is.
    width, height
        Of the window, in pixels.
    dark
        Whether the visitor prefers dark pages.
    """

    name: str
    service: str
    path: str
    shows: str
    arrange: Callable[[Page], FloatRect | None] = lambda page: None
    width: int = WIDEST
    height: int = 900
    dark: bool = False


# Dagster draws each asset and each group as a foreignObject; what floats above the graph only steers it.
_GRAPH = """() => {
  const nodes = [...document.querySelectorAll("svg foreignObject")];
  for (const each of document.querySelectorAll("div"))
    if (getComputedStyle(each).position === "absolute"
        && !nodes.some((node) => each.contains(node) || node.contains(each))) each.style.visibility = "hidden";
  const boxes = nodes.map((node) => node.getBoundingClientRect());
  const x = Math.min(...boxes.map((box) => box.left)), y = Math.min(...boxes.map((box) => box.top));
  const right = Math.max(...boxes.map((box) => box.right)), lower = Math.max(...boxes.map((box) => box.bottom));
  return {x: x - 8, y: y - 8, width: right - x + 16, height: lower - y + 16};
}"""


def _expand_graph(page: Page) -> FloatRect:
    page.keyboard.press("Alt+e")
    page.get_by_text("validation_results").first.wait_for(timeout=SHOWN_MILLISECONDS)
    page.wait_for_timeout(5_000)
    shown: FloatRect = page.evaluate(_GRAPH)
    return shown


def _last_hour(page: Page) -> None:
    page.get_by_text("1hr", exact=True).click()
    page.wait_for_timeout(3_000)


PICTURES = (
    Picture("asset-graph", "dagster", "/asset-groups", "ingestion", _expand_graph, 2600, 1500),
    Picture("asset-catalog", "dagster", "/assets", "structure_embeddings"),
    Picture(
        "asset-page", "dagster", "/assets/predictions?view=overview", "Definition", width=1_680, height=1_050
    ),
    Picture("runs-timeline", "dagster", "/overview/activity/timeline", "1hr", _last_hour),
    Picture("automation", "dagster", "/automation", "loop"),
    Picture("mlflow-runs", "mlflow", "/", "matching runs"),
    Picture("review-app", "app", f"/campaigns/{CAMPAIGN}", "Candidates", height=1_000),
    *(
        Picture(f"review-{name}{'-dark' * dark}", "app", path, shows, height=height, dark=dark)
        for name, path, shows, height in (
            ("candidates", f"/campaigns/{CAMPAIGN}", "Candidates", 1_000),
            ("material", f"/materials/{MATERIAL}?campaign={CAMPAIGN}", "Predicted and measured", 1_400),
            ("validation", f"/campaigns/{CAMPAIGN}/validation?iteration=all", "Validated", 900),
            ("map", f"/campaigns/{CAMPAIGN}/map", "principal components", 900),
            ("progress", f"/campaigns/{CAMPAIGN}/progress", "Discovery", 1_800),
            ("campaigns", "/", CAMPAIGN, 900),
            ("new-campaign", "/new-campaign", "What it would mean", 1_000),
            ("runs", "/runs", "Began", 900),
            ("data", "/data", "perovskite_pbe", 900),
            ("uploads", "/uploads", "prototype", 900),
        )
        for dark in (False, True)
        if dark or name != "candidates"
    ),
)


def main() -> None:
    """Take all pictures, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="An installation whose demo has run.")
    parser.add_argument("--only", nargs="*", default=[], choices=[picture.name for picture in PICTURES])
    options = parser.parse_args()
    if not Path(CHROMIUM).exists():
        sys.exit(f"{CHROMIUM} is missing: install Debian's chromium, or run `make browser`.")
    missing: list[str] = []
    with contextlib.ExitStack() as stack:
        home = options.home or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="catalyst-pictures-"))
        )
        if options.home is None:
            _say("running the demo (a minute or two)")
            _run_demo(home)
        _say("starting every service")
        addresses = stack.enter_context(_services(home))
        browser = stack.enter_context(_signed_in(home))
        for picture in PICTURES:
            if not options.only or picture.name in options.only:
                _say(f"docs/{picture.name}.png")
                try:
                    _store(picture.name, _take(browser, picture, addresses))
                except NotShownError as error:
                    missing.append(f"{picture.name} is as it was: {error}")
        if not options.only:
            _say("docs/discovery-curve.png")
            curve = home / "reports" / CAMPAIGN / "discovery-curve.png"
            _store("discovery-curve", curve.read_bytes())
    if missing:
        sys.exit("\n".join(missing))


def _say(text: str) -> None:
    print(text, flush=True)


def _run_demo(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "catalyst_assets.cli", "demo", "--home", str(home)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"The demo failed:\n{done.stderr[-2000:]}")


@contextlib.contextmanager
def _services(home: Path) -> Iterator[dict[str, str]]:
    """Run `catalyst up` on free ports and yield the addresses once every page answers."""
    ports = _free_ports("app", "api", "dagster", "mlflow")
    log = home / "pictures.log"
    options = [f"--{name}-port={port}" for name, port in ports.items()]
    with log.open("w", encoding="utf-8") as told:
        server = subprocess.Popen(
            [sys.executable, "-m", "catalyst_assets.cli", "up", "--home", str(home), *options],
            stdout=told, stderr=subprocess.STDOUT, env=os.environ | {"COLUMNS": "80"},
        )  # fmt: skip
    try:
        addresses = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        deadline = time.monotonic() + READY_SECONDS
        while not all(map(_answers, addresses.values())):
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"`catalyst up` did not come up:\n{log.read_text(encoding='utf-8')[-2000:]}")
            time.sleep(1)
        yield addresses
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.unlink(missing_ok=True)


def _free_ports(*names: str) -> dict[str, int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in names]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - our own server
            return int(answer.status) < 400
    except urllib.error.HTTPError as error:
        return error.code in (401, 404)  # it asks who that is, or has no first page
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def _signed_in(home: Path) -> Iterator[BrowserContext]:
    """Open a browser and sign in; the cookie holds for all ports of this machine."""
    command = [sys.executable, "-m", "catalyst_assets.cli", "users", "link", "--home", str(home)]
    link = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            context = browser.new_context(locale="en-GB")
            page = context.new_page()
            page.goto(link)
            page.get_by_text("Sign out").wait_for(timeout=SHOWN_MILLISECONDS)
            page.close()
            yield context
        finally:
            browser.close()


def _take(browser: BrowserContext, picture: Picture, addresses: dict[str, str]) -> bytes:
    page = browser.new_page()
    page.set_viewport_size({"width": picture.width, "height": picture.height})
    page.emulate_media(color_scheme="dark" if picture.dark else "light")
    try:
        page.goto(addresses[picture.service] + picture.path, wait_until="domcontentloaded")
        page.get_by_text(picture.shows).first.wait_for(timeout=SHOWN_MILLISECONDS)
        page.wait_for_timeout(4_000)  # what follows the first text: icons, states, curves
        for waiting in page.get_by_text("Loading", exact=False).all():
            waiting.wait_for(state="hidden", timeout=SHOWN_MILLISECONDS)
        return page.screenshot(animations="disabled", clip=picture.arrange(page))
    finally:
        page.close()


def _store(name: str, png: bytes) -> None:
    """Write a picture without its empty margin, no wider than a page, with as few colours as it needs."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    corner = Image.new("RGB", image.size, image.getpixel((image.width - 1, image.height - 1)))
    inside = (
        ImageChops.difference(image, corner).convert("L").point(lambda value: 255 * (value > 12)).getbbox()
    )
    if inside is not None:
        left, upper, right, lower = inside
        edges = (left - 16, upper - 16, image.width - right - 16, image.height - lower - 16)
        left, upper, right, lower = (max(edge, 0) for edge in edges)
        image = image.crop((left, upper, image.width - right, image.height - lower))
    if image.width > WIDEST:
        image = image.resize((WIDEST, round(image.height * WIDEST / image.width)), Image.Resampling.LANCZOS)
    target = DOCS / f"{name}.png"
    partial = target.with_suffix(".part")
    image.quantize(colors=256, dither=Image.Dither.NONE).save(partial, "PNG", optimize=True)
    shutil.move(partial, target)


if __name__ == "__main__":
    main()
