"""The report of a campaign as files: one picture and one self-contained page.

The page (``page.html.j2``) needs no network and no script, so that it can be mailed, printed and kept.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from catalyst_assets.constants import decimals
from catalyst_assets.errors import CatalystError
from catalyst_assets.report.statistics import Ratio
from catalyst_assets.report.summary import CampaignSummary
from catalyst_assets.vocabulary.known import label_of, unit_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PNG = "discovery-curve.png"
_HTML = "report.html"
# Longer tables are cut, and say so.
_MOST_ROWS: Final = 200


@dataclass(frozen=True)
class ReportFiles:
    """Where a report lies."""

    html: Path
    png: Path


def write_report(summary: CampaignSummary, folder: Path) -> ReportFiles:
    """Write ``discovery-curve.png`` and ``report.html`` into ``folder``, each whole or not at all.

    Raises
    ------
    CatalystError
        The folder cannot be written.
    """
    from catalyst_assets.report.charts import discovery_curve
    from catalyst_assets.report.styling import image_bytes

    picture = image_bytes(discovery_curve(summary), "png", _PNG)
    _write(folder, {_PNG: picture, _HTML: render_page(summary).encode()})
    return ReportFiles(html=folder / _HTML, png=folder / _PNG)


def write_page(summary: CampaignSummary, path: Path) -> None:
    """Write the page alone, whole or not at all.

    Raises
    ------
    CatalystError
        It cannot be written there.
    """
    _write(path.absolute().parent, {path.name: render_page(summary).encode()})


def render_page(summary: CampaignSummary) -> str:
    """Return the page as one HTML document with its pictures inside."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from catalyst_assets.report import charts

    environment = Environment(
        loader=PackageLoader("catalyst_assets.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "title": label_of, "unit": unit_of, "number": _number, "factor": _factor, "interval": _interval,
        "share": _share, "duration": _duration,
    }  # fmt: skip
    return environment.get_template("page.html.j2").render(
        summary=summary,
        learned=sorted({name for i in summary.iterations for name in i.valid_mae_by_property}),
        measured=sorted({name for hit in summary.found for name in hit.values}),
        suggested=sorted({name for one in summary.next_batch for name in one.predicted}),
        most_rows=_MOST_ROWS,
        seconds=sum(iteration.seconds for iteration in summary.iterations),
        discovery=_svg(charts.discovery_curve(summary), "discovery"),
        errors=_svgs(charts.error_per_iteration(summary), "errors"),
        calibration=_svg(charts.calibration_per_iteration(summary), "calibration"),
        parity=_svgs(charts.parity_plots(summary.parity), "parity"),
        space=_svg(charts.space_map(summary.space) if summary.space else None, "space"),
    )


def _write(folder: Path, files: dict[str, bytes]) -> None:
    from resources.object_store import ObjectStore

    store = ObjectStore(str(folder))
    try:
        for name, data in files.items():
            store.put_bytes(name, data)
    except CatalystError as error:
        raise CatalystError(
            f"The report cannot be written to {folder}: {error.message}",
            "Free disk space or make the folder writable, then run again.",
        ) from error


def _svgs(figures: "dict[str, Figure]", name: str) -> dict[str, str]:
    return {title: _svg(figure, f"{name}-{title}") for title, figure in figures.items()}


def _svg(figure: "Figure | None", name: str) -> str:
    if figure is None:
        return ""
    from markupsafe import Markup

    from catalyst_assets.report.styling import image_bytes

    text = image_bytes(figure, "svg", name).decode()
    # matplotlib names glyphs alike in every picture; inside one page they would shadow each other.
    text = text.replace('id="', f'id="{name}-').replace('href="#', f'href="#{name}-')
    text = text.replace("url(#", f"url(#{name}-")
    return Markup(text[text.index("<svg") :])  # noqa: S704 - drawn here; its texts are escaped by matplotlib


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None or math.isnan(value) else decimals(value, digits)


def _factor(value: float) -> str:
    """Write a factor with two digits that count."""
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def _interval(ratio: Ratio) -> str:
    """Write what 95 % of random campaigns make of a ratio."""
    if math.isinf(ratio.high):
        return "more" if math.isinf(ratio.low) else f"{_factor(ratio.low)} or more"
    return f"{_factor(ratio.low)} to {_factor(ratio.high)}"


def _share(value: float | None) -> str:
    if value is None:
        return "-"
    if 0 < value < 0.001:
        return f"1 in {1 / value:,.0f}" if value > 1e-6 else f"1 in {1 / value:.0e}"
    return f"{100 * value:.{1 if value < 0.1 else 0}f} %"


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
