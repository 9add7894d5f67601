"""What was found by reading the kit: promises nobody tested, and adapters refused for no reason."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import cast

import pytest
from attrs import evolve, fields, has

from orderwright import (
    Conflict,
    Contact,
    Money,
    OutOfStock,
    PaymentOutcome,
    PaymentRequest,
    Posting,
)
from orderwright.adapters.memory import MemoryOrders, MemoryPayments
from orderwright.errors import KeyReused
from orderwright.fulfillment.shipping import Parcel
from orderwright.inventory.ledger import Incoming
from orderwright.orders.amounts import Adjustment, TaxLine
from orderwright.orders.lines import Charge, Hold, Policy
from orderwright.payments.operations import OperationKind
from orderwright.ports import DueOrder, FeedEntry, OpenFulfillment, OrderQuery
from orderwright.testing import ClauseBroken, Contract, InventoryRepositoryContract
from orderwright.testing.comparing import only
from orderwright.testing.lives import lives
from orderwright.testing.order_saving import WHOLE
from orderwright.testing.samples import placed
from tests.testing import broken_inventory, broken_orders, broken_payments
from tests.testing.broken_inventory import PlainStock
from tests.testing.broken_orders import PlainOrders
from tests.testing.broken_payments import PlainAndLess, PlainPayments
from tests.testing.judging import judged
from tests.testing.test_broken import (
    INVENTORY,
    ORDERS,
    PAYMENTS,
    inventory_contract,
    orders_contract,
    payments_contract,
)


def named(port: str, clauses: str) -> str:
    """The first of the clauses in a table, with the name of its port."""
    main = clauses.split(", ", maxsplit=1)[0]
    return f"{port}.{main}" if " " in main else f"{port} {main}"


def broken_by(contract: type[Contract], test: str) -> str:
    """The clause that one test of a contract finds broken; empty if it finds none."""
    contract.patience = 1.0
    try:
        getattr(contract(), test)()
    except ClauseBroken as broken:
        return broken.clause
    return ""


MISSING: list[tuple[type[PlainOrders], str]] = [
    (broken_orders.DueBeforeCheck, "test_a_conflict_leaves_no_trace"),
    (broken_orders.ReferencesBeforeCheck, "test_a_conflict_leaves_no_trace"),
    (broken_orders.ForgetsBeforeCheck, "test_a_conflict_leaves_no_trace"),
    (broken_orders.ForgetsItsOwn, "test_whichever_order_forgets_a_contact"),
    (broken_orders.ContactInColumns, "test_the_last_contact_under_an_id_counts"),
    (broken_orders.PolicyInColumns, "test_orders_come_back_whole"),
    (broken_orders.FindCursorHasToMatch, "test_pages_of_ids_go_on_after_any_id"),
    (broken_orders.FindCursorHasToBe, "test_pages_of_ids_go_on_after_any_id"),
    (broken_orders.FindByFirstTime, "test_all_that_match_are_found"),
    (broken_orders.OpenCursorHasToBe, "test_open_fulfillments_are_in_order"),
    (broken_orders.OpenCursorIsARow, "test_open_fulfillments_are_in_order"),
    (broken_orders.FindsInAnyCase, "test_orders_are_found_by_names_as_they_are"),
    (broken_orders.ContactsInAnyCase, "test_orders_are_found_by_names_as_they_are"),
    (broken_orders.KindsInAnyCase, "test_orders_are_found_by_names_as_they_are"),
    (broken_orders.KeysPadded, "test_spaces_at_the_end_count"),
    (broken_orders.ReferencesPadded, "test_spaces_at_the_end_count"),
    (broken_orders.KeysJoined, "test_an_order_and_a_key_are_two_names"),
    (broken_orders.ReferencesJoined, "test_a_reference_is_two_names"),
    (broken_orders.FindByPattern, "test_all_that_match_are_found"),
    (broken_orders.KeysFirstPage, "test_a_key_finds_however_many_events"),
    (broken_orders.EventsFirstPage, "test_a_long_history_is_read_whole"),
    (broken_orders.ReferencesFirstPage, "test_a_reference_of_many_orders_finds_them_all"),
]


@pytest.mark.parametrize(("kind", "test"), MISSING, ids=lambda one: getattr(one, "__name__", ""))
def test_a_broken_order_repository_fails_by_what_was_missing(
    kind: type[PlainOrders], test: str
) -> None:
    """The test that nobody had written finds it, by the clause it breaks; the plain one passes."""
    assert named("OrderRepository", ORDERS[kind]) == broken_by(orders_contract(kind), test)
    assert "" == broken_by(orders_contract(PlainOrders), test)


MISSING_OF_STOCK: list[tuple[type[PlainStock], str]] = [
    (broken_inventory.SkuBySku, "test_no_reader_sees_a_part_of_a_posting"),
    (broken_inventory.OnlyAccountsCompared, "test_an_id_is_for_all_that_a_posting_says"),
    (broken_inventory.OnlySkusCompared, "test_an_id_is_for_all_that_a_posting_says"),
    (broken_inventory.LotsPadded, "test_spaces_at_the_end_count"),
    (broken_inventory.PlacesJoined, "test_names_that_stand_together_are_several"),
    (broken_inventory.LotsJoined, "test_names_that_stand_together_are_several"),
    (broken_inventory.SupplyFirstPage, "test_however_much_there_is_is_told"),
    (broken_inventory.SupplyInOneList, "test_however_much_there_is_is_told"),
    (broken_inventory.ReservationsFirstPage, "test_however_many_reservations_there_are_are_told"),
    (broken_inventory.ClaimsFirstPage, "test_however_many_claims_there_are_are_told"),
    (broken_inventory.IncomingFirstPage, "test_however_many_purchases_there_are_are_told"),
]


@pytest.mark.parametrize(
    ("kind", "test"), MISSING_OF_STOCK, ids=lambda one: getattr(one, "__name__", "")
)
def test_a_broken_inventory_fails_by_what_was_missing(kind: type[PlainStock], test: str) -> None:
    """The test that nobody had written finds it, by the clause it breaks; the plain one passes."""
    expected = named("InventoryRepository", INVENTORY[kind])
    assert expected == broken_by(inventory_contract(kind), test)
    assert "" == broken_by(inventory_contract(PlainStock), test)


MISSING_OF_PAYMENTS: list[tuple[type[PlainPayments], str]] = [
    (broken_payments.PendingIsRemembered, "test_what_was_pending_is_told_once_it_is_decided"),
    (broken_payments.KeyPerPayment, "test_an_id_with_other_content_has_no_effect"),
    (broken_payments.RaceOnTheVoid, "test_voids_at_once_give_back_no_more_than_is_untaken"),
    (broken_payments.UnsureOfTheUnheard, "test_what_nobody_heard_of_is_told_in_time"),
    (broken_payments.PendingStays, "test_what_was_pending_is_told_in_time"),
]


@pytest.mark.parametrize(
    ("kind", "test"), MISSING_OF_PAYMENTS, ids=lambda one: getattr(one, "__name__", "")
)
def test_a_broken_payment_port_fails_by_what_was_missing(
    kind: type[PlainPayments], test: str
) -> None:
    """The test that nobody had written finds it, by the clause it breaks; plain ones pass."""
    assert named("PaymentPort", PAYMENTS[kind]) == broken_by(payments_contract(kind), test)
    for plain in (PlainPayments, PlainAndLess):
        assert "" == broken_by(payments_contract(plain), test)


class PendingIsHeld(PlainPayments):
    """What is pending is held already: a second that wants the same is refused at once."""

    def answer(self, request: PaymentRequest) -> PaymentOutcome:
        """Refuse what another waits for."""
        waiting = {one.reference for one, _ in self.till.waiting}
        if request.reference in waiting:
            return PaymentOutcome(
                outcome="failed", amount=request.amount, reference=request.reference
            )
        return super().answer(request)


class SaysThatItKnows(PlainPayments):
    """An answer to a known id says so, in words of its own."""

    def once(self, request: PaymentRequest) -> PaymentOutcome:
        """Say it."""
        known = request.id in self.till.known
        outcome = super().once(request)
        return evolve(outcome, reason="seen before") if known else outcome


@pytest.mark.parametrize("kind", [PendingIsHeld, SaysThatItKnows])
def test_a_payment_port_is_not_refused_for_no_reason(kind: type[PlainPayments]) -> None:
    """What keeps every promise in another way passes."""
    assert {} == judged(payments_contract(kind))


class ShortPages(PlainOrders):
    """No page holds more than three rows, whatever the limit: more may always follow."""

    def feed(self, *, after: int = 0, limit: int = 100) -> tuple[FeedEntry, ...]:
        """Read up to three."""
        return super().feed(after=after, limit=min(limit, 3))

    def find(self, query: OrderQuery, *, after: str = "", limit: int = 100) -> tuple[str, ...]:
        """Find up to three."""
        return super().find(query, after=after, limit=min(limit, 3))

    def open_fulfillments(
        self,
        location: str,
        states: Collection[str],
        *,
        after: OpenFulfillment | None = None,
        limit: int = 100,
    ) -> tuple[OpenFulfillment, ...]:
        """Find up to three."""
        return super().open_fulfillments(location, states, after=after, limit=min(limit, 3))

    def due(
        self, now: datetime, *, after: DueOrder | None = None, limit: int = 100
    ) -> tuple[DueOrder, ...]:
        """Find up to three."""
        return super().due(now, after=after, limit=min(limit, 3))


class TooLate(Conflict):
    """The conflict of a store that has words of its own."""

    def because(self) -> str:
        """Say it shortly."""
        return "409"


class SaysItOtherwise(PlainOrders):
    """A conflict is told in other words."""

    def check(self, order_id: str, expected_version: int) -> None:
        """Raise an error of its own."""
        try:
            super().check(order_id, expected_version)
        except Conflict as error:
            raise TooLate(error.order_id, error.expected, error.actual) from None


class FarApart(PlainOrders):
    """Positions begin anywhere, and have gaps."""

    def feed(self, *, after: int = 0, limit: int = 100) -> tuple[FeedEntry, ...]:
        """Count in thousands, from eight."""
        found = super().feed(after=max(0, after // 1000 - 7), limit=limit)
        return tuple(one._replace(position=(one.position + 7) * 1000) for one in found)


class NoneLeft(OutOfStock):
    """The refusal of a store that has words of its own."""

    def because(self) -> str:
        """Say it shortly."""
        return "none left"


class RefusesOtherwise(PlainStock):
    """What is short comes in another order and other words, and an id that was used likewise."""

    def post(self, posting: Posting) -> None:
        """Raise errors of its own."""
        try:
            super().post(posting)
        except OutOfStock as error:
            raise NoneLeft(error.shortages[::-1], error.order_id) from None
        except KeyReused as error:
            raise KeyReused(error.key, "hash", "1f", "2e") from None


@pytest.mark.parametrize(
    "contract",
    [
        *map(orders_contract, (ShortPages, SaysItOtherwise, FarApart)),
        inventory_contract(RefusesOtherwise),
    ],
    ids=["pages", "conflicts", "positions", "refusals"],
)
def test_a_repository_is_not_refused_for_no_reason(contract: type[Contract]) -> None:
    """What keeps every promise in another way passes."""
    assert {} == judged(contract)


def test_what_is_not_there_is_told_in_words() -> None:
    """A test that reads one row says what it looked for, where there is none or too many."""

    class Nothing(PlainStock):
        """Nothing is on order, whatever was ordered."""

        def incoming(self, sku: str) -> tuple[Incoming, ...]:
            """Return nothing."""
            del sku
            return ()

    contract = inventory_contract(Nothing)
    with pytest.raises(ClauseBroken, match=r"purchases that are left: expected one, got 0: \(\)"):
        cast("InventoryRepositoryContract", contract()).test_what_is_left_of_purchases()
    assert 3 == only([3], "it")
    with pytest.raises(AssertionError, match=r"^it: expected one, got 2: \(1, 2\)$"):
        only((1, 2), "it")


def test_all_of_a_contact_is_kept_by_the_kit() -> None:
    """No field of the contact that the kit saves is left as it is when nothing is said."""
    whole = [getattr(WHOLE, one.name) for one in fields(Contact)]
    assert not [one for one in whole if not one]
    assert len(whole) == len(set(whole))


def parts(value: object) -> Iterator[object]:
    """All objects that one consists of, itself included."""
    yield value
    inside: Iterable[object] = ()
    if has(type(value)):
        inside = [getattr(value, one.name) for one in fields(type(value))]
    elif isinstance(value, Mapping):
        inside = value.values()
    elif isinstance(value, tuple | frozenset):
        inside = value
    for one in inside:
        yield from parts(one)


@pytest.mark.parametrize("kind", [Policy, Hold, Charge, Adjustment, TaxLine, Parcel])
def test_no_field_of_what_the_kit_saves_stays_the_same(kind: type) -> None:
    """A store that loses a field of these is seen, as each of them has other values somewhere."""
    told: dict[str, set[str]] = {one.name: set() for one in fields(kind)}
    for save in lives():
        for one in parts((save.order, save.events)):
            if isinstance(one, kind):
                for name, values in told.items():
                    values.add(repr(getattr(one, name)))
    assert {} == {name: values for name, values in told.items() if len(values) < 2}


def test_what_is_after_no_number_is_all_that_is_after_it() -> None:
    """In memory a number below the first is before all events, not counted from their end."""
    orders, save = MemoryOrders(), placed("o1")
    save.into(orders)
    assert save.events == orders.events("o1", after=-1)
    assert orders.feed() == orders.feed(after=-1)


def test_what_is_authorized_is_so_in_its_currency() -> None:
    """In memory nothing is taken, given back or paid back of what is there in another currency."""
    port = MemoryPayments()

    def asks(kind: OperationKind, currency: str, reference: str = "") -> PaymentRequest:
        return PaymentRequest(
            id=f"o1/p1/{kind}-{currency}",
            kind=kind,
            order_id="o1",
            payment_id="p1",
            method="card",
            amount=Money(1000, currency),
            reference=reference,
        )

    paid = port.authorize(asks("authorize", "JPY")).reference
    assert "failed" == port.capture(asks("capture", "EUR", paid)).outcome
    assert "failed" == port.void(asks("void", "EUR", paid)).outcome
    assert "succeeded" == port.capture(asks("capture", "JPY", paid)).outcome
    assert "failed" == port.refund(asks("refund", "EUR", paid)).outcome
    assert "succeeded" == port.refund(asks("refund", "JPY", paid)).outcome
