"""Orders to save, made by a desk on the adapters in memory: what each test needs, and no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast, final

from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.adapters.memory_carrier import MemoryCarrier, Tariff
from orderwright.desk import OrderDesk
from orderwright.fulfillment.locations import Location
from orderwright.inventory.postings import Posting
from orderwright.money import Money, UnitPrice
from orderwright.orders.events import NoteAdded
from orderwright.orders.lines import DraftLine, Policy, Reference
from orderwright.payments.payment import Tender
from orderwright.values import MAX_QUANTITY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orderwright.adapters.memory import Behaviour
    from orderwright.orders.contacts import Contact
    from orderwright.orders.events import Event
    from orderwright.orders.order import Order
    from orderwright.payments.operations import PaymentRequest
    from orderwright.ports import OrderRepository

__all__ = [
    "ALIKE",
    "CARD",
    "CROWD",
    "HAWAII",
    "JOINTS",
    "KATHMANDU",
    "NAME",
    "NOON",
    "PADDED",
    "SORTED",
    "TEXT",
    "Saved",
    "Shop",
    "eur",
    "joined",
    "line",
    "noted",
    "placed",
]

# Moments with all that gets lost: microseconds, and zones that are not whole hours from UTC.
NOON = datetime(2026, 3, 2, 12, 0, 0, 999_999, tzinfo=UTC)
KATHMANDU = timezone(timedelta(hours=5, minutes=45))
HAWAII = timezone(timedelta(hours=-10))
NAME = "o'Zoë \"%_\\{}; -- e\N{COMBINING ACUTE ACCENT} \N{SLICE OF PIZZA}"
"""A name with what quoting, escaping, patterns and narrow encodings stumble over."""
TEXT = f"\ttwo lines:\r\n  {NAME}\N{LINE SEPARATOR}\x7f\N{RIGHT-TO-LEFT OVERRIDE}\uffff "
"""A text with what else may stand in one, spaces at its end included."""
SORTED = ("!", "10", "9", "A", "Z", "_", "a", "a!", "z", "\xc4", "\xe9", "\ufb00", "\U0001f600")
"""Names in the order of their code points: not of a dictionary, not of numbers, not of UTF-16."""
ALIKE = ("a", "A", "\xe9", "e\u0301", "e", "ss", "\xdf", "\ufb01", "fi", "i", "\u0131")
"""Names that some databases and languages take for one another."""
PADDED = ("a", "a ", "a  ", " a")
"""Names that are one where spaces at an end do not count; ids have none there, other names may."""
JOINTS = ("", ":", "-", "_", "|", ".", ",", ";", "#", "=", " ", "::", "--")
"""What stands between two names where they are kept as one."""
CROWD = 1_200
"""More than most stores answer with at once, or take in one list."""
CARD = Tender(method="card", instrument="stored card")


@final
class Saved(NamedTuple):
    """One save: what a repository is given."""

    order: Order
    events: tuple[Event, ...]
    expected_version: int = 0
    contacts: Mapping[str, Contact | None] = {}

    def into(self, orders: OrderRepository) -> None:
        """Save it."""
        version = self.expected_version
        orders.save(self.order, self.events, expected_version=version, contacts=self.contacts)


@final
class _Recorder:
    """An order repository in memory that notes every save."""

    durable_on_save = True

    def __init__(self) -> None:
        self._orders = MemoryOrders()
        self.saves: list[Saved] = []

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
    ) -> None:
        """Save, and note it."""
        one = Saved(order, tuple(events), expected_version, dict(contacts or {}))
        one.into(self._orders)
        self.saves.append(one)

    def __getattr__(self, name: str) -> object:
        """Read what was saved."""
        return cast("object", getattr(self._orders, name))


def eur(amount: str) -> Money:
    """Return so many euros."""
    return Money.of(amount, "EUR")


def line(sku: str = "MUG", quantity: int = 2, price: str = "12.505", name: str = "") -> DraftLine:
    """Return a plain line."""
    return DraftLine(sku=sku, quantity=quantity, unit_price=UnitPrice.of(price, "EUR"), name=name)


_STOCK = (("MUG", "MAIN"), ("MUG", "WEST"), ("CUP", "WEST"), (NAME, "MAIN"), ("PART", "MAIN"))
_TARIFFS = (Tariff(NAME, f"carrier {NAME}", Money.of("4.90", "EUR"), MAX_QUANTITY),)
_LOCATIONS = (Location(id="MAIN"), Location(id="WEST"), Location(id="BAR", makes="ticket"))


@final
class Shop:
    """A desk on adapters in memory, with stock, whose saves can be fetched.

    ``behave`` is how its payment provider behaves; left out, it approves.
    """

    def __init__(self, behave: Callable[[PaymentRequest], Behaviour] | None = None) -> None:
        self._recorder = _Recorder()
        inventory = MemoryInventory()
        for sku, location in _STOCK:
            name = f"{sku} at {location}"
            inventory.post(Posting.receive(name, sku, location, MAX_QUANTITY, at=NOON))
        self.desk: OrderDesk = OrderDesk(
            orders=cast("OrderRepository", self._recorder),
            inventory=inventory,
            payments=MemoryPayments(behave, expires=lambda _: NOON + timedelta(days=7)),
            carrier=MemoryCarrier(_TARIFFS),
            locations=_LOCATIONS,
            policy=Policy(capture="on_confirmation", short="backorder", attempts=1),
            clock=lambda: NOON,
        )

    def saves(self) -> tuple[Saved, ...]:
        """Return every save since they were last fetched."""
        found = tuple(self._recorder.saves)
        self._recorder.saves.clear()
        return found

    def save(self) -> Saved:
        """Return the one save that does what all since the last did, to one order."""
        return joined(self.saves())


def joined(saves: Sequence[Saved]) -> Saved:
    """Return the one save that does what several of one order do."""
    contacts: dict[str, Contact | None] = {}
    for one in saves:
        contacts |= one.contacts
    events = tuple(event for one in saves for event in one.events)
    return Saved(saves[-1].order, events, saves[0].expected_version, contacts)


def placed(
    order_id: str,
    *,
    at: datetime = NOON,
    due_at: datetime | None = None,
    customer_id: str = "",
    channel: str = "web",
    references: Sequence[Reference] = (),
    contact: Contact | None = None,
) -> Saved:
    """Return the save of a new order: paid, with mugs held at MAIN, or unpaid and ``due_at``."""
    return _placed(order_id, at, due_at, customer_id, channel, tuple(references), contact)


@lru_cache(maxsize=512)
def _placed(  # noqa: PLR0917 - as above, but to be remembered
    order_id: str,
    at: datetime,
    due_at: datetime | None,
    customer_id: str,
    channel: str,
    references: tuple[Reference, ...],
    contact: Contact | None,
) -> Saved:
    """Make an order, or remember it: the same one is saved to many stores."""
    shop = Shop()
    shop.desk.place(
        [line()],
        order_id=order_id,
        at=at,
        policy=Policy(
            unpaid_ttl=None if due_at is None else due_at - at, capture="on_confirmation"
        ),
        tenders=[CARD] if due_at is None else [],
        customer_id=customer_id,
        channel=channel,
        references=references,
        contact=contact,
    )
    return shop.save()


def noted(order: Order, *keys: str, text: str = "", at: datetime = NOON) -> Saved:
    """Return the save of one note with each of the callers' ``keys`` on an order."""
    notes = tuple(NoteAdded(text=text or key, key=key, at=at) for key in keys)
    return Saved(order.after(notes), notes, order.version)
