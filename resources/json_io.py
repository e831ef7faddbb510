"""What the steps of one graph-backed asset hand to each other: small JSON values in the object store.

Tables never travel here; they lie in PostgreSQL or as Parquet under their own content key.
"""

import json
from typing import Any

import dagster as dg

from resources.platform import Platform


class JsonStepValues(dg.IOManager):
    """Keep each step's output as JSON under its run and step, so that any host can read it.

    Parameters
    ----------
    platform
        Whose object store is used.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Store a step's output; assets written elsewhere hand over nothing."""
        if obj is None:
            return
        self._platform.objects.put_bytes(_key(context), json.dumps(obj, allow_nan=False).encode())

    def load_input(self, context: dg.InputContext) -> Any:
        """Return what the upstream step stored."""
        if context.upstream_output is None:
            raise dg.DagsterInvariantViolationError("A step value has no step that wrote it.")
        try:
            return json.loads(self._platform.objects.get_bytes(_key(context.upstream_output)))
        except KeyError:
            return None


def _key(context: dg.OutputContext) -> str:
    step = context.step_key.replace("[", ".").replace("]", "")
    mapping = f".{context.mapping_key}" if context.mapping_key else ""
    return f"steps/{context.run_id}/{step}{mapping}.{context.name}.json"
