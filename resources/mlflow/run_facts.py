"""What a run of MLflow says of itself beside its numbers: a sentence, the data it used, the code it came from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from resources.code_version import code_version

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

NOTE: Final = "mlflow.note.content"
# Without it MLflow's pages guess from what an experiment holds, and an empty one is taken for GenAI.
EXPERIMENT_KIND: Final = {"mlflow.experimentKind": "custom_model_development"}
_LONGEST_DIGEST: Final = 36
_COMMIT: Final = "git:"


@dataclass(frozen=True)
class UsedData:
    """The data a run learned from, as MLflow's pages show it.

    Attributes
    ----------
    url
        Where it lies.
    n_rows
        How many rows it has.
    columns
        Kind of each column (`string`, `double`, …) by name.
    """

    name: str
    sha256: str
    url: str
    n_rows: int
    columns: Mapping[str, str]

    def as_input(self) -> "DatasetInput":
        """Return MLflow's own record of it: training data with its source, schema and number of rows."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        fields = [{"name": name, "type": kind, "required": True} for name, kind in self.columns.items()]
        scheme = self.url.partition("://")[0]
        return DatasetInput(
            Dataset(
                name=self.name,
                digest=self.sha256[:_LONGEST_DIGEST],
                source_type="local" if scheme == "file" else scheme,
                source=json.dumps({"uri": self.url}),
                schema=json.dumps({"mlflow_colspec": fields}),
                profile=json.dumps({"num_rows": self.n_rows, "sha256": self.sha256}),
            ),
            [InputTag("mlflow.data.context", "training")],
        )


def source_tags(module: str) -> dict[str, str]:
    """Return MLflow's tags that say which code made a run."""
    version = code_version()
    tags = {"mlflow.source.name": module, "mlflow.source.type": "LOCAL"}
    if version.startswith(_COMMIT):
        tags["mlflow.source.git.commit"] = version.removeprefix(_COMMIT).partition("+")[0]
    return tags
