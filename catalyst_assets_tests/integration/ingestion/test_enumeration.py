"""From a list of species to candidates in the database."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalyst_assets.errors import InvalidPoolError, UsageError
from catalyst_assets.ingestion.accounting import account_for_rows
from catalyst_assets.ingestion.prototypes.source import EnumerationParser, Prototypes, load_enumeration
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.sources.refreshing import refresh
from catalyst_assets_tests.loading import load, query
from resources.platform import Platform

PEROVSKITES = {
    "name": "small",
    "prototype": "cubic_perovskite",
    "sites": {"A": ["Sr", "Na", "La"], "B": ["Ti", "Nb", "Al"], "X": ["O", "F"]},
}


def write(folder: Path, **changes: Any) -> Path:
    path = folder / "enumeration.yaml"
    path.write_text(yaml.safe_dump(PEROVSKITES | changes), encoding="utf-8")
    return path


def ids(platform: Platform) -> set[str]:
    rows = query(platform, "SELECT material_id FROM materials WHERE NOT deprecated")
    return {material_id.removeprefix("prototypes_small:") for (material_id,) in rows}


def enumerate_(platform: Platform, path: Path) -> None:
    refresh(Prototypes([path]), platform.database, platform.objects)


def test_only_what_is_neutral_becomes_a_candidate(platform: Platform, tmp_path: Path) -> None:
    enumerate_(platform, write(tmp_path))

    settled = load(platform)

    assert ids(platform) == {"Sr-Ti-O", "Na-Nb-O", "La-Al-O"}
    assert (settled.new, settled.quarantined) == (3, 0)
    assert [account.problem for account in account_for_rows(platform.database, platform.objects)] == [""]
    assert query(platform, "SELECT DISTINCT properties FROM materials") == [({},)]


def test_the_filters_can_be_switched_off(platform: Platform, tmp_path: Path) -> None:
    enumerate_(platform, write(tmp_path, neutral=False))
    load(platform)

    assert len(ids(platform)) == 18


def test_cations_must_give_electrons(platform: Platform, tmp_path: Path) -> None:
    sites = {"M": ["Ti", "S"], "X": ["O", "I"]}
    enumerate_(platform, write(tmp_path, prototype="rutile", sites=sites))
    load(platform)

    # Sulfur(IV) iodide is neutral, but iodine is the more electropositive of the two.
    assert ids(platform) == {"Ti-O", "S-O"}


def test_exchanged_cations_of_a_double_perovskite_are_one_crystal(platform: Platform, tmp_path: Path) -> None:
    sites = {"A": ["Ba"], "B": ["Mg", "W", "Ca"], "C": ["Mg", "W"], "X": ["O"]}
    enumerate_(platform, write(tmp_path, prototype="double_perovskite", sites=sites))
    load(platform)

    assert ids(platform) == {"Ba-Mg-W-O", "Ba-Ca-W-O"}


def test_every_combination_of_an_alloy_becomes_a_candidate(platform: Platform, tmp_path: Path) -> None:
    sites = {"A": ["Pt", "Ni"], "B": ["Ni", "Pt", "Al"]}
    enumerate_(platform, write(tmp_path, prototype="L1_2", sites=sites))
    load(platform)
    assert ids(platform) == {"Pt-Ni", "Pt-Al", "Ni-Pt", "Ni-Al"}

    # A and B of an equiatomic alloy exchanged are one crystal.
    enumerate_(platform, write(tmp_path, prototype="L1_0", sites=sites))
    load(platform)
    assert ids(platform) == {"Ni-Pt", "Pt-Al", "Ni-Al"}


def test_a_changed_enumeration_replaces_its_candidates_and_the_same_one_changes_nothing(
    platform: Platform, tmp_path: Path
) -> None:
    enumerate_(platform, write(tmp_path))
    first = load(platform)
    enumerate_(platform, write(tmp_path))
    again = load(platform)
    assert (again.files, again.sha256) == (0, first.sha256)

    sites = PEROVSKITES["sites"] | {"A": ["Sr", "Ca"]}
    enumerate_(platform, write(tmp_path, sites=sites))
    changed = load(platform)

    assert ids(platform) == {"Sr-Ti-O", "Ca-Ti-O"}
    assert (changed.new, changed.deprecated) == (1, 2)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"prototype": "garnet"}, "garnet"),
        ({"sites": {"A": ["Sr"], "B": ["Ti"]}}, "A, B, X"),
        ({"sites": {"A": ["Sr"], "B": ["Tx"], "X": ["O"]}}, "Tx"),
        ({"sites": {"A": ["Sr", "Sr"], "B": ["Ti"], "X": ["O"]}}, "twice"),
        ({"sites": {"A": [], "B": ["Ti"], "X": ["O"]}}, "sites.A"),
        ({"nam": "x"}, "nam"),
    ],
)
def test_a_file_that_is_not_valid_is_refused_by_field(
    tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        load_enumeration(write(tmp_path, **changes))


def test_an_enumeration_that_leaves_nothing_is_marked_with_the_reason(
    platform: Platform, tmp_path: Path
) -> None:
    enumerate_(platform, write(tmp_path, sites={"A": ["Sr"], "B": ["Al"], "X": ["O"]}))
    load(platform)

    ((status, note),) = query(platform, "SELECT parse_status, parse_note FROM raw_files")
    assert status == "failed"
    assert "none of 1 combinations" in note


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[1]", b'{"name": "x", "prototype": "spinel", "sites": {"A": ["\\u0000"]}}']
)
def test_cached_bytes_that_are_no_enumeration_are_refused_as_a_whole(data: bytes) -> None:
    request = {"kind": "enumeration", "answers": False, "parameters": {}}
    raw = RawFile(1, "prototypes_x", "u", request, "0" * 64, 1, "l", datetime.now(UTC), "pending", None)
    with pytest.raises(InvalidPoolError, match="no enumeration") as caught:
        EnumerationParser().survey(raw, io.BytesIO(data))
    assert "\0" not in str(caught.value)
