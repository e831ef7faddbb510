"""How checks are declared, those of an iteration above all, and how a list of problems becomes their result."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dagster as dg

from catalyst_assets.asset_metadata.shown import listing
from catalyst_assets.partitions import AL_ITERATION
from resources.platform import Platform

_SHOWN = 5


def iteration_check(
    name: str, asset: dg.AssetsDefinition, description: str, *, blocking: bool = False
) -> dg.AssetCheckSpec:
    """Declare a check of one partition of an asset; what does not block warns."""
    with warnings.catch_warnings():
        # Partitioned checks are in preview; every load of the code location would say so once a check.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            name, asset=asset, blocking=blocking, description=description, partitions_def=AL_ITERATION
        )


def blocking_check(
    name: str,
    asset: dg.AssetsDefinition,
    description: str,
    find_problems: Callable[[Platform, str], Sequence[str]],
) -> dg.AssetChecksDefinition:
    """Return the one check of an asset that blocks what comes after while a partition has problems.

    Parameters
    ----------
    find_problems
        Of a platform and a partition key, as sentences.
    """
    spec = iteration_check(name, asset, description, blocking=True)

    @dg.multi_asset_check(name=f"{asset.key.path[-1]}_checks", specs=[spec])
    def check(
        context: dg.AssetCheckExecutionContext, platform: dg.ResourceParam[Platform]
    ) -> Iterator[dg.AssetCheckResult]:
        yield as_check_result(find_problems(platform, context.partition_key), spec)

    return check


def as_check_result(
    problems: Sequence[str], spec: dg.AssetCheckSpec, remarks: Sequence[str] = ()
) -> dg.AssetCheckResult:
    """Pass without problems, saying what may be remarked; else say the first, and show more as metadata."""
    said = problems or remarks
    severity = dg.AssetCheckSeverity.ERROR if spec.blocking else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=not problems,
        severity=severity,
        description=" ".join(said[:_SHOWN]) + (" …" if len(said) > _SHOWN else ""),
        metadata=_metadata(problems),
    )


def as_result(problems: Sequence[str], **counts: int) -> dg.AssetCheckResult:
    """Return the result of a check that is the only one of its function, with what it counted as metadata."""
    return dg.AssetCheckResult(
        passed=not problems,
        description="; ".join(problems[:_SHOWN]) + ("; …" if len(problems) > _SHOWN else ""),
        metadata={**counts, **_metadata(problems)},
    )


def _metadata(problems: Sequence[str]) -> dict[str, Any]:
    return {"problems": listing("problem", problems)} if problems else {}
