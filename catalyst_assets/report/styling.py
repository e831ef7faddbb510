"""How the pictures of a report look, and how they become files."""

import io
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeVar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_P = ParamSpec("_P")
_R = TypeVar("_R")

BLUE, ORANGE, GREEN, GREY, INK = "#1f5fae", "#c8601a", "#2b8a5a", "#8a94a3", "#1d2733"
# Inches; small enough to be read on a phone, where a picture is as wide as the screen.
WIDE, PANEL = (5.4, 3.7), (4.4, 3.5)
_STYLE: Final[dict[Any, Any]] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#b4bcc8",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titlepad": 10,
    "axes.titleweight": "bold",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "grid.color": "#e6e9ee",
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "svg.fonttype": "path",
    "text.color": INK,
    "xtick.color": "#5b6675",
    "ytick.color": "#5b6675",
}


def styled(draw: Callable[_P, _R]) -> Callable[_P, _R]:
    """Draw in the report's style."""

    @wraps(draw)
    def drawn(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        import matplotlib as mpl

        with mpl.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return drawn


def new_figure(size: tuple[float, float], **texts: str) -> "tuple[Figure, Axes]":
    """Return an empty figure of one panel, ``size`` in inches, with its title, xlabel and ylabel."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.12))
    return figure, figure.add_subplot(1, 1, 1, **texts)


def put_legend(figure: "Figure", columns: int = 2) -> None:
    """Put the legend below the panel."""
    figure.legend(loc="outside lower center", ncols=columns)


def image_bytes(figure: "Figure", kind: Literal["png", "svg"], name: str) -> bytes:
    """Return the figure as a file; the same figure under the same ``name`` gives the same bytes."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(buffer, format=kind, dpi=160, metadata=metadata)
    return buffer.getvalue()
