"""Placement: an order comes into being, its stock is reserved, its tenders authorized."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.errors import (
    AmountRefused,
    Conflict,
    IllegalTransition,
    InvalidInput,
    KeyReused,
    NotFound,
)
from orderwright.flows.command import command
from orderwright.flows.deciding import Call, decide, require_same_contact, same_contact
from orderwright.flows.loading import load, load_with_key
from orderwright.flows.settling import Flows, carry_on, follow, plan_for, save
from orderwright.lifecycles import Phase
from orderwright.money import Money
from orderwright.orders.commands import cancel
from orderwright.orders.contacts import Contact, forget, kept
from orderwright.orders.events import (
    ContactsForgotten,
    OrderCancelled,
    OrderDrafted,
    OrderPlaced,
)
from orderwright.orders.order import Order
from orderwright.orders.placement import (
    Placement,
    contact_id,
    contents,
    placed_draft,
    waiting,
)
from orderwright.orders.repeating import require_same
from orderwright.orders.sourcing import demand, short_of
from orderwright.orders.stocking import allocated
from orderwright.requests import (
    LoadContact,
    LoadEvents,
    LoadOrder,
    LoadWithKey,
    SaveOrder,
    ask,
)
from orderwright.values import instance, quantity, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from orderwright.flows.settling import Setting
    from orderwright.orders.amounts import Adjustment
    from orderwright.orders.events import Event
    from orderwright.orders.lines import Charge, DraftLine, Policy, Reference
    from orderwright.payments.payment import Payment, Tender
    from orderwright.requests import Flow

__all__ = ["Placing", "named"]

_SAID = (
    "lines",
    "charges",
    "adjustments",
    "payments",
    "policy",
    "channel",
    "customer_id",
    "references",
    "service",
    "table",
    "scheduled_for",
)


class Placing(Flows):
    """Placing orders and reading them."""

    __slots__ = ()

    @command
    def place(
        self,
        lines: Sequence[DraftLine],
        *,
        order_id: str | None = None,
        charges: Sequence[Charge] = (),
        adjustments: Sequence[Adjustment] = (),
        tenders: Sequence[Tender] = (),
        channel: str = "web",
        customer_id: str = "",
        references: Sequence[Reference] = (),
        service: str = "",
        table: str = "",
        scheduled_for: datetime | None = None,
        contact: Contact | None = None,
        expected_total: Money | None = None,
        policy: Policy | None = None,
        at: datetime | None = None,
        occurred_at: datetime | None = None,
        by: str = "",
    ) -> Flow[Order]:
        """Place an order: plan it, reserve its stock in one posting, authorize its tenders.

        ``order_id`` is the key of this command: make it before you call, store it, and send it
        again if you got no answer. The same id with the same content answers with the order as it
        is; with other content it raises KeyReused naming the field. Left out, the desk's ``ids``
        give one, and a repeated call is a second order. All lines, charges and tenders are in the
        currency of the first line; ``adjustments`` are discounts and surcharges on the order as a
        whole, shared over its lines; a tender without an amount takes what is left. ``at`` is when
        it is recorded (aware; the desk's clock if left out), ``occurred_at`` when it happened.
        Staff who take it on the phone or in person say so in ``channel`` and ``by``. ``service`` is
        how it is served ("delivery", "pickup", "dine_in": an open set), ``table`` where; under a
        policy with ``tab`` it is the first round of a tab. An order ``scheduled_for`` later waits
        under the hold ``scheduled`` until its policy's ``lead_time`` before that.
        ``contact`` is kept beside the order, where it can be forgotten.

        Returns the order, confirmed if everything went well. A declined tender is an outcome, not
        an error: the order then waits, its stock kept, for ``pay`` until its policy's
        ``unpaid_ttl``. Raises InvalidInput with all faults at once, AmountRefused if the total is
        not ``expected_total``, OutOfStock if units are missing and the policy rejects that.
        Nothing is saved when it raises, but for OutcomeUnknown: then it may be.
        """
        setting = self.setting
        if expected_total is not None:
            instance(expected_total, Money, "expected_total")
        said = Placement(
            order_id=named(setting, order_id),
            lines=lines,
            charges=charges,
            adjustments=adjustments,
            tenders=tenders,
            channel=channel,
            customer_id=customer_id,
            references=references,
            policy=setting.policy if policy is None else policy,
            at=setting.moment(at),
            occurred_at=occurred_at,
            by=by,
            service=service,
            table=table,
            scheduled_for=scheduled_for,
            contact=contact,
        )
        opening = contents(said, OrderPlaced, setting.lifecycles)
        return (yield from _place(setting, opening, contact, expected_total))

    @command
    def draft(
        self,
        lines: Sequence[DraftLine],
        *,
        order_id: str | None = None,
        charges: Sequence[Charge] = (),
        adjustments: Sequence[Adjustment] = (),
        tenders: Sequence[Tender] = (),
        channel: str = "web",
        customer_id: str = "",
        references: Sequence[Reference] = (),
        service: str = "",
        table: str = "",
        scheduled_for: datetime | None = None,
        contact: Contact | None = None,
        policy: Policy | None = None,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Make a draft, or replace what a draft says by this: it is worked out, and binds nobody.

        The arguments are those of :meth:`place`, which a draft is with :meth:`place_draft`. The
        same draft again is a no-op. Raises InvalidInput with all faults at once, IllegalTransition
        if there is an order of that id that is no draft any more, Conflict if it was changed since
        ``expected_version``.
        """
        setting = self.setting
        if key and order_id is None:
            raise InvalidInput.at("order_id", "pass one: a key is known by the order it is of")
        said = Placement(
            order_id=named(setting, order_id),
            lines=lines,
            charges=charges,
            adjustments=adjustments,
            tenders=tenders,
            channel=channel,
            customer_id=customer_id,
            references=references,
            policy=setting.policy if policy is None else policy,
            at=setting.moment(at),
            occurred_at=None,
            by=by,
            service=service,
            table=table,
            scheduled_for=scheduled_for,
            contact=contact,
        )
        drafted = contents(said, OrderDrafted, setting.lifecycles)
        content = {name: getattr(drafted, name) for name in _SAID}
        call = Call(OrderDrafted, content, said.at, key, by, expected_version, contact=contact)
        call.check()
        return (yield from _draft(setting, drafted, call))

    @command
    def place_draft(
        self,
        order_id: str,
        *,
        expected_total: Money | None = None,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Place what a draft says, as :meth:`place` would.

        Raises IllegalTransition if it is no draft (any more), AmountRefused if its total is not
        ``expected_total``, OutOfStock if units are missing and the policy rejects that.
        """
        at = self.setting.moment(at)
        call = Call(
            OrderPlaced,
            {"order_id": order_id},
            at,
            key,
            by,
            expected_version,
            expected_due=expected_total,
            sourced=True,
        )
        return (
            yield from decide(
                self.setting, order_id, call, lambda draft: placed_draft(draft, at=at)
            )
        )

    @command
    def discard_draft(
        self,
        order_id: str,
        *,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Throw a draft away. Raises IllegalTransition if it is no draft."""
        at = self.setting.moment(at)
        said = {"action": "discard", "reason": text(reason, "reason")}
        call = Call(OrderCancelled, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda draft: (cancel(draft, at=at, reason=reason, action="discard"),),
            )
        )

    @command
    def contact(self, order_id: str) -> Flow[Contact | None]:
        """Return whom an order is for now; None if nobody said, or it was forgotten.

        Raises NotFound for an unknown order.
        """
        order = yield from load(order_id)
        if not order.contact_id:
            return None
        return (yield from ask(LoadContact(order.contact_id)))

    @command
    def forget(
        self,
        order_id: str,
        *,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
    ) -> Flow[Order]:
        """Forget all personal data the order ever had, in whatever state it is.

        The order, its history and its figures stay as they are. What people wrote into names,
        reasons and notes is not personal data to us: keep it out of them.
        """
        at = self.setting.moment(at)
        said = {"reason": text(reason, "reason")}
        call = Call(ContactsForgotten, said, at, key, by, reapply=True)
        return (
            yield from decide(
                self.setting, order_id, call, lambda order: forget(order, at=at, reason=reason)
            )
        )

    @command
    def order(self, order_id: str) -> Flow[Order]:
        """Return the order as last saved; raise NotFound."""
        return (yield from load(order_id))

    @command
    def history(self, order_id: str) -> Flow[tuple[Event, ...]]:
        """Return all events of an order, oldest first (none for an unknown order)."""
        return (yield from ask(LoadEvents(text(order_id, "order_id"))))

    @command
    def as_of(self, order_id: str, version: int) -> Flow[Order]:
        """Return the order as it was after its first ``version`` events; raise NotFound.

        :func:`orderwright.orders.difference.difference` tells two versions apart.
        """
        quantity(version, "version")
        events = yield from ask(LoadEvents(text(order_id, "order_id")))
        if not events:
            raise NotFound("order", order_id)
        if version > len(events):
            raise NotFound("version", str(version), order_id)
        return Order.replay(events[:version], self.setting.lifecycles)


def named(setting: Setting, order_id: str | None) -> str:
    """Return ``order_id``, or a new one; raise InvalidInput if the desk was built without ids."""
    if order_id is not None:
        return order_id
    if setting.ids is None:
        raise InvalidInput.at("order_id", "pass one, or build the desk with ids")
    return setting.ids()


def _last_number(payments: Sequence[Payment]) -> int:
    return max((int(one.id[1:]) for one in payments), default=0)


def _draft(setting: Setting, drafted: OrderDrafted, call: Call) -> Flow[Order]:
    """Save what makes the draft, or changes the one there is."""
    known = yield from ask(LoadOrder(drafted.order_id))
    if known is None and not call.expected_version:
        first = evolve(drafted, key=call.key)
        order = Order.replay((first,), setting.lifecycles)
        lost = False
        try:
            yield from ask(SaveOrder(order, (first,), 0, kept((first,), call.contact)))
        except Conflict:
            lost = True
        if not lost:
            return order
    same = yield from same_contact(known, call.contact)
    return (
        yield from decide(
            setting,
            drafted.order_id,
            call,
            lambda draft: _amended(draft, drafted, call.said, same=same),
        )
    )


def _amended(
    draft: Order, drafted: OrderDrafted, content: Mapping[str, object], *, same: str | None
) -> tuple[OrderDrafted, ...]:
    """Return the new content of a draft; ``same`` is the contact id that would stay as it is."""
    if draft.state.phase is not Phase.PLANNED:
        raise IllegalTransition("order", draft.state.name, "draft", draft.allowed(), draft.id)
    # Money that was reported on the draft meanwhile stays where it is.
    paid = tuple(one for one in draft.payments if one.operations)
    tendered = tuple(one for one in draft.payments if not one.operations)
    offered = tuple(
        evolve(one, id=f"p{number}")
        for number, one in enumerate(drafted.payments, 1 + _last_number(paid))
    )
    drafted = evolve(drafted, payments=paid + offered)
    stays = draft.contact_id == same and tendered == offered
    if stays and all(
        getattr(draft, name) == value for name, value in content.items() if name != "payments"
    ):
        return ()
    stays = draft.contact_id == same
    named = drafted.contact_id and contact_id(draft.id, len(draft.contact_ids))
    return (evolve(drafted, key="", contact_id=draft.contact_id if stays else named),)


def _place(
    setting: Setting,
    opening: OrderPlaced,
    contact: Contact | None,
    expected_total: Money | None,
) -> Flow[Order]:
    """Plan, save and carry on with the order that ``opening`` makes, unless it is there already."""
    known, earlier = yield from ask(LoadWithKey(opening.order_id, opening.order_id))
    if known is not None:
        return (yield from _again(known, earlier, opening, contact))
    before = (opening, *waiting(opening.policy, opening.scheduled_for, opening.at))
    order = Order.replay(before, setting.lifecycles)
    if expected_total is not None and expected_total != order.total:
        raise AmountRefused(
            "expected total", asked=expected_total, limit=order.total, order_id=order.id
        )
    at = opening.at
    wanted = demand(order)
    made = yield from plan_for(setting, order, wanted, at)
    if made.leftovers and order.policy.short == "reject":
        known, earlier = yield from ask(LoadWithKey(order.id, order.id))
        if known is not None:  # the same call at once: it is this order that has the stock
            return (yield from _again(known, earlier, opening, contact))
        raise short_of(order, wanted, made)
    after, events = follow(order, allocated(order, made, at) if wanted else (), at)
    mine: list[str] | None = None
    try:
        every, told = (*before, *events), kept(before, contact)
        after, mine = yield from save(setting, after, every, version=0, at=at, contacts=told)
    except Conflict:
        pass
    if mine is None:
        known, earlier = yield from load_with_key(order.id, order.id)
        return (yield from _again(known, earlier, opening, contact))
    return (yield from carry_on(setting, after, at, mine=mine))


def _again(
    known: Order, earlier: tuple[Event, ...], opening: OrderPlaced, contact: Contact | None
) -> Flow[Order]:
    """Answer a repeated placement with the order as it is; raise KeyReused if it differs."""
    if not earlier:  # a draft is placed by `place_draft`
        raise KeyReused(known.id, "command", OrderDrafted.__name__, OrderPlaced.__name__)
    said = {name: getattr(opening, name) for name in _SAID}
    # The terms of an invoice run from the first time it was said.
    since = earlier[0].at - opening.at
    said["payments"] = tuple(
        evolve(one, payable_by=one.payable_by + since) if one.payable_by else one
        for one in opening.payments
    )
    require_same(earlier[0], OrderPlaced, said, known.id)
    yield from require_same_contact(earlier[0], contact, known.id)
    return known
