"""The kit is itself tested: each broken adapter fails, by the right clause and related ones only.

The tables name, for each, the clause it breaks, and after it the clauses that may fail with it,
because the same thing is promised there too or what they promise cannot be seen without it.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import pytest

from orderwright.inventory.guard import Policies
from orderwright.ports import (
    AsyncInventoryRepository,
    AsyncOrderRepository,
    AsyncPaymentPort,
    InventoryRepository,
    OrderRepository,
    PaymentPort,
)
from orderwright.testing import (
    AsyncInventoryRepositoryContract,
    AsyncOrderRepositoryContract,
    AsyncPaymentPortContract,
    ClauseBroken,
    Contract,
    InventoryRepositoryContract,
    OrderRepositoryContract,
    PaymentBench,
    PaymentPortContract,
)
from tests.testing import broken_async, broken_inventory, broken_orders, broken_payments
from tests.testing.broken_inventory import PlainStock, StockStore
from tests.testing.broken_orders import PlainOrders, Store
from tests.testing.broken_payments import PlainPayments, Till
from tests.testing.judging import LONG, judged

ORDERS: Mapping[type[PlainOrders], str] = {
    broken_orders.LostUpdate: "save 2, save 3",
    broken_orders.CheckThenWrite: "save 3",
    broken_orders.ConflictSwallowed: "save 2, save 3",
    broken_orders.VersionOffByOne: "save 2",
    broken_orders.NewOrdersOverwrite: "save 2, save 3",
    broken_orders.ConflictWithoutFacts: "save 2",
    broken_orders.DueBeforeCheck: "save 2",
    broken_orders.ReferencesBeforeCheck: "save 2",
    broken_orders.ForgetsBeforeCheck: "save 2",
    broken_orders.EventsWithoutState: "save 1, save 3, load_with_key 5",
    broken_orders.StateWithoutEvents: "save 1, save 3",
    broken_orders.KeysLate: "save 1, load_with_key 5",
    broken_orders.ReferencesLate: "save 1",
    broken_orders.DueLate: "save 1",
    broken_orders.ContactsLate: "save 1",
    broken_orders.LazyEvents: "save 1",
    broken_orders.NonAtomicBatch: "save 1",
    broken_orders.ContactsHalf: "save 1",
    broken_orders.KeysForgotten: "load_with_key 3, 1, load_with_key 1, load_with_key 5, save 1",
    broken_orders.KeyOfAnotherOrder: "load_with_key 1, 1",
    broken_orders.EmptyKeyFinds: "load_with_key 2",
    broken_orders.FirstKeyOnly: "load_with_key 3, load_with_key 5, save 1",
    broken_orders.InnerJoin: "load_with_key 4",
    broken_orders.NoKeyNoOrder: "load_with_key 4",
    broken_orders.KeyBeforeOrder: "load_with_key 5",
    broken_orders.OrderBeforeKey: "load_with_key 5, save 1",
    broken_orders.KeysFirstPage: "load_with_key 3",
    broken_orders.EventsFirstPage: "events 3",
    broken_orders.NumbersWithAGap: "save 4, feed 3, feed 4",
    broken_orders.EventsFromAfter: "events 3",
    broken_orders.ForgottenIsKept: "save 6",
    broken_orders.ForgetsItsOwn: "save 6",
    broken_orders.ContactInColumns: "contact 2",
    broken_orders.FirstContactWins: "contact 2, save 6",
    broken_orders.StaleCache: "load 2, load 4, save 1, save 2, save 3",
    broken_orders.NotDurable: "save 5, find 1, load 2, load 4, load_with_key 5, save 1, save 3",
    broken_orders.SharedState: "load 3",
    broken_orders.KeepsTheCallersList: "save 7",
    broken_orders.ReturnsLists: "events 2, events 1",
    broken_orders.NaiveTimes: "2, events 2",
    broken_orders.WholeSeconds: "2, load 4, load_with_key 4",
    broken_orders.LocalTimes: "due 1, 2, due 2, due 4",
    broken_orders.LossyCodec: "events 2",
    broken_orders.PolicyInColumns: "load 4, load_with_key 4",
    broken_orders.NarrowCodec: "load 4",
    broken_orders.CaseInsensitive: "1",
    broken_orders.FindsInAnyCase: "1",
    broken_orders.ContactsInAnyCase: "1",
    broken_orders.KindsInAnyCase: "1",
    broken_orders.KeysPadded: "1",
    broken_orders.ReferencesPadded: "1",
    broken_orders.KeysJoined: "load_with_key 1",
    broken_orders.ReferencesJoined: "by_reference 2",
    broken_orders.FindByPattern: "find 2",
    broken_orders.Normalizing: "1",
    broken_orders.DictionaryOrder: "1",
    broken_orders.UnknownRaises: "load 1, load 2, save 1, save 2",
    broken_orders.UnknownHistoryRaises: "events 1, save 1, save 2",
    broken_orders.UnknownContactIsEmpty: "contact 1, save 6",
    broken_orders.SaysItIsNotDurable: "durable_on_save 1",
    broken_orders.FeedSkipsLateCommits: "feed 2",
    broken_orders.FeedUnordered: "feed 1, feed 2, feed 3, feed 4",
    broken_orders.FeedPageRepeats: "feed 1, feed 2, feed 3, feed 4",
    broken_orders.FeedNumbersBackwards: "feed 3, feed 4",
    broken_orders.FeedLeavesOut: "feed 4, feed 2, feed 3, save 4",
    broken_orders.IgnoresTheLimit: "3, due 1",
    broken_orders.FindPageRepeats: "find 1",
    broken_orders.FindPageSkips: "find 1",
    broken_orders.FindCursorHasToMatch: "find 1",
    broken_orders.FindCursorHasToBe: "find 1",
    broken_orders.FindByFirstTime: "find 2",
    broken_orders.FindByOffset: "find 1",
    broken_orders.FindIgnoresUntil: "find 2, 2",
    broken_orders.FindIncludesUntil: "find 2, 2",
    broken_orders.FindByFirstState: "find 2",
    broken_orders.FindAnyOfThem: "find 2, 1, find 1",
    broken_orders.ReferencesStale: "by_reference 1",
    broken_orders.ReferencesFirstPage: "by_reference 1",
    broken_orders.ReferencePattern: "by_reference 2, 1",
    broken_orders.OpenByFirstState: "open_fulfillments 3",
    broken_orders.OpenAnywhere: "open_fulfillments 3",
    broken_orders.OpenByText: "open_fulfillments 1",
    broken_orders.OpenSkipsTheRest: "open_fulfillments 2, open_fulfillments 1",
    broken_orders.OpenCursorHasToBe: "open_fulfillments 1",
    broken_orders.OpenCursorIsARow: "open_fulfillments 1",
    broken_orders.DueById: "due 1, due 2, due 4",
    broken_orders.UndatedIsDue: "due 3, 1, 3, due 4",
    broken_orders.DueCursorSkips: "due 2, 3",
    broken_orders.DueTooLate: "due 4, 2",
    broken_orders.DueStaysDue: "due 3, due 4",
}

GUARD = "post 4, post 1, post 3, post 5, post 6, post 8, postings 3"
INVENTORY: Mapping[type[PlainStock], str] = {
    broken_inventory.NotIdempotent: "post 2",
    broken_inventory.RepeatsAreErrors: "post 2, post 3",
    broken_inventory.RepeatsAreGuarded: "post 2",
    broken_inventory.KeyReuseSwallowed: "post 3",
    broken_inventory.OnlyUnitsCompared: "post 3",
    broken_inventory.PartialReservation: "post 1, post 4, post 6",
    broken_inventory.SkuBySku: "post 1",
    broken_inventory.OnlyAccountsCompared: "post 3",
    broken_inventory.OnlySkusCompared: "post 3",
    broken_inventory.RaceOnTheId: "post 2",
    broken_inventory.NotDurable: (
        "post 7, post 1, post 2, post 6, reservations 2, supply 2, supply 3"  # nobody else sees any
    ),
    broken_inventory.StaleSupply: "post 7, post 1, supply 3",
    broken_inventory.Unguarded: GUARD,
    broken_inventory.FloorOffByOne: GUARD,
    broken_inventory.LinesNotSummed: "post 8, post 4",
    broken_inventory.LastUnitTwice: "post 6",
    broken_inventory.OrderOfEntriesLost: "post 8",
    broken_inventory.SafetyStockIgnored: "post 4",
    broken_inventory.SafetyStockForAll: "post 4, post 1",
    broken_inventory.ClaimsUnlimited: "post 4, post 6",
    broken_inventory.LimitPerClaim: "post 4, post 6",
    broken_inventory.PoliciesByHeart: "post 4, post 1, post 6, supply 3",
    broken_inventory.ShortagesWithoutFigures: "post 4, post 8",
    broken_inventory.ShortagesWithoutLots: "post 4",
    broken_inventory.RefusalSwallowed: GUARD,
    broken_inventory.RefusalUsesTheId: "post 4, post 3",
    broken_inventory.RefusalLetsLapse: "post 5",
    broken_inventory.LapseNotDone: "post 5, post 6, postings 1, reservations 1",
    broken_inventory.LapseOfOthers: "post 5",
    broken_inventory.LapseTooLate: "reservations 1, 2, reservations 5",
    broken_inventory.LapseNotInSupply: "supply 1, supply 3",
    broken_inventory.LapseNotInReservations: "reservations 1, 2, post 5, reservations 5",
    broken_inventory.CaseInsensitive: "1",
    broken_inventory.LotsPadded: "1",
    broken_inventory.PlacesJoined: "1",
    broken_inventory.LotsJoined: "1",
    broken_inventory.WholeSeconds: "2, post 5, reservations 5",
    broken_inventory.NaiveTimes: "2, incoming 1, incoming 2",
    broken_inventory.SupplyTorn: "supply 2, post 1",
    broken_inventory.ReservationsTorn: "reservations 2",
    broken_inventory.LotsByName: "supply 3",
    broken_inventory.EmptyPlacesLeftOut: "supply 3",
    broken_inventory.SupplyWithoutPolicies: "supply 3",
    broken_inventory.OwnerForgotten: "reservations 5, reservations 3",
    broken_inventory.SkusIgnored: "reservations 3",
    broken_inventory.SupplyFirstPage: "supply 3",
    broken_inventory.SupplyInOneList: "supply 3",
    broken_inventory.ReservationsFirstPage: "reservations 5",
    broken_inventory.ClaimsFirstPage: "claims 2",
    broken_inventory.IncomingFirstPage: "incoming 2",
    broken_inventory.ReservationsByName: "reservations 4",
    broken_inventory.ClaimsByName: "claims 1",
    broken_inventory.ClaimsForgetTerms: "claims 2",
    broken_inventory.IncomingByPurchase: "incoming 1",
    broken_inventory.IncomingForgetsArrivals: "incoming 2",
    broken_inventory.PostingsByTime: "postings 1, post 2, post 5, postings 2",
    broken_inventory.PostingsFromAfter: "postings 2, postings 1",
    broken_inventory.LapsesHidden: "postings 1, post 5, post 6",
    broken_inventory.ReasonsForgotten: "postings 1",
    broken_inventory.UnknownCursorIsTheEnd: "postings 3",
}

REFUSALS = "1, 2, 5, charge 6, refund 6, void 6, void 7"
PAYMENTS: Mapping[type[PlainPayments], str] = {
    broken_payments.ChargesAgain: (
        "1, 2, 4, 5, authorize 6, capture 6, charge 6, refund 6, void 6"  # one payment is many
    ),
    broken_payments.AnswersFromMemory: "1, 2, 4, 5",
    broken_payments.KeptPerAdapter: "1",
    broken_payments.RaceOnTheId: "1",
    broken_payments.PendingIsRemembered: "1",
    broken_payments.KeyPerPayment: "5",
    broken_payments.DeclinesAreRetried: "1, look_up 2",
    broken_payments.OtherContentHasAnEffect: "5",
    broken_payments.LastContentCounts: "5",
    broken_payments.UnknownIsFailed: "2",
    broken_payments.UnknownIsRaised: "2",
    broken_payments.UnknownIsSuccess: "2",
    broken_payments.UnknownIsForgotten: "2, look_up 1, look_up 2",
    broken_payments.DeclineIsRaised: "3, 1, look_up 2",
    broken_payments.DeclineIsFailed: "3, 1",
    broken_payments.DeclineReserves: "3",
    broken_payments.ActionUnnamed: "3",
    broken_payments.ActionIsPending: "3",
    broken_payments.MoneyThroughFloat: "4",
    broken_payments.OtherCurrency: "4, look_up 1",
    broken_payments.WholeUnits: f"4, capture 6, {REFUSALS}",
    broken_payments.ReferenceMissing: f"authorize 6, capture 6, look_up 1, {REFUSALS}",
    broken_payments.ChargeReferenceMissing: f"charge 6, capture 6, look_up 1, {REFUSALS}",
    broken_payments.ReferenceShared: "authorize 6, capture 6, charge 6, refund 6, void 6",
    broken_payments.LapsesNaive: "authorize 7",
    broken_payments.LapsesLater: "authorize 7, 1, 5",
    broken_payments.OverCapture: "capture 6, 1, 2, 5, void 7",
    broken_payments.OverVoid: "void 6",
    broken_payments.OverRefund: "refund 6, 1, 2, charge 6",
    broken_payments.RefundsWhatIsReserved: "refund 6",
    broken_payments.PendingIsNotCounted: "capture 6, refund 6, void 6",
    broken_payments.RaceOnTheAmount: "capture 6, refund 6",
    broken_payments.RaceOnTheVoid: "void 6",
    broken_payments.RefusesWithAnError: f"capture 6, {REFUSALS}",
    broken_payments.PayoutRefused: "refund 7",
    broken_payments.SaysSeveralCaptures: "capture 7, authorize 8, capture 6",
    broken_payments.SaysOneCapture: "capture 7, authorize 8, capture 6",
    broken_payments.SaysPartialVoid: "void 7",
    broken_payments.SaysWholeVoid: "void 7",
    broken_payments.CapturedOnceUntold: "authorize 8, capture 6, capture 7",
    broken_payments.CapabilitiesChange: "capabilities 1, void 7",
    broken_payments.NothingIsFound: "look_up 1, look_up 2",
    broken_payments.NeverSure: "look_up 2",
    broken_payments.UnsureOfTheUnheard: "look_up 2",
    broken_payments.PendingStays: "look_up 2",
    broken_payments.PendingIsNotFound: "look_up 1",
    broken_payments.EverythingIsFound: "look_up 1, look_up 2",
    broken_payments.FoundByOrder: "look_up 1",
}


def orders_contract(kind: Callable[[Store], OrderRepository]) -> type[Contract]:
    """The contract on a kind of order repository."""

    class Judged(OrderRepositoryContract):
        durable_on_save = True

        @contextmanager
        def make(self) -> Iterator[Callable[[], OrderRepository]]:
            store = Store()
            yield lambda: kind(store)

    return Judged


def inventory_contract(
    kind: Callable[[StockStore, Policies], InventoryRepository],
) -> type[Contract]:
    """The contract on a kind of inventory repository."""

    class Judged(InventoryRepositoryContract):
        @contextmanager
        def make(self) -> Iterator[Callable[[Policies], InventoryRepository]]:
            store = StockStore()
            yield lambda policies: kind(store, policies)

    return Judged


def payments_contract(kind: Callable[[Till], PaymentPort]) -> type[Contract]:
    """The contract on a kind of payment port."""

    class Judged(PaymentPortContract):
        @contextmanager
        def make(self) -> Iterator[PaymentBench[PaymentPort]]:
            till = Till()
            yield till.bench(lambda: kind(till))

    return Judged


def require_broken(contract: type[Contract], port: str, clauses: str) -> None:
    """The contract finds the first of the clauses broken, and no others than these."""
    main, *related = (
        f"{port}.{name}" if " " in name else f"{port} {name}" for name in clauses.split(", ")
    )
    found = judged(contract)
    assert main in found, found
    assert {} == {name: told for name, told in found.items() if name not in {main, *related}}


@pytest.mark.long
@pytest.mark.parametrize("kind", ORDERS, ids=lambda kind: kind.__name__)
def test_a_broken_order_repository_is_found_out(kind: type[PlainOrders]) -> None:
    """Each fails the kit by the clause it breaks, and only by related ones."""
    require_broken(orders_contract(kind), "OrderRepository", ORDERS[kind])


@pytest.mark.long
@pytest.mark.parametrize("kind", INVENTORY, ids=lambda kind: kind.__name__)
def test_a_broken_inventory_repository_is_found_out(kind: type[PlainStock]) -> None:
    """Each fails the kit by the clause it breaks, and only by related ones."""
    require_broken(inventory_contract(kind), "InventoryRepository", INVENTORY[kind])


@pytest.mark.long
@pytest.mark.parametrize("kind", PAYMENTS, ids=lambda kind: kind.__name__)
def test_a_broken_payment_port_is_found_out(kind: type[PlainPayments]) -> None:
    """Each fails the kit by the clause it breaks, and only by related ones."""
    require_broken(payments_contract(kind), "PaymentPort", PAYMENTS[kind])


@pytest.mark.long
@pytest.mark.parametrize(
    "contract",
    [
        orders_contract(PlainOrders),
        inventory_contract(PlainStock),
        payments_contract(PlainPayments),
        payments_contract(broken_payments.PlainAndLess),
    ],
    ids=["orders", "inventory", "payments", "less"],
)
def test_what_they_are_made_of_is_not_broken(contract: type[Contract]) -> None:
    """Without its one fault each would pass: the adapters that mutants are made of do."""
    assert {} == judged(contract)


def test_no_mutant_is_left_out() -> None:
    """Every class in the modules of mutants stands in a table, and there are enough of them."""
    for module, base, table in (
        (broken_orders, PlainOrders, ORDERS),
        (broken_inventory, PlainStock, INVENTORY),
        (broken_payments, PlainPayments, PAYMENTS),
    ):
        mutants = {one for one in vars(module).values() if isinstance(one, type)}
        whole = {base, broken_orders.InSteps, broken_payments.PlainAndLess}
        assert set(table) == {one for one in mutants if issubclass(one, base)} - whole
    assert len(ORDERS) + len(INVENTORY) + len(PAYMENTS) >= 30


@pytest.mark.long
@pytest.mark.parametrize(
    ("contract", "clauses"),
    [
        (orders_contract(broken_orders.LossyCodec), {"OrderRepository.events 2"}),
        (orders_contract(broken_orders.KeysForgotten), {"OrderRepository.load_with_key 3"}),
        (orders_contract(broken_orders.ReferencesStale), {"OrderRepository.by_reference 1"}),
        (orders_contract(broken_orders.FindByFirstState), {"OrderRepository.find 2"}),
        (orders_contract(broken_orders.VersionOffByOne), {"OrderRepository.save 2"}),
        (orders_contract(broken_orders.DueStaysDue), {"OrderRepository.due 4"}),
        (orders_contract(broken_orders.OpenByFirstState), {"OrderRepository.open_fulfillments 3"}),
        (inventory_contract(broken_inventory.FloorOffByOne), {"InventoryRepository.post 4"}),
        (inventory_contract(broken_inventory.KeyReuseSwallowed), {"InventoryRepository.post 3"}),
        (
            inventory_contract(broken_inventory.LapseNotInSupply),
            {"InventoryRepository.supply 1", "InventoryRepository.supply 3"},
        ),
        (inventory_contract(broken_inventory.ClaimsForgetTerms), {"InventoryRepository.claims 2"}),
        (
            inventory_contract(broken_inventory.IncomingForgetsArrivals),
            {"InventoryRepository.incoming 2"},
        ),
        (
            inventory_contract(broken_inventory.ReservationsByName),
            {"InventoryRepository.reservations 4"},
        ),
        (inventory_contract(broken_inventory.ReasonsForgotten), {"InventoryRepository.postings 1"}),
        (payments_contract(broken_payments.KeptPerAdapter), {"PaymentPort 1"}),
        (payments_contract(broken_payments.OtherCurrency), {"PaymentPort 4"}),
        (payments_contract(broken_payments.OverCapture), {"PaymentPort.capture 6"}),
        (payments_contract(broken_payments.OverVoid), {"PaymentPort.void 6"}),
        (payments_contract(broken_payments.OverRefund), {"PaymentPort.refund 6"}),
    ],
)
def test_a_state_machine_finds_it_by_itself(contract: type[Contract], clauses: set[str]) -> None:
    """The machine alone finds faults of every read and of the guard, and names the clause."""
    contract.machine_settings = LONG
    (machine,) = (name for name in dir(contract) if name.startswith("test_any_"))
    with pytest.raises(ClauseBroken) as caught:
        getattr(contract(), machine)()
    assert caught.value.clause in clauses


# Behind an async face -------------------------------------------------------------------------


class AsyncOrdersJudged(AsyncOrderRepositoryContract):
    """Between the look at the version and the write others get their turn."""

    durable_on_save = True

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[], AsyncOrderRepository]]:
        """A store of orders."""
        store = Store()
        yield lambda: broken_async.CheckThenAwait(broken_orders.LostUpdate(store))


class AsyncKeysJudged(AsyncOrderRepositoryContract):
    """Between the order and its key others get their turn."""

    durable_on_save = True

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[], AsyncOrderRepository]]:
        """A store of orders."""
        store = Store()
        yield lambda: broken_async.LoadThenAwait(PlainOrders(store))


class AsyncInventoryJudged(AsyncInventoryRepositoryContract):
    """Between the look at what is there and the write others get their turn."""

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[Policies], AsyncInventoryRepository]]:
        """A store of stock."""
        store = StockStore()
        yield lambda policies: broken_async.LookThenAwait(
            broken_inventory.Unguarded(store, policies)
        )


class AsyncPaymentsJudged(AsyncPaymentPortContract):
    """What waits too long is given up, and taken for a no."""

    @asynccontextmanager
    async def make(self) -> AsyncIterator[PaymentBench[AsyncPaymentPort]]:
        """An account."""
        till = Till()
        yield till.bench(lambda: broken_async.GivesUp(PlainPayments(till)))


class AsyncLeftSync(AsyncOrderRepositoryContract):
    """One method was not made async."""

    durable_on_save = True

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[], AsyncOrderRepository]]:
        """A store of orders."""
        store = Store()
        yield lambda: broken_async.FindLeftSync(PlainOrders(store))


@pytest.mark.long
@pytest.mark.parametrize(
    ("contract", "port", "clauses"),
    [
        (AsyncOrdersJudged, "OrderRepository", "save 3"),
        (AsyncKeysJudged, "OrderRepository", "load_with_key 5"),
        (AsyncInventoryJudged, "InventoryRepository", "post 6"),
        (AsyncPaymentsJudged, "PaymentPort", "2"),
        (AsyncLeftSync, "OrderRepository", "find 2, 1, 2, 3, find 1, save 1, save 2, save 5"),
    ],
)
def test_a_broken_async_adapter_is_found_out(
    contract: type[Contract], port: str, clauses: str
) -> None:
    """Tasks on one loop race as threads do, and the same clauses are named."""
    require_broken(contract, port, clauses)
