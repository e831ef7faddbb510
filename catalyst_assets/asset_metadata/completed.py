"""What every asset has and no stage should have to say: the version of its code, a link to it, owners."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import dagster as dg

from catalyst_assets.asset_metadata.links import link_to_code
from catalyst_assets.asset_metadata.versions import hash_folders
from catalyst_assets.constants import OWNERS, Group

# Beside the folder of its group, which has the group's name.
_MORE_FOLDERS: Final[Mapping[str, Sequence[str]]] = {Group.LABELS.value: ("campaigns", "validation")}


def completed(assets: Iterable[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """Return the assets with code version, link and owners where they have none."""
    return [_complete(asset) for asset in assets]


def _complete(asset: dg.AssetsDefinition) -> dg.AssetsDefinition:
    def complete(spec: dg.AssetSpec) -> dg.AssetSpec:
        group = spec.group_name or ""
        metadata: dict[str, Any] = {**spec.metadata}
        if "dagster/code_references" not in metadata:
            metadata |= link_to_code(asset)
        return spec.replace_attributes(
            code_version=spec.code_version or hash_folders(*_MORE_FOLDERS.get(group, (group,))),
            owners=spec.owners or OWNERS,
            metadata=metadata,
        )

    return asset.map_asset_specs(complete)
