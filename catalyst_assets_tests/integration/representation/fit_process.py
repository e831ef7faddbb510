"""A process that fits a small network, slowly enough to be killed within an epoch.

``python -m catalyst_assets_tests.integration.representation.fit_process FOLDER SECONDS_PER_STEP``
"""

import hashlib
import json
import sys
import time
from pathlib import Path

from catalyst_assets.representation.fitting.fit import fit_network
from catalyst_assets.representation.fitting.module import FitModule
from catalyst_assets.representation.fitting.settings import FitSettings
from catalyst_assets_tests.fitted import split, tiny_backbone

SETTINGS = FitSettings(
    max_epochs=12,
    max_edges_per_batch=1500,
    hidden=16,
    dropout=0.1,
    learning_rate=1e-2,
    patience=4,
    accelerator="cpu",
)


def fit(checkpoints: Path) -> dict[str, object]:
    """Fit and return the curves and predictions, and which epochs were told of."""
    told: list[int] = []
    backbone, (training, validation) = tiny_backbone(), split()
    fitted = fit_network(
        backbone.network,
        backbone.config,
        training,
        validation,
        SETTINGS,
        checkpoints,
        on_epoch=lambda epoch, _: told.append(epoch),
    )
    predictions = fitted.predict(validation.graphs, validation.extra)
    return {
        "told": told,
        "curves": {name: [list(point) for point in points] for name, points in fitted.curves.items()},
        "centers": [prediction.center.tolist() for prediction in predictions],
        "spreads": [prediction.spread.tolist() for prediction in predictions],
        "best_epoch": fitted.best_epoch,
        "sha256": hashlib.sha256(fitted.to_bytes()).hexdigest(),
    }


def main() -> None:
    """Print the number of each epoch that is computed when its first step is, and the result at the end."""
    step = FitModule.training_step

    def slow_step(module: FitModule, batch: object) -> object:
        print(json.dumps({"epoch": module.current_epoch}), flush=True)
        time.sleep(float(sys.argv[2]))
        return step(module, batch)  # type: ignore[arg-type]

    FitModule.training_step = slow_step  # type: ignore[method-assign,assignment]
    print(json.dumps(fit(Path(sys.argv[1]))), flush=True)


if __name__ == "__main__":
    main()
