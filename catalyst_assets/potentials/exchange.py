"""What goes to a potential's worker and comes back, as files of a job's folder; `worker.protocol` says what stands in them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from catalyst_assets.potentials.interface import Answer

if TYPE_CHECKING:
    from ase import Atoms


def write_structures(folder: Path, structures: "Mapping[str, Atoms]") -> None:
    """Write what a worker is asked of."""
    import pyarrow as pa
    from ase.constraints import FixAtoms

    from catalyst_assets.potentials.worker.protocol import ASKED, STRUCTURES

    rows = []
    for name, atoms in structures.items():
        fixed = np.zeros(len(atoms), dtype=bool)
        for constraint in atoms.constraints:
            if isinstance(constraint, FixAtoms):
                fixed[constraint.index] = True
        rows.append(
            {
                "name": name,
                "numbers": atoms.numbers,
                "positions": atoms.positions.ravel(),
                "cell": atoms.cell.array.ravel(),
                "periodic": atoms.pbc.tolist(),
                "fixed": fixed.tolist(),
            }
        )
    with pa.OSFile(str(folder / STRUCTURES), "wb") as file, pa.ipc.new_stream(file, ASKED) as stream:
        stream.write_batch(pa.RecordBatch.from_pylist(rows, schema=ASKED))


def read_answers(folder: Path, structures: "Mapping[str, Atoms]") -> Iterator[Answer]:
    """Yield what was answered; the end of a file whose writer was killed is as good as none."""
    import pyarrow as pa

    from catalyst_assets.potentials.worker.protocol import ANSWERS

    try:
        file = pa.OSFile(str(folder / ANSWERS))
    except FileNotFoundError:
        return
    with file:
        try:
            stream = pa.ipc.open_stream(file)
            for batch in stream:
                for row in batch.to_pylist():
                    yield _answer(row, structures[row["name"]])
        except (pa.ArrowInvalid, OSError):
            return


def _answer(row: Mapping[str, Any], asked: "Atoms") -> Answer:
    relaxed = None
    if row["positions"] is not None:
        relaxed = asked.copy()
        relaxed.set_cell(np.reshape(row["cell"], (3, 3)))
        relaxed.set_positions(np.reshape(row["positions"], (-1, 3)), apply_constraint=False)

    def array(name: str, *shape: int) -> np.ndarray | None:
        return None if row[name] is None else np.reshape(np.array(row[name]), shape)

    return Answer(
        row["name"],
        row["error"] or "",
        float("nan") if row["energy"] is None else row["energy"],
        array("forces", -1, 3),
        array("stress", 3, 3),
        array("features", -1),
        relaxed,
        row["status"],
        row["steps"] or 0,
        float("nan") if row["largest_force"] is None else row["largest_force"],
        row["held"],
    )
