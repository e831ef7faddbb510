"""The report of a campaign as files: one picture and one self-contained page.

The page (``page.html.j2``) needs no network and no script, so that it can be mailed and kept.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_assets.errors import CatalystError
from catalyst_assets.report.summary import CampaignSummary, title_of, unit_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PNG = "discovery-curve.png"
_HTML = "report.html"


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
    from catalyst_assets.report.charts import discovery_curve, image_bytes
    from resources.object_store import ObjectStore

    store = ObjectStore(str(folder))
    try:
        store.put_bytes(_PNG, image_bytes(discovery_curve(summary), "png", _PNG))
        store.put_bytes(_HTML, render_page(summary).encode())
    except CatalystError as error:
        raise CatalystError(
            f"The report cannot be written to {folder}: {error.message}",
            "Free disk space or make the folder writable, then run again.",
        ) from error
    return ReportFiles(html=folder / _HTML, png=folder / _PNG)


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
    environment.filters |= {"title": title_of, "unit": unit_of, "number": _number}
    learned = sorted({name for i in summary.iterations for name in i.valid_mae_by_property})
    measured = sorted({name for hit in summary.found for name in hit.values})
    return environment.get_template("page.html.j2").render(
        summary=summary,
        learned=learned,
        measured=measured,
        seconds=sum(iteration.seconds for iteration in summary.iterations),
        discovery=_svg(charts.discovery_curve(summary), "discovery"),
        errors=_svg(charts.error_per_iteration(summary), "errors"),
        calibration=_svg(charts.calibration_per_iteration(summary), "calibration"),
        parity=_svg(charts.parity_plots(summary.parity), "parity"),
    )


def _svg(figure: "Figure | None", name: str) -> str:
    if figure is None:
        return ""
    from markupsafe import Markup

    from catalyst_assets.report.charts import image_bytes

    text = image_bytes(figure, "svg", name).decode()
    # matplotlib names glyphs alike in every picture; inside one page they would shadow each other.
    text = text.replace('id="', f'id="{name}-').replace('href="#', f'href="#{name}-')
    text = text.replace("url(#", f"url(#{name}-")
    return Markup(text[text.index("<svg") :])  # noqa: S704 - drawn here; its texts are escaped by matplotlib


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
