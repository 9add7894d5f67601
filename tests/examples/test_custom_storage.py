"""The example of a storage of one's own keeps every promise of its ports, and tells its story."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from attrs import evolve
from hypothesis import settings

from examples.custom_storage import Journal
from orderwright import AdapterFault, Contact, OutOfStock, Posting, Reservation
from orderwright.errors import KeyReused
from orderwright.inventory.guard import GUARDED, Policies
from orderwright.testing import Contract, InventoryRepositoryContract, OrderRepositoryContract
from tests.worlds import NOON, World, card, line

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_storage.py"


@contextmanager
def journal_file() -> Iterator[str]:
    """The path of a file that is not there yet."""
    with TemporaryDirectory() as folder:
        yield f"{folder}/shop.db"


class TestOrders(OrderRepositoryContract):
    """Every adapter has a memory of its own, and all have one file."""

    durable_on_save = True
    machine_settings = settings(Contract.machine_settings, max_examples=10)

    @contextmanager
    def make(self) -> Iterator[Callable[[], Journal]]:
        """A file for each test."""
        with journal_file() as path:
            yield lambda: Journal(path)


class TestStock(InventoryRepositoryContract):
    """The same for stock."""

    machine_settings = settings(Contract.machine_settings, max_examples=10)

    @contextmanager
    def make(self) -> Iterator[Callable[[Policies], Journal]]:
        """A file for each test."""
        with journal_file() as path:
            yield lambda policies: Journal(path, policies)


def test_the_story_is_told() -> None:
    """Run as a program it prints what it is known to print; and it is as short as was promised."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert Path(__file__).with_name("custom_storage.txt").read_text("utf-8") == done.stdout
    assert len(EXAMPLE.read_text("utf-8").splitlines()) <= 150


def test_an_order_goes_on_where_another_process_stopped(tmp_path: Path) -> None:
    """What one adapter saved and posted is all there for another that opens the file later."""
    path = str(tmp_path / "shop.db")
    world = World()
    first = world.new_desk(orders=Journal(path), inventory=Journal(path))
    first.post_stock(Posting.receive("d1", "MUG", "MAIN", 5, at=NOON))
    placed = first.place([line(quantity=2)], order_id="o1", tenders=[card()])
    journal = Journal(path)
    second = world.new_desk(orders=journal, inventory=journal)
    assert placed == second.order("o1")
    delivered = second.deliver("o1", second.ship("o1", "f1").fulfillments[0].id)
    assert ("completed", "paid", "delivered") == (
        delivered.state.name,
        delivered.money,
        delivered.goods,
    )
    assert delivered == first.order("o1")
    assert () == journal.stock.ledger.audit()


TAKER = """
import sys
from datetime import UTC, datetime
from examples.custom_storage import Journal
from orderwright import OutOfStock, Posting, Reservation

path, name = sys.argv[1:]
journal, taken = Journal(path), 0
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    held = Reservation(f"{name}-{number}", "MUG", "MAIN", 1)
    try:
        journal.post(Posting.reserve(held.id, [held], at=datetime(2026, 1, 1, 12, tzinfo=UTC)))
    except OutOfStock:
        break
    taken += 1
print(taken)
"""


def test_processes_share_a_file(tmp_path: Path) -> None:
    """Three processes that take the last units at once take exactly what there is."""
    path = str(tmp_path / "shop.db")
    Journal(path).post(Posting.receive("d1", "MUG", "MAIN", 25, at=NOON))
    takers = [
        subprocess.Popen(
            [sys.executable, "-c", TAKER, path, name],
            cwd=EXAMPLE.parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "abc"
    ]
    try:
        for one in takers:
            assert one.stdout is not None
            assert "ready\n" == one.stdout.readline()
        taken = [int(one.communicate("go\n", timeout=60)[0]) for one in takers]
    finally:
        for one in takers:
            one.kill()
            one.wait()
    assert 25 == sum(taken)
    journal = Journal(path)
    assert 25 == len(journal.reservations(NOON))
    assert () == journal.stock.ledger.audit()


def test_stricter_policies_do_not_make_what_was_written_unreadable(tmp_path: Path) -> None:
    """Stock that was reserved before safety stock was kept back is still reserved after it."""
    path = str(tmp_path / "shop.db")
    held = Reservation("r1", "MUG", "MAIN", 3)
    Journal(path).post(Posting.receive("d1", "MUG", "MAIN", 3, at=NOON))
    Journal(path).post(Posting.reserve("p1", [held], at=NOON))
    strict = Journal(path, lambda _sku, _location: evolve(GUARDED, safety_stock=2))
    assert (held,) == strict.reservations(NOON)
    strict.post(Posting.receive("d2", "MUG", "MAIN", 2, at=NOON))
    with pytest.raises(OutOfStock):
        strict.post(Posting.reserve("p2", [evolve(held, id="r2", quantity=1)], at=NOON))


def test_a_commit_that_fails_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the file did not take, memory does not claim to know: it reads the file anew."""
    path = str(tmp_path / "shop.db")
    journal = Journal(path)
    journal.post(Posting.receive("d1", "MUG", "MAIN", 5, at=NOON))

    class Full(sqlite3.Connection):
        """A connection whose disk is full when it comes to the end."""

        def execute(self, sql: str, /, *given: object) -> sqlite3.Cursor:
            """Refuse to commit."""
            if sql == "COMMIT":
                raise sqlite3.OperationalError("database or disk is full")
            return super().execute(sql, *given)

    connect = sqlite3.connect
    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, factory=Full, **k))
        with pytest.raises(AdapterFault, match="disk is full") as caught:
            journal.post(Posting.receive("d2", "MUG", "MAIN", 5, at=NOON))
    assert (path, False) == (caught.value.adapter, caught.value.retryable)
    assert [5] == [stock.available for stock in journal.supply(["MUG"], now=NOON)]
    assert ["d1"] == [one.id for one in journal.postings()]


def test_a_file_that_is_locked_or_broken_is_an_adapter_fault(tmp_path: Path) -> None:
    """A lock that stays is worth another try; what cannot be read is not, and nothing changes."""
    path = tmp_path / "shop.db"
    Journal(str(path)).post(Posting.receive("d1", "MUG", "MAIN", 5, at=NOON))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO journal VALUES (NULL, 'o1', '[{\"type\": \"unheard_of.v9\"}]')")
    with pytest.raises(AdapterFault, match=r"row 2: .*unheard_of\.v9") as caught:
        Journal(str(path)).load("o1")
    assert not caught.value.retryable
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 99)
    with pytest.raises(AdapterFault, match="not a database"):
        Journal(str(path)).load("o1")


def test_a_file_that_contradicts_itself_is_never_half_believed(tmp_path: Path) -> None:
    """A posting that somebody changed by hand is refused by every call, not only by the first."""
    path = str(tmp_path / "shop.db")
    Journal(path).post(Posting.receive("d1", "MUG", "MAIN", 5, at=NOON))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO journal SELECT NULL, '', replace(document, '5', '6') FROM journal")
    journal = Journal(path)
    for _ in range(2):
        with pytest.raises(KeyReused, match="d1"):
            journal.supply(["MUG"], now=NOON)


def test_of_forgotten_personal_data_no_byte_is_left(tmp_path: Path) -> None:
    """After `forget` the name is in no file of the store, and other adapters do not know it."""
    path = str(tmp_path / "shop.db")
    world = World()
    journal, other = Journal(path), Journal(path)
    desk = world.new_desk(orders=journal)
    desk.place([line()], order_id="o1", contact=Contact(name="Ada Unforgettable"))
    assert "Ada Unforgettable" == other.contact(desk.order("o1").contact_id).name
    desk.forget("o1")
    assert other.contact(desk.order("o1").contact_id) is None
    for file in tmp_path.iterdir():
        assert b"Unforgettable" not in file.read_bytes()
