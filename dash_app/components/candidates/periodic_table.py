"""The periodic table as buttons: elements are chosen by clicking them."""

from typing import Any, Final

from dash import html

from dash_app.components.wording import aria

# Rows as they are printed; a number skips so many places.
_ROWS: Final = (
    "H 16 He",
    "Li Be 10 B C N O F Ne",
    "Na Mg 10 Al Si P S Cl Ar",
    "K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr",
    "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe",
    "Cs Ba 1 Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn",
    "Fr Ra 1 Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og",
    "2 La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu 1",
    "2 Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr 1",
)


def periodic_table() -> html.Div:
    """Lay out one button an element; `assets/review_filters.js` says which are chosen."""
    cells: list[Any] = []
    for row, line in enumerate(_ROWS, 1):
        column = 1
        for part in line.split():
            if part.isdigit():
                column += int(part)
                continue
            cells.append(_element(part, row, column))
            column += 1
    return html.Div(cells, id="elements-table", className="elements", role="group", **aria(label="Elements"))


def _element(symbol: str, row: int, column: int) -> html.Button:
    attributes: dict[str, Any] = {"data-element": symbol}
    # Lanthanides and actinides stand apart.
    place = {"gridRow": row + 1 if row > 7 else row, "gridColumn": column}
    return html.Button(
        symbol,
        type="button",
        className="element",
        title=symbol,
        style=place,
        **attributes,
        **aria(pressed="false"),
    )
