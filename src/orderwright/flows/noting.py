"""What people put on an order: holds, notes and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.flows.command import command
from orderwright.flows.deciding import Call, decide
from orderwright.flows.processing import served
from orderwright.flows.settling import Flows
from orderwright.orders import commands
from orderwright.orders.events import HoldPlaced, HoldReleased, NoteAdded, TagsChanged
from orderwright.orders.lines import Hold
from orderwright.values import tags, text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from orderwright.orders.lines import AfterHold, Blockable
    from orderwright.orders.order import Order
    from orderwright.requests import Flow

__all__ = ["Noting"]


class Noting(Flows):
    """Holding, noting and tagging. The common arguments are those of :class:`.Processing`."""

    __slots__ = ()

    @command
    def hold(
        self,
        order_id: str,
        name: str,
        *,
        blocks: Iterable[Blockable],
        reason: str = "",
        until: datetime | None = None,
        then: AfterHold = "escalate",
        fulfillments: Iterable[str] = (),
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Stop something until the hold ``name`` is released.

        ``blocks`` is any of allocate, capture, fulfil and refund. Reports of what happened are not
        stopped. At ``until`` (aware) it runs out: ``then`` it is released, the order is cancelled,
        or a person is asked and it stays. With ``fulfillments`` (ids) it stops work on those
        alone. The same hold again is a no-op; another of that name
        raises IllegalTransition.
        """
        at = self.setting.moment(at)
        stop = Hold(
            name=name,
            blocks=blocks,
            owner=text(by, "by"),
            reason=reason,
            until=until,
            then=then,
            fulfillments=fulfillments,
        )
        call = Call(HoldPlaced, {"hold": stop}, at, key, by, expected_version, reapply=True)
        return (
            yield from decide(
                self.setting, order_id, call, lambda order: commands.hold(order, stop, at=at)
            )
        )

    @command
    def release_hold(
        self,
        order_id: str,
        name: str,
        *,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Let go what the hold ``name`` stopped; what had to wait for it follows at once.

        Units that came in meanwhile are reserved after it is saved. Who dies in between says it
        again under its key; else the next delivery, or :meth:`.OrderDesk.fill`, reserves them.
        Raises NotFound if there is no such hold.
        """
        at = self.setting.moment(at)
        call = Call(
            HoldReleased,
            {"name": name, "reason": text(reason, "reason")},
            at,
            key,
            by,
            expected_version,
        )
        order = yield from decide(
            self.setting,
            order_id,
            call,
            lambda order: (commands.release_hold(order, name, at=at, reason=reason),),
        )
        return (yield from served(self.setting, order, at))

    @command
    def note(
        self,
        order_id: str,
        message: str,
        *,
        at: datetime | None = None,
        occurred_at: datetime | None = None,
        key: str = "",
        by: str = "",
    ) -> Flow[Order]:
        """Write something down, in whatever state the order is; it is read in its history."""
        at = self.setting.moment(at)
        said = {"text": text(message, "message")}
        call = Call(NoteAdded, said, at, key, by, occurred_at=occurred_at, reapply=True)
        return (
            yield from decide(
                self.setting, order_id, call, lambda _: (NoteAdded(text=message, at=at),)
            )
        )

    @command
    def tag(
        self,
        order_id: str,
        *,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        at: datetime | None = None,
        key: str = "",
        by: str = "",
    ) -> Flow[Order]:
        """Add and remove tags, in whatever state the order is; a tag in both is added."""
        at = self.setting.moment(at)
        new, old = tags(add, "add"), tags(remove, "remove")
        said = {"add": tuple(sorted(new)), "remove": tuple(sorted(old - new))}
        call = Call(TagsChanged, said, at, key, by, reapply=True)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: commands.change_tags(order, new, old, at=at),
            )
        )
