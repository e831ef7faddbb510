"""`catalyst models predict`: what a registered version says of structures in files."""

import csv
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalyst_assets.commands.models.tables import explain_superseded
from catalyst_assets.commands.opening import Home, open_platform
from catalyst_assets.ingestion.reading.files import READABLE, read_structures
from catalyst_assets.vocabulary.known import unit_of

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

_COLUMNS = (
    "structure", "formula", "model", "property", "mean", "std", "unit", "has_learned", "distance",
    "out_of_distribution", "problem",
)  # fmt: skip


def predict(
    model: Annotated[str, typer.Argument(help="NAME for the champion, or NAME@VERSION.")],
    structures: Annotated[list[Path], typer.Argument(help=f"Files: {READABLE}.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of JSON.")] = False,
    home: Home = None,
) -> None:
    """Predict mean and standard deviation of each property; what cannot be read or described says why.

    The model was fitted to its campaign's chemistry: look at the standard deviation and at the distance to what it
    was fitted to before you trust a mean.
    """
    from catalyst_assets.errors import CatalystError
    from catalyst_assets.prediction.apply import load_version, predict_structures

    entries = _read_all(structures)
    unreadable = [f"{name}: {found}" for name, found in entries if isinstance(found, str)]
    readable = [found for _, found in entries if not isinstance(found, str)]
    if not readable:
        raise CatalystError(f"No structure can be read. {' '.join(unreadable)}")
    for problem in unreadable:
        typer.echo(problem, err=True)
    with open_platform(home) as platform:
        loaded = load_version(platform, model)
        predicted = predict_structures(platform, loaded, readable)
    if loaded.superseded:
        typer.echo(explain_superseded(loaded.name, loaded.superseded), err=True)
    has_learned = loaded.has_learned
    for property_name in predicted.prediction.properties:
        if not has_learned[property_name]:
            typer.echo(
                f"{loaded.name} has not learned {property_name}, there were too few labels: what it predicts is "
                "typical of any material.",
                err=True,
            )
    rows: list[dict[str, Any]] = []
    index = -1
    for name, structure in entries:
        about: dict[str, Any] = {"structure": name, "formula": "", "model": loaded.name}
        if isinstance(structure, str):
            rows.append(about | {"problem": structure})
            continue
        index += 1
        about["formula"] = structure.composition.reduced_formula
        if index in predicted.failures:
            rows.append(about | {"problem": predicted.failures[index]})
            continue
        row = predicted.kept.index(index)
        distance, is_outside = predicted.prediction.distance, predicted.prediction.is_outside
        if distance is not None and is_outside is not None:
            about["distance"] = float(distance[row])
            about["out_of_distribution"] = bool(is_outside[row])
        for column, property_name in enumerate(predicted.prediction.properties):
            rows.append(
                about
                | {
                    "property": property_name,
                    "mean": float(predicted.prediction.mean[row, column]),
                    "std": float(predicted.prediction.std[row, column]),
                    "unit": unit_of(property_name),
                    "has_learned": has_learned[property_name],
                }
            )
    if not as_csv:
        typer.echo(json.dumps(rows, indent=2))
        return
    writer = csv.DictWriter(sys.stdout, _COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)


def _read_all(paths: list[Path]) -> "list[tuple[str, Structure | str]]":
    """Return structures by name, or why there is none; files of the same name go by their paths."""
    names = Counter(path.name for path in paths)
    return [
        entry
        for path in paths
        for entry in read_structures(path, path.name if names[path.name] == 1 else str(path))
    ]
