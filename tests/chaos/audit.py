"""The audit: the books, the ledger, the orders and the journal agree exactly.

All is read back through the repositories and the provider's own file; nothing is believed.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple, cast

from orderwright import InventoryLedger, Order, Posting
from orderwright.adapters.memory import BookEntry
from orderwright.adapters.sqlalchemy import SqlInventory, SqlOrders
from orderwright.inventory.guard import guarded
from orderwright.inventory.ledger import Claim
from orderwright.lifecycles import STANDARD, Phase
from orderwright.orders.events import Event, IntentClaimed, IntentParked
from orderwright.ports import OrderQuery
from orderwright.testing.simulation import Stored, check_quiet
from tests.chaos.commands import INSTEAD, SAID, SKUS
from tests.chaos.journal import Answer, Journal
from tests.chaos.provider import KINDS, entries
from tests.chaos.worker import digest


class Stores(NamedTuple):
    """The repositories on the database as it was left."""

    orders: SqlOrders
    inventory: SqlInventory


def all_orders(orders: SqlOrders) -> list[Order]:
    """Every order, by id."""
    found: list[Order] = []
    while page := orders.find(OrderQuery(), after=found[-1].id if found else "", limit=500):
        found += [order for order in map(orders.load, page) if order is not None]
    return found


CHECKS = ("laws", "books", "ledger", "answers", "strays", "faults", "constraints")


@dataclass
class Audit:
    """What was left of a storm; `check` raises AssertionError for whatever does not agree."""

    stores: Stores
    books: Path
    journal: Journal
    told: Counter[str]
    now: datetime
    figures: Counter[str] = field(default_factory=Counter)

    @cached_property
    def orders(self) -> list[Order]:
        """Every order, by id."""
        return all_orders(self.stores.orders)

    @cached_property
    def histories(self) -> dict[str, tuple[Event, ...]]:
        """Every event, by order."""
        return {order.id: self.stores.orders.events(order.id) for order in self.orders}

    @cached_property
    def postings(self) -> list[Posting]:
        """Every posting, in the order in which they were written."""
        found: list[Posting] = []
        while page := self.stores.inventory.postings(after=found[-1].id if found else ""):
            found += page
        return found

    @cached_property
    def ledger(self) -> InventoryLedger:
        """A ledger of the same postings."""
        ledger = InventoryLedger()
        for posting in self.postings:
            ledger.post(posting)
        return ledger

    @cached_property
    def entries(self) -> list[BookEntry]:
        """What the provider's books say."""
        return list(entries(self.books))

    def check(self) -> None:
        """Check everything there is to check."""
        assert [] == self.journal.wrong
        assert {} == self.journal.open, "a command was never answered"
        for name in CHECKS:
            getattr(self, f"check_{name}")()

    def check_laws(self) -> None:
        """The laws of a quiet world: see `tests.worlds`."""
        world = SimpleNamespace(
            orders=self.stores.orders,
            inventory=self.stores.inventory,
            payments=SimpleNamespace(books=self.entries),
            carrier=SimpleNamespace(books={}),
            policies=guarded,
            lifecycles=STANDARD,
            now=self.now,
        )
        check_quiet(cast("Stored", world))
        assert [] == [intent for order in self.orders for intent in order.intents]
        self.figures["orders"] = len(self.orders)
        self.figures["events"] = sum(map(len, self.histories.values()))

    def check_books(self) -> None:
        """What the provider did is what orders say it did: the same ids, kinds and amounts."""
        done = [
            (operation.id, operation.kind, operation.amount)
            for order in self.orders
            for payment in order.payments
            for operation in payment.operations
            if operation.kind in KINDS and operation.state.phase is Phase.DONE
        ]
        assert sorted(done) == sorted((e.operation_id, e.kind, e.amount) for e in self.entries)
        minor = Counter(dict.fromkeys(KINDS, 0))
        for entry in self.entries:
            minor[entry.kind] += entry.amount.minor
        captured = sum(order.captured.minor for order in self.orders)
        refunded = sum(order.refunded.minor for order in self.orders)
        assert (minor["capture"] + minor["charge"], minor["refund"]) == (captured, refunded)
        self.figures["payment operations"] = len(done)
        self.figures["cents taken"] = captured
        self.figures["cents given back"] = refunded

    def check_ledger(self) -> None:
        """What the store says of the stock is what its own postings come to."""
        ids = [posting.id for posting in self.postings]
        assert len(ids) == len(set(ids))
        inventory, ledger, now = self.stores.inventory, self.ledger, self.now
        assert {*ledger.supply(SKUS, now=now)} == {*inventory.supply(SKUS, now=now)}
        assert ledger.reservations(now) == inventory.reservations(now)
        for sku in SKUS:
            assert _in_turn(ledger.claims(sku)) == _in_turn(inventory.claims(sku))
        self.figures["postings"] = len(ids)

    def check_answers(self) -> None:
        """What was acknowledged is there, once: each reply is what the history was by then."""
        posted = {posting.id: posting for posting in self.postings}
        for answer in self.journal.answered:
            command = answer.command
            if command["do"] == "receive stock":
                posting = posted.get(command["key"])
                assert posting is not None, command
                assert command["units"] == abs(posting.entries[0].quantity)
            elif command["do"] != "resume":
                self._check_answer(answer)
        self.figures["acknowledged"] = len(self.journal.answered)

    def _check_answer(self, answer: Answer) -> None:
        command = answer.command
        history = self.histories.get(command["order"], ())
        under = [number for number, one in enumerate(history, 1) if one.key == command["key"]]
        assert 1 == len(under), (command, under)
        assert under[0] <= answer.version <= len(history)
        assert isinstance(history[under[0] - 1], (SAID[command["do"]], *INSTEAD)), command
        assert answer.digest == digest(Order.replay(history[: answer.version])), command

    def check_strays(self) -> None:
        """Nothing is there that was not acknowledged; what was refused has left nothing behind.

        Unless its worker was killed and another one sent it again: the first try may have been
        under way still.
        """
        told = {answer.command["key"] for answer in self.journal.answered} | self.journal.again
        keys = {one.key for history in self.histories.values() for one in history if one.key}
        assert set() == keys - told
        by_clients = {one.id for one in self.postings if not one.id.startswith("opening-")}
        assert set() == {one for one in by_clients if "/" not in one} - told
        refused = {one["key"] for one, _ in self.journal.refused} - self.journal.again
        assert set() == keys & refused
        self.figures["refusals that left nothing"] = len(refused)

    def check_faults(self) -> None:
        """No order was told of a fault of the tables, or of a provider that broke a promise."""
        noted = [
            one.reason
            for history in self.histories.values()
            for one in history
            if isinstance(one, IntentClaimed | IntentParked) and one.reason
        ]
        wrong = [one for one in noted if "the tables hold" in one or "promise" in one]
        assert [] == wrong
        self.figures["faults noted on orders"] = len(noted)
        self.figures["calls taken over by a resumer"] = len(
            {
                (one.intent_id, one.attempts)
                for history in self.histories.values()
                for one in history
                if isinstance(one, IntentClaimed) and one.attempts > 1
            }
        )

    def check_constraints(self) -> None:
        """No constraint of the tables had to keep harm away: codes of class 23."""
        assert [] == [error for error in self.told if error.startswith("23")]


def _in_turn(claims: Iterable[Claim]) -> list[Claim]:
    """Claims, first come first; the numbers that tell have gaps in a database."""
    return [one._replace(number=0) for one in claims]
