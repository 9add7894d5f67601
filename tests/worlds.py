"""A small world to test flows in: adapters in memory, a desk on them, and the laws they obey."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from orderwright import (
    DraftLine,
    Location,
    Money,
    Order,
    OrderDesk,
    OrderwrightError,
    Payment,
    PaymentRequest,
    Policy,
    Posting,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.adapters.memory_carrier import LabelEntry, MemoryCarrier, Tariff
from orderwright.flows.command import command
from orderwright.fulfillment.shipping import Label, LabelRequest, Parcel
from orderwright.lifecycles import Phase
from orderwright.orders.events import ExceptionOpened
from orderwright.payments.operations import Movement
from orderwright.ports import OrderQuery
from orderwright.requests import Flow

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NEVER = datetime(9000, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LOCATIONS = (Location(id="MAIN"), Location(id="STORE", cost=5), Location(id="DEPOT", cost=9))


def eur(amount: str | int) -> Money:
    """So many euros."""
    return Money.of(amount, "EUR")


def line(sku: str = "MUG", quantity: int = 1, price: str = "10.00", **more: str) -> DraftLine:
    """A draft line in euros."""
    return DraftLine(sku=sku, quantity=quantity, unit_price=UnitPrice.of(price, "EUR"), **more)


def card(amount: str | None = None) -> Tender:
    """A tender by card, of what is left to pay if no amount is given."""
    return Tender(method="card", amount=None if amount is None else eur(amount))


PARCELS = (Parcel(weight_grams=750),)
TARIFFS = (
    Tariff("express", "DHL", eur("9.90"), 5_000, timedelta(days=1)),
    Tariff("standard", "DHL", eur("4.90"), 5_000),
    Tariff("island", "BOAT", eur("19.90"), 90_000, countries=frozenset({"IS"})),
)


class World:
    """Adapters in memory with some stock, and desks on them.

    `moods` are what the provider does with its next requests, `moods_by_id` what it does with
    certain ones; otherwise it approves. What it authorizes is `lasting` so long, or for good. The
    carrier has `label_moods`, and `moods_by_id` too.
    """

    def __init__(
        self,
        *stock: tuple[str, str, int],
        moods: Iterable[str] = (),
        policy: Policy | None = None,
        now: datetime = NOON,
    ) -> None:
        self.now = now
        self.moods: list[str] = list(moods)
        self.moods_by_id: dict[str, str] = {}
        self.orders = MemoryOrders()
        self.inventory = MemoryInventory()
        self.lasting: timedelta | None = None
        self.payments = MemoryPayments(
            self._behave, expires=lambda _: self.lasting and self.now + self.lasting
        )
        self.label_moods: list[str] = []
        self.carrier = MemoryCarrier(TARIFFS, self._sell)
        self.policy = Policy() if policy is None else policy
        self.desk = self.new_desk()
        for number, (sku, location, units) in enumerate(stock or (("MUG", "MAIN", 10),)):
            self.receive(f"delivery-{number}", sku, location, units)

    def _behave(self, request: PaymentRequest) -> str:
        return self._mood(request.id, self.moods)

    def _sell(self, request: LabelRequest) -> str:
        return self._mood(request.id, self.label_moods)

    def _mood(self, operation_id: str, moods: list[str]) -> str:
        if operation_id in self.moods_by_id:
            mood = self.moods_by_id[operation_id]
            if mood == "request_lost":  # once: the next one arrives
                del self.moods_by_id[operation_id]
            return mood
        return moods.pop(0) if moods else "approve"

    def new_desk(self, **more: object) -> OrderDesk:
        """Another desk on the same stored world, as after a restart."""
        given = {
            "orders": self.orders,
            "inventory": self.inventory,
            "payments": self.payments,
            "carrier": self.carrier,
            "locations": LOCATIONS,
            "policy": self.policy,
            "clock": lambda: self.now,
        }
        return OrderDesk(**{**given, **more})

    def receive(self, posting_id: str, sku: str, location: str, units: int) -> None:
        """Receive stock."""
        self.inventory.post(Posting.receive(posting_id, sku, location, units, at=self.now))

    def flow(self, name: str, *args: object, **kwargs: object) -> Flow[object]:
        """The flow behind a desk's command."""
        return flow_of(self.desk, name, *args, **kwargs)

    def all_orders(self) -> list[Order]:
        """Every order, by id."""
        return [self.orders.load(one) for one in self.orders.find(OrderQuery(), limit=999)]

    def trace(self) -> tuple[int, ...]:
        """How much was ever written: nothing was, if it is the same before and after."""
        return (
            len(self.orders._feed),
            len(tuple(self.inventory.postings())),
            len(self.payments.books),
            len(self.payments._known),
            len(self.carrier.books),
            len(self.carrier._known),
        )

    def calm(self, rounds: int = 80, *, keep_moods: bool = False) -> None:
        """Let the provider approve, and resume with the clock moved on until nothing is due."""
        if not keep_moods:
            self.moods.clear()
            self.label_moods.clear()
            self.moods_by_id.clear()
        self.lasting = None
        for operation_id, (_, outcome) in list(self.payments._known.items()):
            if outcome.outcome in ("pending", "requires_action"):
                self.payments.finish(operation_id, "succeeded")
        for operation_id in list(self.carrier._known):
            self.carrier.finish(operation_id, "succeeded")
        desk = self.new_desk()
        for _ in range(rounds):
            times = [order.due_at for order in self.all_orders() if order.due_at is not None]
            if not times:
                return
            self.now = max(self.now, min(times))
            done = desk.resume(now=self.now)
            assert () == done.failures
        raise AssertionError([order.due_items for order in self.all_orders() if order.due_at])


def flow_of(desk: OrderDesk, name: str, *args: object, **kwargs: object) -> Flow[object]:
    """The flow behind the command `name` of a desk."""
    for cls in type(desk).__mro__:
        marked = cls.__dict__.get(name)
        if isinstance(marked, command):
            return marked.flow(desk, *args, **kwargs)
    raise AssertionError(name)


def commands_of(desk: type) -> dict[str, command]:
    """Every command a desk class inherits, as it was declared."""
    found = {}
    for cls in reversed(desk.__mro__):
        found |= {name: one for name, one in vars(cls).items() if isinstance(one, command)}
    return found


# Crashes -----------------------------------------------------------------------------------


class Rivals:
    """An order repository where somebody else saves first, so many times."""

    durable_on_save = True

    def __init__(self, world: World, times: int) -> None:
        self._orders = world.orders
        self._desk = world.new_desk()
        self.left = times

    def save(self, order: Any, events: Any, *, expected_version: int) -> None:  # noqa: ANN401
        """Let a rival hold the order first."""
        if self.left and expected_version:
            self.left -= 1
            self._desk.hold(order.id, f"rival-{order.version}", blocks={"refund"})
        self._orders.save(order, events, expected_version=expected_version)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Do the rest like the repository in memory."""
        return getattr(self._orders, name)


class Crashed(BaseException):
    """The process died."""


def run_until(world: World, flow: Flow[object], stop: int, *, performed: bool) -> object:
    """Run `flow`, dying at its request number `stop`, before or after it is performed."""
    ports = world.desk.ports
    number = 0
    try:
        request = flow.send(None)
        while True:
            if number == stop and not performed:
                flow.close()
                raise Crashed
            error: Exception | None = None
            reply: object = None
            try:
                reply = request.perform(ports)
            except OrderwrightError as raised:
                error = raised
            if number == stop:
                flow.close()
                raise Crashed
            number += 1
            request = flow.send(reply) if error is None else flow.throw(error)
    except StopIteration as stopped:
        return stopped.value


# Interleavings -----------------------------------------------------------------------------


class Running:
    """A flow that is taken one request further at a time."""

    def __init__(self, world: World, flow: Flow[object]) -> None:
        self.world = world
        self.flow = flow
        self.replies: list[int] = []
        self.result: object = None
        self.error: OrderwrightError | None = None
        self.done = False
        self._go(flow.send, None)

    def _go(self, call: Callable[[object], object], value: object) -> None:
        try:
            self.request = call(value)
        except StopIteration as stopped:
            self.result, self.done = stopped.value, True
        except OrderwrightError as error:
            self.error, self.done = error, True

    def step(self) -> None:
        """Perform the next request, and let the flow see the reply."""
        try:
            reply = self.request.perform(self.world.desk.ports)
        except OrderwrightError as error:
            self.replies.append(hash(repr(error)))
            self._go(self.flow.throw, error)
        else:
            self.replies.append(self._told(reply))
            self._go(self.flow.send, reply)

    def _told(self, reply: object) -> int:
        if isinstance(reply, Order):
            return hash((reply.id, repr(self.world.orders.events(reply.id))))
        return hash(repr(reply))


Scene = Callable[[], tuple[World, tuple[Flow[object], ...]]]


def interleavings(scene: Scene) -> Iterator[tuple[World, list[Running]]]:
    """Every different way in which the flows of `scene` can take turns, request by request.

    What led to the same stored world and the same replies is only followed once.
    """
    seen = set()
    pending: list[tuple[int, ...]] = [()]
    while pending:
        turns = pending.pop()
        world, flows = scene()
        running = [Running(world, flow) for flow in flows]
        for turn in turns:
            running[turn].step()
        state = (
            *(hash(repr(world.orders.events(order.id))) for order in world.all_orders()),
            tuple(posting.id for posting in world.inventory.postings()),
            repr(world.payments.books),
            repr(world.carrier.books),
            *(tuple(one.replies) for one in running),
        )
        if state in seen:
            continue
        seen.add(state)
        open_ones = [index for index, one in enumerate(running) if not one.done]
        if not open_ones:
            yield world, running
        pending += [(*turns, index) for index in open_ones]
        for one in running:
            one.flow.close()


# The laws ----------------------------------------------------------------------------------


def check_laws(world: World) -> None:
    """Assert everything that has to be true of a stored world at any moment."""
    orders = world.all_orders()
    for order in orders:
        _check_history(world, order)
        _check_units(order)
        _check_money(world, order)
    _check_books(world)
    _check_labels(world, orders)
    _check_stock(world, orders)
    _check_finding(world, orders)


def check_quiet(world: World) -> None:
    """Assert the laws, and that nothing is in flight: what is unfinished waits for a person."""
    check_laws(world)
    for order in world.all_orders():
        assert [] == [one for one in order.intents if not one.parked]
        assert order.due_at is None
        if order.state.phase is Phase.DROPPED and not order.intents and not order.exceptions:
            assert 0 == order.authorized.minor
            assert [] == [one for one in order.fulfillments if one.stock == "held"]
            if order.policy.refund == "when_cancelled" and not order.holds:
                by_providers = sum(one.sums.returnable for one in order.payments)
                assert 0 == min(order.payout.minor, by_providers)


def _check_history(world: World, order: Order) -> None:
    history = world.orders.events(order.id)
    assert order == Order.replay(history)
    assert order.version == len(history)
    for key in {event.key for event in history if event.key}:
        assert tuple(e for e in history if e.key == key) == world.orders.find_key(order.id, key)


def _check_units(order: Order) -> None:
    for line_id, counts in order.quantities().items():
        ordered, *parts, delivered = counts[:8]
        assert min(counts.returning, counts.returned, counts.lost, counts.kept) >= 0, counts
        assert ordered == sum(parts), (line_id, counts)
        assert min(*parts, delivered) >= 0, (line_id, counts)
        assert delivered <= counts.fulfilled
    for one in (*order.lines, *order.charges):
        assert 0 <= one.remaining.minor <= one.total.minor
        running = 0
        for part in one.components:
            assert part.remaining.minor * part.amount.minor >= 0
            assert abs(part.remaining.minor) <= abs(part.amount.minor)
            running += part.remaining.minor if part.adds else 0
            assert running >= 0
    for line in order.lines:
        assert 0 <= line.remaining_units <= line.ordered
        assert line.remaining_units or not line.remaining
    assert order.due.minor >= 0


def _check_money(world: World, order: Order) -> None:
    booked = {entry.operation_id: entry for entry in world.payments.books}
    for payment in order.payments:
        _check_sums(payment)
        for operation in payment.operations:
            if operation.kind in BY_ITSELF:
                assert operation.id not in booked
                assert operation.state.phase is Phase.DONE
                continue
            entry = booked.pop(operation.id, None)
            if operation.state.phase is Phase.DONE:
                assert entry is not None, operation
                assert (operation.kind, operation.amount) == (entry.kind, entry.amount)
            elif operation.state.phase is Phase.DROPPED:
                assert entry is None, operation
    mine = [one for one in booked if one.startswith(f"{order.id}/")]
    assert [] == mine, "the provider did what no order announces"
    kept = order.captured - order.refunded - order.charged_back
    assert kept - order.due == order.balance
    by_providers = sum(one.sums.refunded - one.sums.repaid for one in order.payments)
    assert by_providers <= order.captured.minor
    surplus = max(0, -order.charged_back.minor)
    assert order.payout.minor == max(0, (order.balance - order.refunding).minor - surplus)


BY_ITSELF = get_args(Movement)


def _check_sums(payment: Payment) -> None:
    """Of each payment: nothing is given back, or drawn on, that was not there."""
    done: Counter[str] = Counter()
    for one in payment.operations:
        if one.state.phase is not Phase.DROPPED:
            done[one.kind] += one.amount.minor
    if payment.amount or payment.collected != "by_provider":  # else it is only paid out to
        assert done["refund"] <= done["capture"] + done["charge"]
    assert done["capture"] + done["void"] + done["lapse"] <= done["authorize"]
    assert min(payment.refundable, payment.open_authorization, payment.outstanding).minor >= 0
    assert payment.sums.returnable <= payment.refundable.minor
    parts = payment.refund_parts(Money(payment.sums.returnable, payment.amount.currency))
    assert payment.sums.returnable == sum(part.minor for _, part in parts)
    if payment.collected != "by_provider":
        assert set(done) <= set(BY_ITSELF)


TAKEN = ("capture", "charge")


def _check_books(world: World) -> None:
    ids = [entry.operation_id for entry in world.payments.books]
    assert len(ids) == len(set(ids))
    sums: Counter[tuple[str, str]] = Counter()
    for entry in world.payments.books:
        if entry.kind == "refund" and not any(sums[entry.reference, one] for one in TAKEN):
            continue  # paid out to a tender of its own: the order bounds it
        sums[entry.reference, entry.kind] += entry.amount.minor
        there = sums[entry.reference, "capture"] + sums[entry.reference, "charge"]
        assert sums[entry.reference, "refund"] <= there
        taken = sums[entry.reference, "capture"] + sums[entry.reference, "void"]
        assert taken <= sums[entry.reference, "authorize"]


def _reserved(world: World, order: Order) -> set[object]:
    """What the ledger should hold for an order; parts of one share its reservation."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for part in order.fulfillments:
        if part.stock == "held" and (part.lapses_at is None or part.lapses_at > world.now):
            for one in order.reservations(part):
                found[one.id, one.sku, one.location, one.lot] += one.quantity
    return {(*key[:3], units) for key, units in found.items()}


def _check_stock(world: World, orders: list[Order]) -> None:
    ledger = world.inventory.ledger
    assert () == ledger.audit()
    held: dict[str, set[object]] = {}
    for one in ledger.reservations(now=world.now):
        held.setdefault(one.order_id, set()).add((one.id, one.sku, one.location, one.quantity))
    gone: Counter[str] = Counter()
    used: dict[str, Counter[tuple[str, str]]] = {}
    for posting in ledger.postings():
        for entry in posting.entries:
            if entry.bucket == "customer":
                gone[posting.order_id] += entry.quantity
            elif entry.bucket == "production" and posting.order_id:
                mine = used.setdefault(posting.order_id, Counter())
                mine[entry.location, entry.sku] += entry.quantity
    claims = {
        (one.order_id, one.id): one.quantity
        for sku in {line.sku for order in orders for line in order.lines}
        for one in ledger.claims(sku)
    }
    for order in orders:
        if order.intents:
            continue
        waiting = {
            (order.id, f"{order.id}/{line.id}"): line.claimed
            for line in order.lines
            if line.claimed
        }
        assert waiting == {key: units for key, units in claims.items() if key[0] == order.id}
        if not order.has_exception("backorder_refused"):
            assert all(line.claimed == line.backordered for line in order.lines)
        assert _reserved(world, order) == held.get(order.id, set())
        left = sum(
            item.quantity
            for part in order.fulfillments
            if part.stock == "left"
            for item in part.items
        )
        back = sum(
            units
            for one in order.returns
            for move in one.moves
            if move.booked and move.source == "customer"
            for _, units in move.units
        ) - sum(
            units
            for one in order.returns
            for move in one.moves
            if move.booked and move.target == "customer"
            for _, units in move.units
        )
        assert left - back == gone[order.id]
        assert _used_up(order) == used.get(order.id, Counter())


def _check_labels(world: World, orders: list[Order]) -> None:
    """No label is bought that no order knows, and each is for one parcel, or told as an exception.

    Whatever is not heard of yet is announced by an intent.
    """
    asked = {one.id for order in orders for one in order.intents}
    back = {
        one.request.booking
        for order in orders
        for one in order.intents
        if isinstance(one.request, LabelRequest)
    }
    labels = {label.id: label for order in orders for label in order.labels if not label.refused}
    for order in orders:
        for entry in world.carrier.books.values():
            if entry.shipment.order_id == order.id and entry.operation_id not in asked | back:
                label = labels.pop(entry.operation_id, None)
                assert (label is None) == bool(entry.cancelled_by), entry
                if label is not None:
                    _check_label(world, order, label, entry)
    assert set() == set(labels) - back, "the carrier sold no such label"


def _check_label(world: World, order: Order, label: Label, entry: LabelEntry) -> None:
    assert (entry.shipment, entry.tracking, entry.cost) == (
        label.shipment,
        label.tracking,
        label.cost,
    )
    opened = {
        event.exception.code
        for event in world.orders.events(order.id)
        if isinstance(event, ExceptionOpened)
    }
    if label.kept:
        assert "label_kept" in opened
        return
    one = order.fulfillment(label.shipment.fulfillment_id)
    assert one.live
    assert label == order.label(one.id)
    if one.gone and one.tracking != label.tracking:
        assert "label_unused" in opened
        return
    assert (one.carrier, one.tracking) == (label.carrier, label.tracking)
    if not one.gone:
        assert (tuple(sorted(one.units.items())), order.contact_id) == (
            label.shipment.units,
            label.shipment.contact_id,
        )


def _used_up(order: Order) -> Counter[tuple[str, str]]:
    """What the dishes that were ever begun are made of: nothing more, and nothing comes back."""
    found: Counter[tuple[str, str]] = Counter()
    for ticket in order.fulfillments:
        if ticket.started_at is not None and not order.has_exception("stock_mismatch"):
            assert ticket.ingredients != "wanted"
        assert ticket.ingredients != "used" or ticket.started_at is not None
        if ticket.started_at is not None and ticket.ingredients != "wanted":
            for item in ticket.items:
                for sku, units in order.line(item.line_id).uses:
                    found[ticket.larder, sku] += units * item.quantity
    return found


def _check_finding(world: World, orders: list[Order]) -> None:
    due = {order.id for order in orders if order.due_at is not None}
    assert due == {one.order_id for one in world.orders.due(NEVER, limit=999)}
    for order in orders:
        for reference in order.all_references:
            assert order.id in world.orders.by_reference(reference)
    seen = []
    position = 0
    while page := world.orders.feed(after=position, limit=7):
        seen += page
        position = page[-1].position
    assert {order.id: order.version for order in orders} == Counter(e.order_id for e in seen)


def figures(world: World) -> object:
    """What became of the world, less the detours: axes, figures, stock and books."""
    return (
        [
            (
                order.id,
                order.state.name,
                order.money,
                order.goods,
                order.figures,
                order.quantities(),
                order.exceptions,
                [
                    (one.location, one.items, one.state.name, one.stock)
                    for one in order.fulfillments
                ],
                [(one.id, one.purpose) for one in order.intents],
                [one[1:5] + one[7:] for one in order.labels],
            )
            for order in world.all_orders()
        ],
        [(sku, world.inventory.supply([sku], now=world.now)) for sku in ("MUG", "CUP", "TEA")],
        sorted((e.operation_id, e.kind, e.amount.minor) for e in world.payments.books),
        [(e.shipment, e.tracking, bool(e.cancelled_by)) for e in world.carrier.books.values()],
    )
