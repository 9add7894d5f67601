"""Drawing what people do: the commands there are, when each makes sense, and how often it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from attrs import evolve

from orderwright.inventory.postings import Posting
from orderwright.money import Money
from orderwright.payments.payment import Tender
from orderwright.testing.simulation.steps import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from orderwright.adapters.memory import Behaviour
    from orderwright.orders.order import Order
    from orderwright.testing.simulation.world import World

__all__ = ["MOODS", "At", "Command", "card", "drawn", "eur", "holding", "loss"]

MOODS: tuple[Behaviour, ...] = (
    *("approve", "approve", "decline", "pending"),
    *("requires_action", "answer_lost", "request_lost"),
)


def eur(amount: str) -> Money:
    """Return so many euros."""
    return Money.of(amount, "EUR")


def card(amount: str = "") -> Tender:
    """Return a tender by card: of what is left to pay, if no amount is given."""
    return Tender(method="card", amount=eur(amount) if amount else None)


@final
class At:
    """Where somebody is about to do something: to which ``order``, and to what of it."""

    __slots__ = ("draw", "number", "order", "world")

    def __init__(self, world: World, draw: Random, number: int, order: Order) -> None:
        self.world: World = world
        self.draw: Random = draw
        self.number: int = number
        self.order: Order = order

    @property
    def part(self) -> str:
        """Return the id of a fulfillment."""
        return self.draw.choice([one.id for one in self.order.fulfillments] or ["f1"])

    @property
    def returned(self) -> str:
        """Return the id of a return."""
        return self.draw.choice([one.id for one in self.order.returns] or ["r1"])

    @property
    def payment(self) -> str:
        """Return the id of a payment."""
        return self.draw.choice([one.id for one in self.order.payments] or ["p1"])

    @property
    def operation(self) -> str:
        """Return the id of a payment operation."""
        ids = [one.id for payment in self.order.payments for one in payment.operations]
        return self.draw.choice(ids or [f"{self.order.id}/p1/authorize-1"])

    @property
    def intent(self) -> str:
        """Return the id of something unfinished."""
        return self.draw.choice([one.id for one in self.order.intents] or [self.operation])

    @property
    def money(self) -> Money:
        """Return some money."""
        return eur(self.draw.choice(("1.00", "3.33", "5.00", "10.00")))

    @property
    def units(self) -> dict[str, int]:
        """Return a unit or two of a line."""
        lines = [one.id for one in self.order.lines]
        return {self.draw.choice(lines): self.draw.choice((1, 1, 2))}

    def told(self, name: str, *args: object, **more: object) -> Call:
        """Return the command for this order; every other time under a key, to be repeated."""
        if self.draw.random() < 0.5:  # noqa: PLR2004
            more["key"] = f"k{self.number}"
        return Call(name, self.order.id, *args, **more)


@final
class Command:
    """Something that is done: how often, when it makes sense, and the call it is."""

    __slots__ = ("call", "weight", "when")

    def __init__(
        self, weight: int, when: Callable[[Order], bool], call: Callable[[At], Call]
    ) -> None:
        self.weight: int = weight
        self.when: Callable[[Order], bool] = when
        self.call: Callable[[At], Call] = call


def holding(order: Order) -> bool:
    """Return whether something is reserved for an order."""
    return any(one.stock == "held" for one in order.fulfillments)


def loss(at: At) -> Call:
    """A unit is found missing that is reserved, by whatever counts lots one by one.

    Of an order in the middle of something, if there is one: the others are easily told.
    """
    held = at.world.inventory.reservations(at.world.now)
    if not held:  # they have lapsed
        return Call("resume")
    busy = {order.id for order in at.world.all_orders() if order.intents}
    one = at.draw.choice([one for one in held if one.order_id in busy] or held)
    gone = evolve(one, quantity=1, expires_at=None)
    return Call(
        "post_stock",
        Posting.adjust(
            f"d{at.number}",
            one.sku,
            one.location,
            -1,
            at=at.world.now,
            reason="count",
            breaking=[gone],
        ),
    )


def drawn(
    commands: Mapping[str, Command],
    world: World,
    draw: Random,
    number: int,
    orders: Sequence[Order],
) -> Call:
    """Return one of ``commands``, by their weights, for one of ``orders``.

    What is in the middle of something is more likely to be touched again, and mostly it is what
    makes sense; sometimes it is anything.
    """
    busy = [one for one in orders if one.intents]
    order = draw.choice(busy if busy and draw.random() < 0.6 else orders)  # noqa: PLR2004
    anything = draw.random() < 0.15  # noqa: PLR2004
    able = [one for one in commands.values() if anything or one.when(order)]
    (command,) = draw.choices(able, [one.weight for one in able])
    return command.call(At(world, draw, number, order))
