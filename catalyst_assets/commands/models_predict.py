"""`catalyst models predict`: what a registered version says of structures in files."""

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalyst_assets.commands.opening import open_platform

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

_READABLE = "CIF, POSCAR, or JSON of one or several pymatgen structures"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("predict")(predict)


def predict(
    model: Annotated[str, typer.Argument(help="NAME for the champion, or NAME@VERSION.")],
    structures: Annotated[list[Path], typer.Argument(help=f"Files: {_READABLE}.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of JSON.")] = False,
    home: Annotated[
        Path | None,
        typer.Option(
            file_okay=False, help="Folder of the embedded database and object store (default .catalyst)."
        ),
    ] = None,
) -> None:
    """Predict mean and standard deviation of each property; structures without features say why.

    The model was fitted to its campaign's chemistry: look at the standard deviation and at the distance to what it
    was fitted to before you trust a mean.
    """
    from catalyst_assets.constants import PROPERTIES
    from catalyst_assets.learning.apply import load_version, predict_structures

    named = [entry for path in structures for entry in _read(path)]
    with open_platform(home) as platform:
        loaded = load_version(platform, model)
        predicted = predict_structures(platform, loaded, [structure for _, structure in named])
    version = f"{loaded.version.name}@{loaded.version.version}"
    rows: list[dict[str, Any]] = []
    for index, (name, structure) in enumerate(named):
        about: dict[str, Any] = {
            "structure": name,
            "formula": structure.composition.reduced_formula,
            "model": version,
        }
        if index in predicted.failures:
            rows.append(about | {"problem": predicted.failures[index]})
            continue
        row = predicted.kept.index(index)
        if predicted.distance is not None and predicted.is_outside is not None:
            about["distance"] = float(predicted.distance[row])
            about["out_of_distribution"] = bool(predicted.is_outside[row])
        for column, property_name in enumerate(predicted.prediction.properties):
            known = PROPERTIES.get(property_name)
            rows.append(
                about
                | {
                    "property": property_name,
                    "mean": float(predicted.prediction.mean[row, column]),
                    "std": float(predicted.prediction.std[row, column]),
                    "unit": known.unit if known else "",
                }
            )
    if not as_csv:
        typer.echo(json.dumps(rows, indent=2))
        return
    columns: tuple[str, ...] = ("structure", "formula", "model", "property", "mean", "std", "unit")
    columns += ("distance", "out_of_distribution", "problem")
    writer = csv.DictWriter(sys.stdout, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)


def _read(path: Path) -> "list[tuple[str, Structure]]":
    from pymatgen.core.structure import Structure

    from catalyst_assets.errors import UsageError

    if not path.is_file():
        raise UsageError(f"There is no file {path}.")
    try:
        if path.suffix.lower() == ".json":
            found = json.loads(path.read_text(encoding="utf-8"))
            many = found if isinstance(found, list) else [found]
            names = [f"{path.name}#{index}" for index in range(len(many))] if len(many) > 1 else [path.name]
            return list(zip(names, map(Structure.from_dict, many), strict=True))
        return [(path.name, Structure.from_file(path))]
    except Exception as error:  # parsers fail in their own ways
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{path} cannot be read as {_READABLE}: {reason}.") from error
