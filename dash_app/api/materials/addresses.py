"""Where a source shows a material: pages of the databases that have one for each, else the provider's own record."""

import re
from functools import cache
from typing import Final
from urllib.parse import quote

from catalyst_assets.ingestion.optimade.providers import list_providers, load_provider

_MATERIALS_PROJECT: Final = "https://materialsproject.org/materials/{}"
_PAGES: Final = {
    "materials_project": (re.compile(r"mp-[0-9a-z]+"), _MATERIALS_PROJECT),
    "optimade_mp": (re.compile(r"mp-[0-9a-z]+"), _MATERIALS_PROJECT),
    "aflow": (re.compile(r"[0-9a-f]{16}"), "https://aflow.org/material/?id=aflow:{}"),
}


def source_page(source: str, source_id: str) -> str | None:
    """Return the address of a material's page at its source; None where there is none that we know of."""
    known = _PAGES.get(source)
    if known is not None and known[0].fullmatch(source_id):
        return known[1].format(source_id)
    base = _providers().get(source)
    return None if base is None else f"{base}/structures/{quote(source_id, safe='')}"


@cache
def _providers() -> dict[str, str]:
    """Return the addresses of the OPTIMADE providers that are known, by their source."""
    providers = map(load_provider, list_providers())
    return {provider.source: provider.base_url.rstrip("/") for provider in providers}
