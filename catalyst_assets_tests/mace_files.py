"""MACE networks as others hand them on: pickled modules of mace-torch."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from catalyst_assets.representation.networks.mace import import_mace

ELEMENTS = (1, 8, 22, 38)
ENERGIES = np.array([[-3.1, -4.9, -7.8, -1.6], [-1.1, -1.9, -2.8, -0.6]])


def tiny_mace(heads: tuple[str, ...] = ("first", "second"), **changed: Any) -> torch.nn.Module:
    """A small MACE with what foundation models have: vectors, repulsion, a transformed distance, readouts."""
    modules = import_mace()
    from e3nn import o3

    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(5)
            model: torch.nn.Module = modules.ScaleShiftMACE(
                **{
                    "r_max": 4.0,
                    "num_bessel": 4,
                    "num_polynomial_cutoff": 5,
                    "max_ell": 2,
                    "interaction_cls_first": modules.RealAgnosticDensityResidualInteractionBlock,
                    "interaction_cls": modules.RealAgnosticDensityResidualInteractionBlock,
                    "num_interactions": 2,
                    "num_elements": len(ELEMENTS),
                    "atomic_numbers": list(ELEMENTS),
                    "atomic_energies": ENERGIES[: len(heads)],
                    "hidden_irreps": o3.Irreps("3x0e+3x1o"),
                    "MLP_irreps": o3.Irreps("4x0e"),
                    "gate": torch.nn.functional.silu,
                    "radial_MLP": [6, 6],
                    "avg_num_neighbors": 9.0,
                    "correlation": 2,
                    "pair_repulsion": True,
                    "distance_transform": "Agnesi",
                    "use_reduced_cg": False,
                    "atomic_inter_scale": [0.8, 1.3][: len(heads)],
                    "atomic_inter_shift": [0.1, -0.2][: len(heads)],
                    "heads": list(heads),
                }
                | changed
            )
    finally:
        torch.set_default_dtype(default)
    return model.eval()


def pickled(model: object) -> bytes:
    """Return an object as ``torch.save`` writes it."""
    buffer = io.BytesIO()
    torch.save(model, buffer)
    return buffer.getvalue()


class Spy:
    """Writes down who unpickles it, and in which environment."""

    def __init__(self, report: Path) -> None:
        self._report = report

    def __reduce__(self) -> tuple[Any, ...]:
        program = (
            "import json, os; "
            f"open({str(self._report)!r}, 'w').write(json.dumps([os.getpid(), os.getcwd(), dict(os.environ)]))"
        )
        return exec, (program,)


def switch_safe_loading_on() -> None:
    """Undo what importing mace-torch's calculators does to this process."""
    os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)
