"""OC20 from a server on loopback into the raw cache and the tables: what is fetched, and what is refused."""

import hashlib
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalyst_assets.commands.ingest import app
from catalyst_assets.errors import SourceError, UsageError
from catalyst_assets.ingestion.oc20.files import ADSORBATES, PUBLISHED, PublishedFile
from catalyst_assets.ingestion.oc20.source import check_choice, refresh_source
from catalyst_assets.ingestion.oc20.spec import NAME, Oc20Config
from catalyst_assets.ingestion.raw_cache import current_files, raw_key
from catalyst_assets.ingestion.sources.refreshing import hash_current
from catalyst_assets_tests.file_server import FileServer, serving
from catalyst_assets_tests.loading import load, query
from catalyst_assets_tests.oc20_loading import (
    FILES,
    H_ARCHIVE,
    H_ENERGIES,
    OH_ARCHIVE,
    add_bulk,
    energies,
    fetch,
    problems,
    two_bulks,
)
from catalyst_assets_tests.oc20_samples import (
    SAMPLES,
    ase_lmdb,
    ase_row,
    frame,
    mapping_entry,
    pack,
    relaxations,
    s2ef_pair,
    slab,
)
from resources.platform import Platform


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving({"h.tar": H_ARCHIVE, "oh.tar": OH_ARCHIVE}) as running:
        yield running


def test_a_second_refresh_asks_one_question_a_file_and_changes_nothing(
    platform: Platform, server: FileServer, tmp_path: Path
) -> None:
    mapping = two_bulks(tmp_path)
    add_bulk(platform, "mp-1", "Pt")
    fetch(platform, server.url, FILES, [mapping])
    before = hash_current(platform.database, [NAME]), load(platform).sha256
    assert [(asked.method, asked.path) for asked in server.asked] == [("GET", "/h.tar"), ("GET", "/oh.tar")]
    server.asked.clear()

    again = fetch(platform, server.url, FILES, [mapping])

    assert [(asked.method, asked.path) for asked in server.asked] == [("HEAD", "/h.tar"), ("HEAD", "/oh.tar")]
    assert (again.fetched, again.unchanged) == (0, 1)
    assert (hash_current(platform.database, [NAME]), load(platform).sha256) == before
    assert list((platform.settings.home / "downloads").iterdir()) == []


def test_another_file_under_a_pinned_name_is_refused(platform: Platform, server: FileServer) -> None:
    unchecked = [PublishedFile("h", "h.tar", "", "oc20_relaxations", "H")]
    fetch(platform, server.url, unchecked)
    load(platform)
    server.files["h.tar"] = relaxations("H", {"random1": 5.0})

    with pytest.raises(SourceError, match="when it was first fetched it had") as caught:
        fetch(platform, server.url, unchecked)

    assert hashlib.sha256(H_ARCHIVE).hexdigest() in caught.value.message
    load(platform, reparse=True)
    assert energies(platform) == pytest.approx(H_ENERGIES, abs=1e-9)


def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(
    platform: Platform, server: FileServer
) -> None:
    fetch(platform, server.url, FILES[:1])
    (raw,) = current_files(platform.database)
    platform.objects.put_bytes(raw_key(raw.sha256), b"damaged")

    fetch(platform, server.url, FILES[:1])

    assert load(platform).adsorption_new == len(H_ENERGIES)
    assert [asked.method for asked in server.asked] == ["GET", "GET"]


def test_the_newest_file_that_says_something_stands_in_any_order_of_loading(
    platform: Platform, tmp_path: Path
) -> None:
    older, newer = tmp_path / "older.tar", tmp_path / "newer.tar"
    older.write_bytes(relaxations("H", {"random1": 1.0, "random2": 2.0}))
    newer.write_bytes(relaxations("H", {"random2": -2.0, "random3": -3.0}))
    for path in (older, newer):
        fetch(platform, paths=[path])
    wanted = {"random1": 1.0, "random2": -2.0, "random3": -3.0}

    for options in ({}, {"reparse": True}, {"reparse": True, "backwards": True}):
        load(platform, **options)
        assert energies(platform) == pytest.approx(wanted, abs=1e-9)
        assert problems(platform) == {""}
    newest = hashlib.sha256(newer.read_bytes()).hexdigest()
    assert query(platform, "SELECT raw_sha256 FROM adsorption_energies WHERE system_id = 'random2'") == [
        (newest,)
    ]


def test_every_kind_of_file_is_accounted_for(platform: Platform, tmp_path: Path) -> None:
    frames = [frame(slab("O", n), -178.0 + n) for n in range(4)]
    shard = s2ef_pair(
        [
            "random1,frame1,-178.5",
            "random1,frame2,-178.5",
            "random1,frame1,-178.5",
            "random1,frame9,1e10",
            "x",
        ],
        frames,
    )
    (tmp_path / "s2ef.tar").write_bytes(
        pack([("0.extxyz.xz", shard[0]), ("0.txt.xz", shard[1]), ("1.extxyz.xz", shard[0])])
    )
    single = tmp_path / "1050.extxyz.xz"
    single.write_bytes(shard[0][: len(shard[0]) - 300])
    (tmp_path / "1050.txt.xz").write_bytes(s2ef_pair([f"random7,frame{n},-178.5" for n in range(4)], [])[1])
    ase_lmdb(tmp_path / "x.aselmdb", {"1": ase_row(), "2": ase_row(), "3": b"?"})
    table = tmp_path / "labels.csv"
    table.write_bytes(
        (SAMPLES / "oc20_val_adsorption_energies.csv").read_bytes() + b"random0,1e10,H,Pt4,1 1 1,\n"
    )
    broken = tmp_path / "mapping.json"
    broken.write_text(
        json.dumps({"random1": mapping_entry(), "random2": mapping_entry(anomaly=7), "a b": {}})
    )
    names = ("s2ef.tar", "1050.extxyz.xz", "x.aselmdb", "labels.csv", "mapping.json")

    fetch(platform, paths=[tmp_path / name for name in names])
    settled = load(platform)

    assert settled.unreadable_files == 0
    assert problems(platform) == {""}
    frame_rows = query(
        platform,
        "SELECT frame, energy_ev, relaxed FROM adsorption_energies WHERE system_id = 'random1' ORDER BY 1",
    )
    assert frame_rows == [(1, pytest.approx(0.5, abs=1e-9), False), (2, pytest.approx(1.5, abs=1e-9), False)]
    reasons = {
        str(record): str(reason)
        for record, reason in query(platform, "SELECT record, reason FROM quarantine")
    }
    assert "stands for no value" in reasons["0.extxyz.xz frame 3"]
    assert "cut off" in reasons["1050.extxyz.xz frame 3"]
    assert "stands for no value" in reasons["row 1479"]
    assert query(platform, "SELECT min(energy_ev) FROM adsorption_energies") == [(-9.465824259999977,)]
    ((count,),) = query(platform, "SELECT count(*) FROM adsorption_energies WHERE bulk_formula = 'Nb4Pt12'")
    assert count >= 1
    again = load(platform, reparse=True)
    assert (again.adsorption_new, again.adsorption_changed) == (0, 0)
    assert again.adsorption_unchanged == settled.adsorption_new


def test_pickles_are_refused_unless_they_are_allowed(platform: Platform, tmp_path: Path) -> None:
    path = tmp_path / "oc20_data_mapping.pkl"
    path.write_bytes(pickle.dumps({"random1": mapping_entry(bulk_mpid="mp-7")}))
    for config in (Oc20Config(paths=[str(path)]), Oc20Config(files=["oc20_data_mapping"])):
        with pytest.raises(UsageError, match="is a pickle, which is refused") as caught:
            check_choice(config)
        assert "--allow-pickles" in caught.value.remedy
        check_choice(config.model_copy(update={"allow_pickles": True}))

    fetch(platform, paths=[path])
    load(platform)

    assert query(platform, "SELECT system_id, bulk_mpid FROM adsorption_systems") == [("random1", "mp-7")]
    assert problems(platform) == {""}


def test_a_hostile_pickle_fails_its_file_and_no_other(
    platform: Platform, tmp_path: Path, server: FileServer
) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "owned").encode() + b"'\ntR.")

    fetch(platform, server.url, FILES[:1], [path])
    settled = load(platform)

    assert (settled.unreadable_files, settled.adsorption_new) == (1, len(H_ENERGIES))
    notes = query(platform, "SELECT parse_note FROM raw_files WHERE parse_status = 'failed'")
    assert "system, which is not read" in notes[0][0]
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("adsorbates", "names", "path"),
    [
        (["N2"], [], None),
        ([], ["s2ef_train_all"], None),
        ([], [], "nowhere.tar"),
        ([], [], "x.zip"),
        ([], [], "x.tar"),
    ],
)
def test_what_is_not_known_is_refused_before_anything_starts(
    tmp_path: Path, adsorbates: list[str], names: list[str], path: str | None
) -> None:
    if path and path != "nowhere.tar":
        (tmp_path / path).write_bytes(pack([("a.txt", b"")]))

    paths = [str(tmp_path / path)] if path else []
    with pytest.raises(UsageError):
        check_choice(Oc20Config(adsorbates=adsorbates, files=names, paths=paths, allow_pickles=True))


def test_the_published_files_have_checksums_and_parsers() -> None:
    from catalyst_assets.ingestion.sources.parsers import PARSERS

    assert set(ADSORBATES) == {"H", "O", "OH"}
    assert {len(file.md5) for file in PUBLISHED.values()} == {32}
    assert {file.kind for file in PUBLISHED.values()} <= set(PARSERS)
    assert ADSORBATES["H"].path == "per_adsorbate_is2res/1.tar"


def test_a_file_that_is_not_as_published_is_refused(platform: Platform, server: FileServer) -> None:
    server.files["per_adsorbate_is2res/1.tar"] = H_ARCHIVE

    with pytest.raises(SourceError, match="published is 3697f04faf04251a23da8b88a78209f7"):
        refresh_source(Oc20Config(adsorbates=["H"], base_url=server.url), platform)

    assert [asked.path for asked in server.asked] == ["/per_adsorbate_is2res/1.tar"]
    assert current_files(platform.database) == []


def test_the_command_loads_a_table(tmp_path: Path) -> None:
    table = str(SAMPLES / "oc20_val_adsorption_energies.csv")
    command = [sys.executable, "-m", "catalyst_assets.cli", "ingest", "oc20", "--path", table, "--json"]

    loaded = subprocess.run(
        [*command, "--home", str(tmp_path / "home")], capture_output=True, text=True, check=False, timeout=120
    )

    assert loaded.returncode == 0, loaded.stderr
    summary = json.loads(loaded.stdout)
    assert (summary["fetched"], summary["adsorption_new"], summary["quarantined"]) == (1, 1477, 0)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "No file of OC20 is named"),
        (["--file", "oc20_data_mapping"], "which is refused"),
        (["--adsorbate", "N2"], "has no adsorbate 'N2'"),
    ],
)
def test_the_command_refuses_before_it_starts_anything(
    tmp_path: Path, options: list[str], complaint: str
) -> None:
    outcome = CliRunner().invoke(app, ["oc20", *options, "--home", str(tmp_path / "home")])

    assert isinstance(outcome.exception, UsageError)
    assert complaint in outcome.exception.message
    assert not (tmp_path / "home").exists()
