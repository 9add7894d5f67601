"""The life of an order by hand on PostgreSQL: psycopg 3 and a normalised schema.

One connection in autocommit mode; each step is one statement that does all of it or nothing (so
one round trip and one commit), prepared from its first use; what a step has to know first is one
query. Stock lies in the same database, so reserving and handing over need no intent of their own:
they are part of the statement. Of what ours keeps it keeps

- an intent committed before and an outcome committed after each call of the provider, the intent
  with its due time, by index;
- one version per order, checked by every write; an event per step, numbered within its order, and
  a feed of all that can be read completely although transactions commit out of order (by the
  transaction's id);
- a caller's key per command, found by index and compared with what was said; derived ids for what
  the provider and the ledger are asked, unique there;
- stock that never falls below zero, locked in one order, so that nobody waits in a circle; a row
  per reservation; an append-only ledger of movements between buckets;
- references (tracking number, provider's id) by which an order is found, and indexes for the
  questions an office asks: by state, customer, date, location and what is due.

It leaves out what a shop of one's own can: foreign keys (they would cost the baseline time that
ours does not spend), other ways to pay, change, cancel and return, and versions of its documents.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, final

import orjson
from psycopg.errors import CheckViolation
from psycopg.rows import dict_row

from bench.baselines import psycopg_statements as statements
from bench.baselines.dicts import ConflictError, RefusedError, dispatched, plan
from bench.baselines.stores import OutOfStockError
from bench.story import CURRENCY, LOCATIONS, PATIENCE, PRICES, STOCK, Basket, Figures
from orderwright import Money, PaymentRequest
from orderwright.adapters.memory import MemoryPayments

if TYPE_CHECKING:
    from psycopg import Connection

    from bench.baselines.dicts import Data
    from orderwright import PaymentOutcome

__all__ = ["PsycopgShop"]


def _event(kind: str, key: str = "", **facts: object) -> Data:
    return {"kind": kind, "key": key, "facts": facts}


@final
class PsycopgShop:
    """The contender, on a connection in autocommit mode to a database with its tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor(row_factory=dict_row)
        self.payments = MemoryPayments()
        places = {"skus": list(PRICES), "places": list(LOCATIONS), "units": STOCK}
        self._cursor.execute(statements.OPEN, {**places, "at": datetime(2026, 1, 5, 9, tzinfo=UTC)})

    # Placing ------------------------------------------------------------------------------------

    def place(
        self,
        order_id: str,
        *,
        customer_id: str,
        units: tuple[tuple[str, int, int], ...],
        shipping: int,
        instrument: str,
        at: datetime,
    ) -> list[str]:
        """Place the order: plan it, reserve its stock, authorize it; return its fulfillments."""
        if not order_id or not units or shipping < 0 or at.tzinfo is None:
            raise ValueError("an order needs an id, lines, charges of at least 0, an aware time")
        lines: list[Data] = []
        for number, (sku, quantity, price) in enumerate(units, 1):
            if not sku or type(quantity) is not int or quantity < 1 or price < 0:
                raise ValueError(f"line {number}: {sku!r}, {quantity!r} units at {price!r}")
            line = {"id": f"l{number}", "sku": sku, "ordered": quantity, "price": price}
            lines.append(line | {"amount": quantity * price})
        total = shipping + sum(line["amount"] for line in lines)
        said = [customer_id, [list(one) for one in units], shipping, instrument]
        parts = plan(lines, self._supply([line["sku"] for line in lines]), LOCATIONS)
        request = _request(order_id, "authorize", total, instrument=instrument)
        posting = f"{order_id}/reserve"
        events = [
            _event("OrderPlaced", order_id, said=said, total=total),
            _event("FulfillmentsPlanned", parts=parts),
            _event("StockPosted", posting=posting),
            _event("Intended", operation=request.id, amount=total),
        ]
        placed = {
            "id": order_id,
            "customer_id": customer_id,
            "currency": CURRENCY,
            "total": total,
            "lines": _json(lines),
            "shipping": shipping,
            "instrument": instrument,
            "operation": request.id,
            "posting": posting,
            **_planned(parts),
        }
        try:
            written = self._write(statements.PLACE, placed, 0, events, at, due_at=at + PATIENCE)
        except CheckViolation as error:
            raise OutOfStockError(order_id) from error
        if not written:
            return self._placed_before(order_id, said, at)
        answer = self.payments.authorize(request)
        order = {"id": order_id, "version": len(events), "state": "placed"}
        reported = [_reported(request.id, answer)]
        if answer.outcome == "succeeded" and answer.amount.minor >= total:
            order["state"] = "confirmed"
            reported.append(_event("OrderAdvanced", action="confirm"))
        self._record(order, request, answer, reported, at)
        return [f"f{number}" for number, _ in enumerate(parts, 1)]

    def _supply(self, skus: list[str]) -> dict[tuple[str, str], int]:
        rows = self._connection.execute(statements.SUPPLY, (skus,), prepare=True)
        return {(sku, location): units for sku, location, units in rows}

    def _placed_before(self, order_id: str, said: list[object], at: datetime) -> list[str]:
        order = self._load(order_id, order_id, at)
        if order["known"] is None or order["known"]["said"] != said:
            raise ValueError(f"{order_id} was placed with other content")
        return [one["id"] for one in order["fulfillments"]]

    # What is reported ---------------------------------------------------------------------------

    def ship(
        self,
        order_id: str,
        fulfillment_id: str,
        *,
        carrier: str,
        tracking: str,
        key: str,
        at: datetime,
    ) -> None:
        """Report the hand-over: the units leave the stock, and their share is captured."""
        said = [fulfillment_id, "ship", carrier, tracking]
        order = self._load(order_id, key, at)
        if _known(order, said):
            return
        _advance(order, fulfillment_id, "reserved", "shipped")
        owed = min(dispatched(order), order["authorized"]) - order["captured"]
        request = _request(
            order_id,
            "capture",
            owed,
            number=order["captures"] + 1,
            instrument=order["instrument"],
            reference=order["reference"],
        )
        posting = f"{order_id}/{fulfillment_id}/commit"
        events = [
            _event("FulfillmentAdvanced", key, said=said, state="shipped"),
            _event("StockPosted", posting=posting),
        ]
        due_at = None
        if owed > 0:
            events.append(_event("Intended", operation=request.id, amount=owed))
            due_at = at + PATIENCE
        shipped = {
            "fulfillment": fulfillment_id,
            "carrier": carrier,
            "tracking": tracking,
            "posting": posting,
            "operation": request.id,
            "owed": owed,
        }
        self._change(statements.SHIP, order, events, at, due_at=due_at, **shipped)
        if owed > 0:
            answer = self.payments.capture(request)
            self._record(order, request, answer, [_reported(request.id, answer)], at)

    def deliver(self, order_id: str, fulfillment_id: str, key: str, at: datetime) -> None:
        """Report the arrival; the order is complete when all has arrived and is paid."""
        said = [fulfillment_id, "deliver", "", ""]
        order = self._load(order_id, key, at)
        if _known(order, said):
            return
        _advance(order, fulfillment_id, "shipped", "delivered")
        events = [_event("FulfillmentAdvanced", key, said=said, state="delivered")]
        if (
            order["state"] == "confirmed"
            and order["due_at"] is None
            and all(one["state"] == "delivered" for one in order["fulfillments"])
            and order["captured"] == order["total"]
        ):
            order["state"] = "completed"
            events.append(_event("OrderAdvanced", action="complete"))
        self._change(statements.DELIVER, order, events, at, due_at=None, fulfillment=fulfillment_id)

    def _load(self, order_id: str, key: str, at: datetime) -> Data:
        """Return what there is to know before a report, with what was said under that key."""
        if at.tzinfo is None:
            raise ValueError("expected an aware time")
        asked = {"id": order_id, "key": key}
        order = self._cursor.execute(statements.LOAD, asked, prepare=True).fetchone()
        if order is None:
            raise KeyError(order_id)
        skus = {line["id"]: line["sku"] for line in order["lines"]}
        for one in order["fulfillments"]:
            one["items"] = [
                (item["line_id"], skus[item["line_id"]], item["units"])
                for item in order["items"]
                if item["fulfillment_id"] == one["id"]
            ]
        return order

    # Writing ------------------------------------------------------------------------------------

    def _record(
        self,
        order: Data,
        request: PaymentRequest,
        answer: PaymentOutcome,
        events: list[Data],
        at: datetime,
    ) -> None:
        """Write the outcome of a call."""
        moved = answer.amount.minor if answer.outcome == "succeeded" else 0
        self._change(
            statements.OUTCOME,
            order,
            events,
            at,
            due_at=None,
            operation=request.id,
            outcome=answer.outcome,
            reference=request.reference or answer.reference,
            authorized=moved if request.kind == "authorize" else 0,
            captured=moved if request.kind == "capture" else 0,
        )

    def _change(
        self,
        statement: str,
        order: Data,
        events: list[Data],
        at: datetime,
        *,
        due_at: datetime | None,
        **facts: object,
    ) -> None:
        """Write what becomes of the order, unless somebody else did meanwhile."""
        facts |= {"id": order["id"], "state": order["state"]}
        if not self._write(statement, facts, order["version"], events, at, due_at=due_at):
            raise ConflictError(order["id"], order["version"])
        order["version"] += len(events)

    def _write(
        self,
        statement: str,
        facts: Data,
        expected: int,
        events: list[Data],
        at: datetime,
        *,
        due_at: datetime | None,
    ) -> bool:
        """Run a statement that writes if the version is the expected one; tell whether it did."""
        numbered = [{"number": number, **one} for number, one in enumerate(events, expected + 1)]
        facts |= {"expected": expected, "version": expected + len(events), "at": at}
        facts |= {"events": _json(numbered), "due_at": due_at}
        row = self._connection.execute(statement, facts, prepare=True).fetchone()
        return row == (1,)

    # The story ----------------------------------------------------------------------------------

    def live(self, basket: Basket) -> None:
        """See :meth:`.Shop.live`."""
        order_id = basket.order_id
        parcels = self.place(
            order_id,
            customer_id=basket.customer_id,
            units=tuple((sku, units, PRICES[sku]) for sku, units in basket.units),
            shipping=basket.shipping,
            instrument=basket.instrument,
            at=basket.placed_at,
        )
        for name in parcels:
            self.ship(
                order_id,
                name,
                carrier="post",
                tracking=basket.tracking,
                key=f"ship-{name}",
                at=basket.shipped_at,
            )
            self.deliver(order_id, name, f"deliver-{name}", basket.delivered_at)

    def figures(self) -> Figures:
        """See :meth:`.Shop.figures`."""
        ask = self._connection.execute
        ((orders, total, unfinished, captured, postings),) = ask(statements.FIGURES)
        states: Counter[tuple[str, ...]] = Counter(tuple(one) for (one,) in ask(statements.STATES))
        events: Counter[str] = Counter(kind for (kind,) in ask("SELECT kind FROM events"))
        return Figures(
            orders=orders,
            states=states,
            total=total,
            captured=captured,
            events=events,
            feed=events.total(),
            unfinished=unfinished,
            balances=self._balances(),
            postings=postings,
            books=Counter(
                (one.operation_id, one.kind, one.amount.minor) for one in self.payments.books
            ),
        )

    def _balances(self) -> dict[tuple[str, ...], int]:
        """Return what the movements add up to, if the stock says the same."""
        balances: Counter[tuple[str, ...]] = Counter()
        for sku, location, source, target, units in self._connection.execute(
            "SELECT sku, location, source, target, sum(units)::bigint FROM movements"
            " GROUP BY sku, location, source, target"
        ):
            balances[sku, location, source, ""] -= units
            balances[sku, location, target, ""] += units
        for sku, location, available, reserved in self._connection.execute("TABLE stock"):
            kept = tuple(
                balances[sku, location, bucket, ""] for bucket in ("available", "reserved")
            )
            if kept != (available, reserved):
                raise AssertionError(f"{sku} at {location}: {kept}, not {(available, reserved)}")
        return {account: units for account, units in balances.items() if units}


def _json(data: object) -> str:
    return orjson.dumps(data).decode()


def _planned(parts: list[tuple[str, list[tuple[str, str, int]]]]) -> Data:
    """Return what the plan is written as."""
    named = [(f"f{number}", where, items) for number, (where, items) in enumerate(parts, 1)]
    return {
        "fulfillments": _json([{"id": name, "location": where} for name, where, _ in named]),
        "items": _json(
            [
                {"fulfillment": name, "line": line, "sku": sku, "location": where, "units": units}
                for name, where, items in named
                for line, sku, units in items
            ]
        ),
    }


def _request(
    order_id: str,
    kind: Literal["authorize", "capture"],
    amount: int,
    *,
    instrument: str,
    number: int = 1,
    reference: str = "",
) -> PaymentRequest:
    return PaymentRequest(
        id=f"{order_id}/p1/{kind}-{number}",
        kind=kind,
        order_id=order_id,
        payment_id="p1",
        method="card",
        amount=Money(max(amount, 0), CURRENCY),
        instrument=instrument,
        reference=reference,
    )


def _reported(operation: str, answer: PaymentOutcome) -> Data:
    return _event(
        "PaymentReported",
        operation=operation,
        outcome=answer.outcome,
        amount=answer.amount.minor,
        reference=answer.reference,
    )


def _known(order: Data, said: list[str]) -> bool:
    """Tell whether this was said before under its key; refuse another content."""
    if order["known"] is None:
        return False
    if order["known"]["said"] != said:
        raise ValueError("the key was used for something else")
    return True


def _advance(order: Data, fulfillment_id: str, before: str, after: str) -> None:
    for one in order["fulfillments"]:
        if one["id"] == fulfillment_id:
            if one["state"] != before:
                raise RefusedError(f"{after} is not allowed when {one['state']}")
            one["state"] = after
            return
    raise KeyError(fulfillment_id)
