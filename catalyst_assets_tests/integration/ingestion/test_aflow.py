"""AFLOW from an AFLUX server on loopback to rows of the database."""

import copy
import io
import json
from typing import Any

import pytest

from catalyst_assets.errors import SourceError, UsageError
from catalyst_assets.ingestion.accounting import account_for_rows, find_bad_properties
from catalyst_assets.ingestion.aflow.entries import AflowParser, list_entries, read_stamp
from catalyst_assets.ingestion.aflow.source import Aflow, check_matchbook
from catalyst_assets.ingestion.aflow.spec import NAME
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.raw_cache import read_memory
from catalyst_assets.ingestion.sources.refreshing import Refreshed, hash_current, refresh
from catalyst_assets_tests.aflux_server import SAMPLES, AfluxServer, sample_entries, serving
from catalyst_assets_tests.loading import load, query
from resources.platform import Platform

MATCHBOOK = "species(Na,Cl),nspecies(2)"


def entry(number: int, **changes: Any) -> dict[str, Any]:
    """Return rock salt, a little larger with each number, dated by it."""
    return {
        "auid": f"aflow:{number:016x}",
        "aurl": f"aflowlib.duke.edu:AFLOWDATA/LIB2_WEB/NaCl/{number}",
        "dft_type": "PAW_PBE",
        "geometry": [4.0 + number / 1000] * 3 + [60, 60, 60],
        "species": ["Na", "Cl"],
        "composition": [1, 1],
        "positions_fractional": [[0, 0, 0], [0.5, 0.5, 0.5]],
        "Egap": 5.0 + number / 1000,
        "enthalpy_formation_atom": -2.0,
        "aflowlib_date": f"202001{1 + number // 24:02d}_{number % 24:02d}:00:00_GMT-5",
    } | changes


def fetch(platform: Platform, server: AfluxServer, **options: Any) -> Refreshed:
    memory = read_memory(platform.database, NAME)
    with Fetcher(sleep=lambda _: None) as fetcher:
        source = Aflow(fetcher, MATCHBOOK, memory, endpoint=server.endpoint, page_size=10, **options)
        return refresh(source, platform.database, platform.objects)


@pytest.mark.parametrize("older_shape", [False, True])
def test_both_shapes_of_reply_give_the_same_materials(platform: Platform, older_shape: bool) -> None:
    with serving([entry(number) for number in range(25)], older_shape=older_shape) as server:
        assert fetch(platform, server).fetched == 3
        # Without a total the page behind the last one says that it is the last.
        behind = [] if older_shape else [(-4, 10)]
        assert server.asked == [(-1, 1), (-1, 10), (-2, 10), (-3, 10), *behind]
        assert f"?aflowlib_date,{MATCHBOOK},auid," in server.requests[0]

    settled = load(platform)

    assert (settled.new, settled.quarantined) == (25, 0)
    ((formula, n_sites, properties),) = query(
        platform,
        "SELECT reduced_formula, n_sites, properties FROM materials "
        "WHERE material_id = 'aflow:0000000000000007'",
    )
    assert (formula, n_sites) == ("NaCl", 2)
    assert properties == {
        "band_gap": [{"value": 5.007, "unit": "eV", "method": "PBE", "source": "aflow"}],
        "formation_energy_per_atom": [{"value": -2.0, "unit": "eV/atom", "method": "PBE", "source": "aflow"}],
    }
    assert {a.problem for a in account_for_rows(platform.database, platform.objects)} == {""}
    assert find_bad_properties(platform.database) == []


def test_a_refresh_reads_down_to_what_is_known(platform: Platform) -> None:
    entries = [entry(number) for number in range(35)]
    with serving(entries[:25]) as server:
        fetch(platform, server)
        load(platform)
        before = hash_current(platform.database, [NAME])
        server.asked.clear()
        assert fetch(platform, server).fetched == 0
        assert server.asked == [(-1, 1)]
        assert hash_current(platform.database, [NAME]) == before

        server.entries = [*entries[:28], entry(3, Egap=1.0, aflowlib_date="20210101_00:00:00_GMT-5")]
        server.asked.clear()
        fetch(platform, server)

    assert server.asked == [(-1, 1), (-1, 10), (-2, 10)]
    settled = load(platform)
    assert (settled.new, settled.changed) == (3, 1)
    for _ in range(2):
        ((gaps,),) = query(
            platform,
            "SELECT properties -> 'band_gap' FROM materials WHERE material_id = 'aflow:0000000000000003'",
        )
        assert [gap["value"] for gap in gaps] == [1.0]
        load(platform, reparse=True)


def test_an_interrupted_refresh_goes_on_with_the_page_it_lacks(platform: Platform) -> None:
    with serving([entry(number) for number in range(35)]) as server:
        server.refuses_from = 3
        with pytest.raises(SourceError, match="403"):
            fetch(platform, server)
        server.refuses_from = None
        server.asked.clear()

        fetch(platform, server)

        assert server.asked == [(-3, 10), (-4, 10), (-5, 10)]
    assert load(platform).new == 35


def test_a_limit_leaves_the_rest_to_the_next_refresh(platform: Platform) -> None:
    with serving([entry(number) for number in range(25)]) as server:
        fetch(platform, server, most_entries=5)
        assert load(platform).new == 10
        fetch(platform, server)
        assert load(platform).new == 15


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"auid": "mp-149"}, "auid"),
        ({"positions_fractional": [[0, 0, 0]]}, "positions_fractional"),
        ({"geometry": [4, 4, 4, 60, 60]}, "geometry"),
        ({"geometry": [4, 4, 4, 170, 170, 170]}, "structure"),
        ({"species": ["Na", "Qq"]}, "species"),
        ({"composition": [1, 0.5]}, "composition"),
        ({"dft_type": "PAW_LDA"}, "dft_type"),
        ({"dft_type": None}, "dft_type"),
        ({"Egap": "wide"}, "Egap"),
    ],
)
def test_what_is_wrong_is_set_aside_by_name_and_the_rest_loads(
    platform: Platform, changes: dict[str, Any], field: str
) -> None:
    with serving([entry(1), entry(2, **changes)]) as server:
        fetch(platform, server)

    settled = load(platform)

    assert (settled.new, settled.quarantined) == (1, 1)
    ((reason,),) = query(platform, "SELECT reason FROM quarantine")
    assert reason.startswith(f"{field}: ")
    assert {a.problem for a in account_for_rows(platform.database, platform.objects)} == {""}


@pytest.mark.parametrize("nothing", [None, "", 1e12, "1e9"])
def test_what_stands_for_no_number_is_no_value(platform: Platform, nothing: object) -> None:
    with serving([entry(1, Egap=nothing, ldau_TLUJ="2;2;4;0")]) as server:
        fetch(platform, server)
    load(platform)

    ((properties,),) = query(platform, "SELECT properties FROM materials")
    assert "band_gap" not in properties
    assert properties["formation_energy_per_atom"][0]["method"] == "PBE+U"


def test_the_real_samples_are_read(platform: Platform) -> None:
    with serving(copy.deepcopy(sample_entries())) as server:
        fetch(platform, server)
    settled = load(platform)
    older = json.loads((SAMPLES / "aflux_page1_912.json").read_text())

    assert settled.quarantined == 0
    assert query(platform, "SELECT material_id, reduced_formula, n_sites FROM materials ORDER BY 1") == [
        ("aflow:517a4994793f4e09", "H2", 1),
        ("aflow:992fd15e37d7ee20", "N2", 4),
        ("aflow:a0bacbcd30a8e39a", "BC", 4),
        ("aflow:ac07a46920620531", "B3C", 4),
        ("aflow:b1adccacc1617241", "N2", 4),
    ]
    # The newer page has N4 of two catalogs.
    assert query(platform, "SELECT material_id, same_as FROM materials WHERE deprecated") == [
        ("aflow:b1adccacc1617241", "aflow:992fd15e37d7ee20")
    ]
    assert (settled.unified, settled.materials) == (1, 4)
    assert [item["compound"] for item in list_entries(older) or []][:2] == ["Be1O1", "Be1O1"]
    assert read_stamp(sample_entries()[1]) == "2021-09-01T22:40:12+00:00"


@pytest.mark.parametrize("matchbook", ["", "a b", "species(O),paging(0)", "$format(json)", "x" * 8000])
def test_a_matchbook_that_cannot_be_asked_is_refused(matchbook: str) -> None:
    with pytest.raises(UsageError):
        check_matchbook(matchbook)


@pytest.mark.parametrize("data", [b"", b'{"error": 1}', b"3", b"[" * 100_000])
def test_what_is_no_page_is_refused_as_a_whole(platform: Platform, data: bytes) -> None:
    with serving([entry(1)]) as server:
        fetch(platform, server)
    from catalyst_assets.ingestion.raw_cache import current_files

    (raw,) = current_files(platform.database)
    with pytest.raises(SourceError):
        AflowParser().survey(raw, io.BytesIO(data))
