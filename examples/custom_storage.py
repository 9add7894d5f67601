"""Storage of your own, complete: orders and stock in a file of the standard library's sqlite3.

Events, postings and personal data are all that has to be kept: the rest follows from them. So the
file is a journal, and adapters in memory answer once they know all of it. Threads and processes may
share it; run this to see one shop go on where another stopped. The price: each reads the whole file
once and keeps in memory what follows from it, and one writes at a time.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Concatenate, ParamSpec, TypeVar

from orderwright import Contact, DraftLine, Location, Order, OrderDesk, Posting, Tender, UnitPrice
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.codec import Codec
from orderwright.errors import AdapterFault, KeyReused, NotFound, Refused
from orderwright.inventory.guard import Policies, StockPolicy, guarded
from orderwright.orders.events import Event

P = ParamSpec("P")
T = TypeVar("T")
Kept = Mapping[str, Contact | None]
NONE: Kept = {}
CODEC = Codec()
BEGIN = """
    PRAGMA synchronous = EXTRA; -- what is committed is on the disk
    PRAGMA secure_delete = ON; -- of what is forgotten no trace is left
    CREATE TABLE IF NOT EXISTS journal (number INTEGER PRIMARY KEY, order_id, document);
    CREATE TABLE IF NOT EXISTS contacts (id PRIMARY KEY, document);
    BEGIN """


def asked(verb: Callable[["Journal"], Callable[P, T]]) -> Callable[Concatenate["Journal", P], T]:
    """A method that an adapter in memory answers, once it knows all that is in the file."""

    def method(journal: "Journal", /, *given: P.args, **named: P.kwargs) -> T:
        with journal.opened():
            return verb(journal)(*given, **named)

    return method


class Journal:
    """An order repository and an inventory repository; ``policies`` are those of the stock."""

    durable_on_save = True
    orders: MemoryOrders
    stock: MemoryInventory
    load = asked(lambda journal: journal.orders.load)
    events = asked(lambda journal: journal.orders.events)
    load_with_key = asked(lambda journal: journal.orders.load_with_key)
    feed = asked(lambda journal: journal.orders.feed)
    find = asked(lambda journal: journal.orders.find)
    by_reference = asked(lambda journal: journal.orders.by_reference)
    open_fulfillments = asked(lambda journal: journal.orders.open_fulfillments)
    due = asked(lambda journal: journal.orders.due)
    supply = asked(lambda journal: journal.stock.supply)
    reservations = asked(lambda journal: journal.stock.reservations)
    claims = asked(lambda journal: journal.stock.claims)
    incoming = asked(lambda journal: journal.stock.incoming)
    postings = asked(lambda journal: journal.stock.postings)

    def __init__(self, path: str, policies: Policies = guarded) -> None:
        self.path, self.policies, self.lock, self.sure, self.read = path, policies, Lock(), False, 0

    @contextmanager
    def opened(self, mode: str = "") -> Iterator[sqlite3.Connection]:
        """One transaction on the file; memory knows what was written before it."""
        with self.lock:
            try:
                with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as db:
                    db.executescript(BEGIN + mode)
                    self.catch_up(db)
                    yield db
                    self.read = db.execute("SELECT max(number) FROM journal").fetchone()[0] or 0
                    db.execute("COMMIT")  # what does not come here has never happened
            except (sqlite3.Error, ValueError) as error:
                self.sure, told = False, f"at row {self.read}: {error}"
                raise AdapterFault(self.path, told, retryable="locked" in told) from error
            except BaseException as error:
                self.sure &= isinstance(error, Refused | KeyReused | NotFound)
                raise

    def catch_up(self, db: sqlite3.Connection) -> None:
        """Tell memory what others wrote, as it was allowed then; all, if it may know too much."""
        if not self.sure:
            self.orders, self.stock, self.read = MemoryOrders(), MemoryInventory(self.policies), 0
        self.sure, self.stock.ledger.policies = False, lambda *_: StockPolicy("untracked")
        new = db.execute("SELECT * FROM journal WHERE number > ? ORDER BY number", [self.read])
        for self.read, order_id, document in new:
            if order_id:
                events = [CODEC.decode_event(one) for one in json.loads(document)]
                before = self.orders.load(order_id)
                order = before.after(events) if before else Order.replay(events)
                self.orders.save(order, events, expected_version=order.version - len(events))
            else:
                self.stock.post(CODEC.decode(json.loads(document), Posting))
        self.sure, self.stock.ledger.policies = True, self.policies

    def save(
        self, order: Order, events: Sequence[Event], *, expected_version: int, contacts: Kept = NONE
    ) -> None:
        """See :meth:`.OrderRepository.save`."""
        with self.opened("IMMEDIATE") as db:
            self.orders.save(order, events, expected_version=expected_version)
            said = json.dumps([CODEC.encode_event(one) for one in events])
            db.execute("INSERT INTO journal VALUES (NULL, ?, ?)", (order.id, said))
            for name, contact in contacts.items():
                row = (name, contact and json.dumps(CODEC.encode(contact)))
                db.execute("REPLACE INTO contacts VALUES (?, ?)", row)

    def contact(self, contact_id: str) -> Contact | None:
        """See :meth:`.OrderRepository.contact`."""
        with self.opened() as db:
            row = db.execute("SELECT document FROM contacts WHERE id = ?", [contact_id]).fetchone()
            return CODEC.decode(json.loads(row[0]), Contact) if row and row[0] else None

    def post(self, posting: Posting) -> None:
        """See :meth:`.InventoryRepository.post`. What lapses before it does so again when read."""
        with self.opened("IMMEDIATE") as db:
            self.stock.post(posting)
            said = json.dumps(CODEC.encode(posting))  # said again, it will change nothing again
            db.execute("INSERT INTO journal VALUES (NULL, '', ?)", [said])


def main() -> None:
    """Open a shop on two days: the second knows what was sold on the first."""
    mugs = DraftLine(sku="MUG", quantity=2, unit_price=UnitPrice.of("12.50", "EUR"))
    places, card = [Location(id="MAIN")], Tender(method="card")
    with TemporaryDirectory() as folder:
        for day in (1, 2):
            one, at = Journal(f"{folder}/shop.db"), datetime(2026, 3, day, 12, tzinfo=UTC)
            desk = OrderDesk(orders=one, inventory=one, payments=MemoryPayments(), locations=places)
            desk.post_stock(Posting.receive(f"delivery-{day}", "MUG", "MAIN", 3, at=at))
            order = desk.place([mugs], order_id=f"A-{day}", tenders=[card], at=at)
            [left] = one.supply(["MUG"], now=at)
            print(f"Day {day}: {order.id} is {order.state}, mugs left: {left.available}")
        for entry in Journal(f"{folder}/shop.db").feed():
            print(
                f"{entry.position:4}  {entry.order_id} {entry.number}  {type(entry.event).__name__}"
            )


if __name__ == "__main__":
    main()
