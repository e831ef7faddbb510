"""How a list of problems becomes the result of an asset check."""

from collections.abc import Sequence

import dagster as dg

_SHOWN = 5
_KEPT = 100


def as_check_result(problems: Sequence[str], spec: dg.AssetCheckSpec) -> dg.AssetCheckResult:
    """Pass without problems; else show the first and keep more as metadata. What does not block warns."""
    severity = dg.AssetCheckSeverity.ERROR if spec.blocking else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=not problems,
        severity=severity,
        description=" ".join(problems[:_SHOWN]) + (" …" if len(problems) > _SHOWN else ""),
        metadata={"problems": dg.MetadataValue.json(list(problems[:_KEPT]))},
    )
