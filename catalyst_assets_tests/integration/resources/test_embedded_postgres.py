import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
import sqlalchemy as sa

from catalyst_assets.errors import CatalystError, DatabaseUnavailableError
from catalyst_assets_tests.processes import eventually, processes_of
from resources.postgres.embedded import EmbeddedPostgres

HOLD = """
import sys, time
from pathlib import Path
from resources.postgres.embedded import EmbeddedPostgres

with EmbeddedPostgres(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    yield home
    for process in processes_of(home):
        process.kill()


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("made") / "home"
    with EmbeddedPostgres(home):
        pass
    return home


@pytest.fixture
def used_home(home: Path, made_once: Path) -> Path:
    """A home whose database was made and stopped before."""
    subprocess.run(["cp", "-a", str(made_once), str(home)], check=True)  # keeps the owner, too
    return home


def hold(home: Path) -> subprocess.Popen[str]:
    """Start another process that uses the server until it is killed."""
    return subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True)


def is_ready(holder: subprocess.Popen[str]) -> bool:
    assert holder.stdout is not None
    return holder.stdout.readline() == "ready\n"


def query(server: EmbeddedPostgres, statement: str) -> object:
    engine = sa.create_engine(server.owner_url("postgres"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        result = connection.exec_driver_sql(statement)
        return result.scalar() if result.returns_rows else None


def control_data(home: Path) -> str:
    cluster = EmbeddedPostgres(home).cluster
    command = [str(cluster.binaries / "pg_controldata"), "-D", str(cluster.data)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def postmaster(home: Path) -> psutil.Process:
    return psutil.Process(int((home / "postgres/data/postmaster.pid").read_text().splitlines()[0]))


def keeper(home: Path) -> psutil.Process:
    return psutil.Process(int((home / "postgres/keeper.lock").read_text()))


def test_the_last_to_leave_stops_the_server_cleanly(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        first = postmaster(home)
        with EmbeddedPostgres(home):
            assert postmaster(home) == first
        assert query(server, "SELECT 1") == 1
    assert not first.is_running()
    assert processes_of(home) == []
    assert "shut down\n" in control_data(home)
    assert not server.cluster.socket_dir.exists()


def test_what_was_written_is_there_at_the_next_start(used_home: Path) -> None:
    with EmbeddedPostgres(used_home) as server:
        query(server, "CREATE TABLE kept (x integer)")
    with EmbeddedPostgres(used_home) as server:
        assert query(server, "SELECT count(*) FROM kept") == 0


def test_processes_that_start_together_share_one_server(home: Path) -> None:
    holders = [hold(home) for _ in range(4)]
    try:
        assert all(is_ready(holder) for holder in holders)
        servers = [p for p in processes_of(home) if p.name() == "postgres" and p.ppid() == keeper(home).pid]
        assert servers == [postmaster(home)]
    finally:
        for holder in holders:
            holder.kill()
            holder.communicate()


def test_a_killed_user_leaves_no_server_behind(used_home: Path) -> None:
    with hold(used_home) as holder:
        assert is_ready(holder)
        server = postmaster(used_home)
        holder.kill()
    assert eventually(lambda: not server.is_running() and processes_of(used_home) == [])
    assert "shut down\n" in control_data(used_home)


def test_the_server_stays_while_another_user_is_killed(used_home: Path) -> None:
    with EmbeddedPostgres(used_home) as server, hold(used_home) as holder:
        assert is_ready(holder)
        holder.kill()
        holder.wait()
        assert not eventually(lambda: not postmaster(used_home).is_running(), seconds=4.0)
        assert query(server, "SELECT 1") == 1


def test_a_killed_keeper_takes_its_server_along_and_a_user_gets_a_new_one(used_home: Path) -> None:
    with EmbeddedPostgres(used_home) as server:
        query(server, "CREATE TABLE kept (x integer)")
        old = postmaster(used_home)
        keeper(used_home).kill()
        assert eventually(lambda: not old.is_running())
        server.ensure_running()
        assert query(server, "SELECT count(*) FROM kept") == 0
    assert processes_of(used_home) == []


def test_a_killed_server_is_started_again_while_somebody_needs_it(used_home: Path) -> None:
    with EmbeddedPostgres(used_home) as server:
        old = postmaster(used_home)
        old.kill()

        def answers() -> bool:
            try:
                return postmaster(used_home) != old and query(server, "SELECT 1") == 1
            except (OSError, sa.exc.OperationalError, psutil.NoSuchProcess):
                return False

        assert eventually(answers)


def test_a_stale_note_that_names_a_foreign_process_is_no_obstacle(used_home: Path) -> None:
    with hold(used_home) as holder:
        assert is_ready(holder)
        killed = [keeper(used_home), postmaster(used_home)]
        for process in (*killed, holder):
            process.kill()
        psutil.wait_procs(killed)
    note = used_home / "postgres/data/postmaster.pid"
    lines = note.read_text().splitlines()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as foreign:
        note.write_text("\n".join([str(foreign.pid), *lines[1:]]) + "\n")
        with EmbeddedPostgres(used_home) as server:
            assert query(server, "SELECT 1") == 1
        assert foreign.poll() is None
        foreign.kill()


@pytest.mark.parametrize("seconds", [0.25, 0.5, 0.75, 1.0])
def test_a_first_start_killed_at_any_point_is_made_good_by_the_next(home: Path, seconds: float) -> None:
    with hold(home) as holder:
        try:
            holder.wait(seconds)
        except subprocess.TimeoutExpired:
            holder.send_signal(signal.SIGKILL)
    with EmbeddedPostgres(home) as server:
        assert query(server, "SELECT 1") == 1
    assert list((home / "postgres").glob("new.*")) == []


def test_a_home_of_150_characters_with_spaces_works(tmp_path: Path) -> None:
    home = tmp_path / ("a home with spaces " * 10)[: 150 - len(str(tmp_path)) - 1].strip().ljust(40, "x")
    home = home if len(str(home)) >= 150 else home.with_name(home.name + "y" * (150 - len(str(home))))
    assert len(str(home)) >= 150
    with EmbeddedPostgres(home) as server:
        assert query(server, "SHOW data_directory") == str(home / "postgres/data")
        assert len(os.fsencode(server.cluster.socket_dir / ".s.PGSQL.5432")) < 104
    assert processes_of(home) == []


def test_passwords_are_generated_private_and_asked_for(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        path = home / "postgres/passwords.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(set(server.cluster.passwords.values())) == len(server.cluster.passwords)
        for password in ("", "wrong"):
            with pytest.raises(psycopg2.OperationalError, match="password"):
                psycopg2.connect(
                    host=str(server.cluster.socket_dir),
                    user="catalyst_owner",
                    dbname="postgres",
                    password=password,
                )
        log = server.cluster.log.read_text()
        assert not any(password in log for password in server.cluster.passwords.values())


def test_nothing_listens_on_a_network(used_home: Path) -> None:
    with EmbeddedPostgres(used_home) as server:
        assert query(server, "SHOW listen_addresses") == ""


def test_a_home_of_another_postgresql_version_is_refused(home: Path) -> None:
    (home / "postgres/data").mkdir(parents=True)
    (home / "postgres/data/PG_VERSION").write_text("16\n")
    with pytest.raises(DatabaseUnavailableError, match="written by PostgreSQL 16") as caught:
        EmbeddedPostgres(home).acquire()
    assert "another home" in caught.value.remedy
    assert processes_of(home) == []


def test_a_damaged_database_is_reported_with_the_servers_own_words(used_home: Path) -> None:
    cluster = EmbeddedPostgres(used_home).cluster
    shutil.rmtree(used_home / "postgres/data/global")
    with pytest.raises(DatabaseUnavailableError, match=r"does not start: .*global") as caught:
        EmbeddedPostgres(used_home).acquire()
    assert "postgres.log" in caught.value.remedy
    assert processes_of(used_home) == []
    assert not cluster.socket_dir.exists()


def test_lost_passwords_are_named(used_home: Path) -> None:
    (used_home / "postgres/passwords.json").unlink()
    with pytest.raises(DatabaseUnavailableError, match=r"passwords\.json is missing"):
        EmbeddedPostgres(used_home).owner_url("postgres")


def test_a_home_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CatalystError, match="cannot be used: Not a directory") as caught:
        EmbeddedPostgres(tmp_path / "file" / "home").acquire()
    assert "--home" in caught.value.remedy


def test_a_full_disk_is_one_clear_error_and_leaves_nothing_half_made(home: Path) -> None:
    program = (
        "import resource, sys; from pathlib import Path;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from resources.postgres.embedded import EmbeddedPostgres; EmbeddedPostgres(Path(sys.argv[1])).acquire()"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(home)], capture_output=True, text=True, check=False
    )
    assert "DatabaseUnavailableError: The database under" in run.stderr
    assert "Free disk space" in run.stderr
    assert not (home / "postgres/data").exists()
    assert list((home / "postgres").glob("new.*")) == []
    with EmbeddedPostgres(home) as server:
        assert query(server, "SELECT 1") == 1


def test_a_home_and_the_socket_are_closed_to_other_users(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        for folder in (home, home / "postgres", home / "logs", server.cluster.socket_dir):
            assert stat.S_IMODE(folder.stat().st_mode) & 0o067 == 0, folder
        assert query(server, "SELECT 1") == 1


def test_an_older_home_that_others_could_enter_closes_what_is_private(used_home: Path) -> None:
    for folder in (used_home, used_home / "postgres", used_home / "logs"):
        folder.chmod(0o755)
    with EmbeddedPostgres(used_home) as server:
        assert query(server, "SELECT 1") == 1
    modes = [stat.S_IMODE((used_home / name).stat().st_mode) & 0o067 for name in ("", "postgres", "logs")]
    assert modes == [0o055 & 0o067, 0, 0]


@pytest.mark.parametrize("trap", ["link", "folder"])
def test_what_somebody_put_in_the_sockets_place_is_neither_followed_nor_given_away(
    used_home: Path, tmp_path: Path, trap: str
) -> None:
    with EmbeddedPostgres(used_home) as server:
        known = server.cluster.socket_dir
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o750)
    if trap == "link":
        known.symlink_to(victim)
    else:
        known.mkdir(mode=0o777)
        known.chmod(0o777)
        (known / "lure").touch()
    before = victim.stat()
    try:
        with EmbeddedPostgres(used_home) as server:
            assert query(server, "SELECT 1") == 1
            assert server.cluster.socket_dir != known
        after = victim.stat()
        assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
        assert list(victim.iterdir()) == []
    finally:
        known.unlink() if known.is_symlink() else shutil.rmtree(known)


def test_a_copied_home_has_a_socket_of_its_own(used_home: Path, tmp_path: Path) -> None:
    with EmbeddedPostgres(used_home):
        pass
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", str(used_home), str(copy)], check=True)
    with EmbeddedPostgres(used_home) as server, EmbeddedPostgres(copy) as other:
        assert server.cluster.socket_dir != other.cluster.socket_dir
        assert query(server, "SHOW data_directory") != query(other, "SHOW data_directory")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is damaged: "),
        (b"\xff\xfe", "is damaged: "),
        (b"[]", "is damaged: it should hold"),
        (b'{"catalyst_owner": 5}', "is damaged: it should hold"),
        (b'{"catalyst_app": "x"}', "is damaged: the password of catalyst_owner is missing"),
    ],
)
def test_damaged_passwords_are_one_clear_error(home: Path, content: bytes, said: str) -> None:
    (home / "postgres" / "data").mkdir(parents=True)
    (home / "postgres/passwords.json").write_bytes(content)
    with pytest.raises(DatabaseUnavailableError, match=rf"passwords\.json {said}") as caught:
        EmbeddedPostgres(home).owner_url("postgres")
    assert "backup" in caught.value.remedy
