"""OrderDesk and AsyncOrderDesk: what an application calls."""

from __future__ import annotations

from copy import copy
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Self, TypeVar, final

from orderwright.drivers import run, run_async
from orderwright.errors import InvalidInput
from orderwright.flows.command import AsyncRunner, SyncRunner
from orderwright.flows.editing import Editing
from orderwright.flows.fulfilling import Fulfilling
from orderwright.flows.noting import Noting
from orderwright.flows.paying import Paying
from orderwright.flows.placing import Placing
from orderwright.flows.previewing import previewed
from orderwright.flows.processing import Processing
from orderwright.flows.resuming import Resuming
from orderwright.flows.returning import Returning
from orderwright.flows.serving import Serving
from orderwright.flows.settling import Setting
from orderwright.flows.shipping import Shipping
from orderwright.flows.stocking import Stocking
from orderwright.flows.tracking import Tracking
from orderwright.fulfillment.locations import Location
from orderwright.fulfillment.planning import plan
from orderwright.lifecycles import STANDARD
from orderwright.orders.lines import Policy
from orderwright.requests import Ports
from orderwright.values import each, several

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import datetime, timedelta

    from orderwright.fulfillment.planning import Strategy
    from orderwright.lifecycles import Lifecycles
    from orderwright.ports import (
        AsyncCarrierPort,
        AsyncInventoryRepository,
        AsyncOrderRepository,
        AsyncPaymentPort,
        CarrierPort,
        InventoryRepository,
        OrderRepository,
        PaymentPort,
    )
    from orderwright.requests import Flow

__all__ = ["AsyncOrderDesk", "OrderDesk"]

T = TypeVar("T")

_POLICY = Policy()
_VERBS = ("load", "save", "post", "supply", "authorize", "charge", "capture", "look_up", "book")


def _setting(
    ports: Ports,
    *,
    locations: Iterable[Location],
    policy: Policy,
    lifecycles: Lifecycles,
    clock: Callable[[], datetime] | None,
    ids: Callable[[], str] | None,
    strategy: Strategy,
) -> Setting:
    found = each(several(locations, "locations"), Location, "locations")
    places = {location.id: location for location in found}
    if len(places) < len(found):
        raise InvalidInput.at("locations", "two of them have the same id")
    for one in places.values():
        if one.makes and one.makes not in lifecycles.kinds:
            kinds = ", ".join(lifecycles.kinds)
            wrong = f"{one.id} makes {one.makes!r}, which is none of the kinds {kinds}"
            raise InvalidInput.at("locations", wrong)
    capabilities = ports.payments.capabilities
    carrier = ports.optional_carrier
    return Setting(
        locations=places,
        policy=policy,
        lifecycles=lifecycles,
        durable=ports.orders.durable_on_save,
        joint=ports.orders.durable_on_save and ports.joint,
        key_retention=capabilities.key_retention,
        several_captures=capabilities.several_captures,
        clock=clock,
        ids=ids,
        strategy=strategy,
        label_retention=None if carrier is None else carrier.capabilities.key_retention,
    )


class Commands(
    Placing,
    Processing,
    Noting,
    Paying,
    Editing,
    Serving,
    Fulfilling,
    Shipping,
    Tracking,
    Returning,
    Stocking,
    Resuming,
):
    """Everything a desk can be told."""

    __slots__ = ()


class _Desk:
    """What both desks are made of."""

    __slots__ = ("ports", "previewing", "setting")
    previewing: bool

    def preview(self) -> Self:
        """Return a desk whose commands only tell what would come of them.

        They read what is really there, and pretend that every write and every call succeeds: the
        order they return is the one you would have, but for the names that providers give. Its
        ``due`` is what to pass to the real command as ``expected_due``. Nothing is saved, posted or
        sent.
        """
        desk = copy(self)
        desk.previewing = True
        return desk


@final
class OrderDesk(Commands, _Desk, SyncRunner):
    """Carries orders from placement to delivery, with the adapters it was given.

    ``locations`` are where orders can be served from. ``policy`` is what new orders get unless
    they bring their own. ``lifecycles`` must be those the stored orders were made under. ``clock``
    (returning aware datetimes) and ``ids`` (returning new order ids) are asked only where a call
    leaves ``at`` or ``order_id`` out. ``strategy`` plans who serves what (left out: the best plan
    there is). ``carrier`` sells labels and knows where parcels are; without one, commands that need
    it are refused. ``pause`` waits for a time, such as :func:`.system.pause`: what failed in
    passing (a lost connection, a deadlock) is then tried again, up to four times within some
    seconds; left out, it is raised at once. Raises InvalidInput for an async adapter.
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        orders: OrderRepository,
        inventory: InventoryRepository,
        payments: PaymentPort,
        locations: Iterable[Location],
        policy: Policy = _POLICY,
        lifecycles: Lifecycles = STANDARD,
        clock: Callable[[], datetime] | None = None,
        ids: Callable[[], str] | None = None,
        strategy: Strategy = plan,
        carrier: CarrierPort | None = None,
        pause: Callable[[timedelta], None] | None = None,
    ) -> None:
        for name, port in (
            ("orders", orders),
            ("inventory", inventory),
            ("payments", payments),
            ("carrier", carrier),
        ):
            verbs = (getattr(port, verb) for verb in _VERBS if hasattr(port, verb))
            if any(map(iscoroutinefunction, verbs)):
                raise InvalidInput.at(name, "is an async adapter; use AsyncOrderDesk")
        self.previewing: bool = False
        self.ports: Ports = Ports(
            orders=orders,
            inventory=inventory,
            payments=payments,
            carrier=carrier,
            pause=pause,
        )
        self.setting: Setting = _setting(
            self.ports,
            locations=locations,
            policy=policy,
            lifecycles=lifecycles,
            clock=clock,
            ids=ids,
            strategy=strategy,
        )

    def run(self, flow: Flow[T]) -> T:
        """Run ``flow``, one of ours or your own, with this desk's adapters."""
        return run(previewed(flow) if self.previewing else flow, self.ports)


@final
class AsyncOrderDesk(Commands, _Desk, AsyncRunner):
    """The same desk for async applications; its adapters may be async or sync, also mixed."""

    __slots__ = ()

    def __init__(
        self,
        *,
        orders: AsyncOrderRepository | OrderRepository,
        inventory: AsyncInventoryRepository | InventoryRepository,
        payments: AsyncPaymentPort | PaymentPort,
        locations: Iterable[Location],
        policy: Policy = _POLICY,
        lifecycles: Lifecycles = STANDARD,
        clock: Callable[[], datetime] | None = None,
        ids: Callable[[], str] | None = None,
        strategy: Strategy = plan,
        carrier: AsyncCarrierPort | CarrierPort | None = None,
        pause: Callable[[timedelta], Awaitable[None] | None] | None = None,
    ) -> None:
        self.previewing: bool = False
        self.ports: Ports = Ports(
            orders=orders,
            inventory=inventory,
            payments=payments,
            carrier=carrier,
            pause=pause,
        )
        self.setting: Setting = _setting(
            self.ports,
            locations=locations,
            policy=policy,
            lifecycles=lifecycles,
            clock=clock,
            ids=ids,
            strategy=strategy,
        )

    async def run(self, flow: Flow[T]) -> T:
        """Run ``flow``, one of ours or your own, with this desk's adapters."""
        return await run_async(previewed(flow) if self.previewing else flow, self.ports)
