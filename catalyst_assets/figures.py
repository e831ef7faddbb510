"""Small pictures for asset metadata: PNG in Markdown, so that Dagster's UI shows them in place.

What is drawn of a model is ``learning.uncertainty.figures``; reports for people have figures of their own (``report``).
"""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_discovery(hits: Sequence[bool]) -> str:
    """Draw hits found against materials evaluated; one entry an evaluation, in order."""
    figure, (panel,) = make_panels(1)
    panel.step([*range(len(hits) + 1)], [0, *np.cumsum(hits)], where="post")
    panel.set(xlabel="materials evaluated", ylabel="hits found")
    return as_markdown(to_png(figure), "discovery curve")


def markdown_table(rows: Sequence[Mapping[str, object]]) -> str:
    """Write rows as a Markdown table; their keys are the columns."""
    if not rows:
        return "*none*"
    columns = list(rows[0])
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    lines += [" | ".join(_cell(row[column]) for column in columns) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def make_panels(
    count: int, width: float = 3.2, height: float = 2.8, columns: int = 3
) -> "tuple[Figure, list[Axes]]":
    """Return a figure and its panels, row by row; each is ``width`` by ``height`` inches."""
    from matplotlib.figure import Figure

    columns = min(count, columns)
    rows = -(-count // columns)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    panels = [panel for row in figure.subplots(rows, columns, squeeze=False) for panel in row]
    for panel in panels[count:]:
        panel.set_visible(False)
    for panel in panels[:count]:
        panel.tick_params(labelsize=7)
        panel.xaxis.label.set_fontsize(8)
        panel.yaxis.label.set_fontsize(8)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, panels[:count]


def to_png(figure: "Figure") -> bytes:
    """Return a figure as the bytes of a PNG file.

    Metadata lives in the event log for ever: a palette of 128 colours makes the file a third as large.
    """
    from PIL import Image

    drawn, small = io.BytesIO(), io.BytesIO()
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # arranged once: saving would do it again in each of its passes
    figure.savefig(drawn, format="png", dpi=110, bbox_inches="tight", pad_inches=0.1)
    palette = Image.open(drawn).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    palette.save(small, format="PNG", optimize=True)
    return small.getvalue()


def as_markdown(png: bytes, title: str) -> str:
    """Return a picture as Markdown that holds it."""
    return f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})"
