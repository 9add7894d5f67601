"""A world in one thread: adapters in memory, a clock that is set, and desks on them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, cast

from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.adapters.memory_carrier import MemoryCarrier, Tariff
from orderwright.desk import OrderDesk
from orderwright.errors import InvalidInput
from orderwright.fulfillment.fulfillment import Scan
from orderwright.fulfillment.locations import Location
from orderwright.inventory.guard import guarded
from orderwright.inventory.postings import Posting
from orderwright.lifecycles import STANDARD
from orderwright.money import Money
from orderwright.orders.lines import Policy
from orderwright.ports import OrderQuery
from orderwright.requests import SaveOrder, ask, relayed
from orderwright.testing.simulation.steps import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from orderwright.adapters.memory import Behaviour, BookEntry
    from orderwright.adapters.memory_carrier import CarrierBehaviour, LabelEntry
    from orderwright.flows.resuming import Resumed
    from orderwright.fulfillment.fulfillment import ScanStatus
    from orderwright.fulfillment.shipping import LabelRequest
    from orderwright.inventory.guard import Policies
    from orderwright.lifecycles import Lifecycles
    from orderwright.orders.order import Order
    from orderwright.payments.operations import PaymentRequest
    from orderwright.ports import InventoryRepository, OrderRepository
    from orderwright.requests import Flow, Request

__all__ = ["LOCATIONS", "NOON", "TARIFFS", "LabelBooks", "PaymentBooks", "Stored", "World"]

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LOCATIONS = (Location(id="MAIN"), Location(id="STORE", cost=5), Location(id="DEPOT", cost=9))
TARIFFS = (
    Tariff("express", "DHL", Money.of("9.90", "EUR"), 5_000, timedelta(days=1)),
    Tariff("standard", "DHL", Money.of("4.90", "EUR"), 5_000),
    Tariff("island", "BOAT", Money.of("19.90", "EUR"), 90_000, countries=frozenset({"IS"})),
)
_PAGE = 500


class PaymentBooks(Protocol):
    """Whatever has a provider's own books: every movement, under the id it was asked with."""

    @property
    def books(self) -> Sequence[BookEntry]:
        """The movements, oldest first."""
        ...


class LabelBooks(Protocol):
    """Whatever has a carrier's own books: every label sold, by the id it was asked with."""

    @property
    def books(self) -> Mapping[str, LabelEntry]:
        """The labels."""
        ...


class Stored(Protocol):
    """What the laws look at: what is stored, what the others' own books say, and the time.

    A :class:`World` is one; so is any object that has these, over whatever storage.
    """

    @property
    def now(self) -> datetime:
        """The time."""
        ...

    @property
    def orders(self) -> OrderRepository:
        """The orders."""
        ...

    @property
    def inventory(self) -> InventoryRepository:
        """The stock."""
        ...

    @property
    def payments(self) -> PaymentBooks:
        """The payment provider's books."""
        ...

    @property
    def carrier(self) -> LabelBooks:
        """The carrier's books."""
        ...

    @property
    def policies(self) -> Policies:
        """What may be promised of each SKU at each location."""
        ...

    @property
    def lifecycles(self) -> Lifecycles:
        """What the orders were made under."""
        ...


def every_order(orders: OrderRepository) -> list[Order]:
    """Return every order, by id."""
    found: list[Order] = []
    last = ""
    while page := orders.find(OrderQuery(), after=last, limit=_PAGE):
        found += [cast("Order", orders.load(one)) for one in page]
        last = page[-1]
    return found


def _looked_at(flow: Flow[object], look: Callable[[], object]) -> Flow[object]:
    """Return a flow that does what ``flow`` does, and looks after each order that it saved."""

    def answer(request: Request[object]) -> Flow[object]:
        reply: object = yield from ask(request)
        if isinstance(request, SaveOrder):
            look()
        return reply

    return relayed(flow, answer)


class World:
    """A shop with some ``stock`` (SKU, location, units), whose clock shows ``now``.

    ``moods`` are what the payment provider does with its next requests, ``moods_by_id`` what it
    does with certain ones (:data:`~orderwright.adapters.memory.Behaviour`); otherwise it approves.
    What it authorizes is ``lasting`` so long, or for good. The carrier has ``label_moods``, and
    ``moods_by_id`` too. ``orders`` and ``inventory`` are storage of your own, fresh and empty; left
    out, it is kept in memory, where a ``joint`` world writes postings along with orders. What else
    your desks are built with goes into a subclass with a :meth:`new_desk` of its own.
    """

    def __init__(
        self,
        *stock: tuple[str, str, int],
        moods: Iterable[Behaviour] = (),
        policy: Policy | None = None,
        now: datetime = NOON,
        locations: Iterable[Location] = LOCATIONS,
        policies: Policies = guarded,
        lifecycles: Lifecycles = STANDARD,
        orders: OrderRepository | None = None,
        inventory: InventoryRepository | None = None,
        joint: bool = False,
    ) -> None:
        self.now: datetime = now
        self.moods: list[Behaviour] = list(moods)
        self.moods_by_id: dict[str, Behaviour | CarrierBehaviour] = {}
        self.lasting: timedelta | None = None
        self.label_moods: list[CarrierBehaviour] = []
        self.policy: Policy = Policy() if policy is None else policy
        self.policies: Policies = policies
        self.lifecycles: Lifecycles = lifecycles
        stored = MemoryInventory(policies)
        self.inventory: InventoryRepository = stored if inventory is None else inventory
        if joint and (orders is not None or inventory is not None):
            raise InvalidInput.at("joint", "is for storage in memory; join your own yourself")
        if orders is None:
            orders = MemoryOrders(stored if joint else None)
        self.orders: OrderRepository = orders
        self.payments: MemoryPayments = MemoryPayments(self._behave, expires=self._expires)
        self.carrier: MemoryCarrier = MemoryCarrier(TARIFFS, self._sell)
        self.locations: tuple[Location, ...] = tuple(locations)
        self.desk: OrderDesk = self.new_desk()
        for number, (sku, location, units) in enumerate(stock or (("MUG", "MAIN", 10),)):
            self.receive(f"delivery-{number}", sku, location, units)

    def _expires(self, _: PaymentRequest) -> datetime | None:
        return None if self.lasting is None else self.now + self.lasting

    def _behave(self, request: PaymentRequest) -> Behaviour:
        return cast("Behaviour", self._mood(request.id, self.moods))

    def _sell(self, request: LabelRequest) -> CarrierBehaviour:
        return cast("CarrierBehaviour", self._mood(request.id, self.label_moods))

    def _mood(
        self, operation_id: str, moods: list[Behaviour] | list[CarrierBehaviour]
    ) -> Behaviour | CarrierBehaviour:
        mood = self.moods_by_id.get(operation_id)
        if mood is None:
            return moods.pop(0) if moods else "approve"
        if mood == "request_lost":  # once: the next one arrives
            del self.moods_by_id[operation_id]
        return mood

    def new_desk(self) -> OrderDesk:
        """Return another desk on the same stored world, as after a restart."""
        return OrderDesk(
            orders=self.orders,
            inventory=self.inventory,
            payments=self.payments,
            carrier=self.carrier,
            locations=self.locations,
            policy=self.policy,
            lifecycles=self.lifecycles,
            clock=lambda: self.now,
        )

    # What happens outside of any order ------------------------------------------------------

    def receive(self, posting_id: str, sku: str, location: str, units: int) -> None:
        """Receive stock."""
        self.inventory.post(Posting.receive(posting_id, sku, location, units, at=self.now))

    def lose(self, posting_id: str, sku: str, location: str) -> None:
        """Lose what is available of a SKU at a location: somebody else took it."""
        for one in self.inventory.supply([sku], now=self.now):
            if one.location == location and one.available > 0:
                lots = {lot.lot: lot.available for lot in one.lots}
                lots[""] = one.available - sum(lots.values())
                lost = [
                    Posting.adjust(
                        posting_id, sku, location, -units, at=self.now, reason="taken", lot=lot
                    )
                    for lot, units in lots.items()
                    if units > 0
                ]
                self.inventory.post(Posting.linked(posting_id, lost))

    def wait(self, time: timedelta) -> None:
        """Let time pass."""
        self.now += time

    def wait_until_due(self) -> None:
        """Let time pass until the next thing is due."""
        due = self.orders.due(self.now + timedelta(days=3650), limit=1)
        if due:
            self.now = max(self.now, due[0].due_at)

    def provider(self, moods: Sequence[Behaviour], lasting: timedelta | None = None) -> None:
        """Say what the provider does with the next requests, and how long it authorizes for."""
        self.moods[:] = moods
        self.lasting = lasting

    def move_parcel(self, tracking: str, status: ScanStatus) -> None:
        """Let something happen to the parcels under a number: their carrier knows it."""
        self.carrier.move(tracking, Scan(status, self.now))

    # The calm -------------------------------------------------------------------------------

    def all_orders(self) -> list[Order]:
        """Return every order, by id."""
        return every_order(self.orders)

    def make_up_minds(self) -> None:
        """Let the provider and the carrier approve whatever they had not decided."""
        self.moods.clear()
        self.label_moods.clear()
        self.moods_by_id.clear()
        self.lasting = None

    def decide(self) -> None:
        """Let what is pending with the provider and the carrier succeed."""
        for operation_id in self.payments.operations:
            self.payments.finish(operation_id, "succeeded")
        for operation_id in self.carrier.operations:
            self.carrier.finish(operation_id, "succeeded")

    def calm(
        self,
        rounds: int = 80,
        *,
        keep_moods: bool = False,
        look: Callable[[], object] | None = None,
    ) -> None:
        """Let the provider approve, and resume with the clock moved on until nothing is due.

        ``look`` is called whenever an order was saved. Raises what it does, and AssertionError if
        something is still due after so many rounds, or resuming fails.
        """
        if not keep_moods:
            self.make_up_minds()
        self.lasting = None
        self.decide()
        desk = self.new_desk()
        for _ in range(rounds):
            due = self.orders.due(datetime.max.replace(tzinfo=UTC), limit=1)
            if not due:
                return
            self.now = max(self.now, due[0].due_at)
            flow = Call("resume", now=self.now).flow(desk)
            done = cast("Resumed", desk.run(flow if look is None else _looked_at(flow, look)))
            if done.failures:
                raise AssertionError(f"resuming fails in the calm: {done.failures}")
        left = [order.due_items for order in self.all_orders() if order.due_at]
        raise AssertionError(f"still due after {rounds} rounds: {left}")
