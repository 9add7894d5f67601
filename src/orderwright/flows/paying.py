"""Paying: tenders, taking and paying back by hand, and money that moves by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from orderwright.errors import InvalidInput
from orderwright.flows.command import command
from orderwright.flows.deciding import Call, decide
from orderwright.flows.settling import Flows
from orderwright.money import Money
from orderwright.orders import paying
from orderwright.orders.events import MoneyMoved, MoneyRequested, PaymentsAdded
from orderwright.orders.paying import Moved
from orderwright.orders.processing import by_hand, paid_out
from orderwright.payments.payment import Tender
from orderwright.values import each, identifier, instance, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orderwright.orders.events import Event
    from orderwright.orders.order import Order
    from orderwright.requests import Flow

__all__ = ["Paying"]


class Paying(Flows):
    """Paying for orders. The common arguments are those of :class:`.Processing`.

    Reports of money that moved by itself are recorded in any state of the order and never refused.
    One with a ``reference`` of its own (a transfer's, a dispute's) counts once however often it is
    told; one that contradicts the order opens an exception on it.
    """

    __slots__ = ()

    @command
    def pay(
        self,
        order_id: str,
        tenders: Sequence[Tender],
        *,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Offer further tenders for what is not covered, after a decline for example.

        The reservations stop lapsing before money is asked for; if they have lapsed, the stock is
        planned and reserved anew first. Raises IllegalTransition if the order is given up,
        AmountRefused if nothing is left to pay, InvalidInput for no tenders.
        """
        setting, at = self.setting, self.setting.moment(at)
        tenders = each(tenders, Tender, "tenders")
        if not tenders:
            raise InvalidInput.at("tenders", "expected at least one")
        call = Call(PaymentsAdded, {"tenders": tenders}, at, key, by, expected_version)
        return (
            yield from decide(
                setting,
                order_id,
                call,
                lambda order: (paying.add_payments(order, tenders, at=at),),
            )
        )

    @command
    def capture(
        self,
        order_id: str,
        *,
        amount: Money | None = None,
        payment_id: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Take authorized money by hand: ``amount``, or all there is, of one payment or of all.

        Raises AmountRefused if that is more than is authorized or nothing is, OnHold.
        """
        return (
            yield from self._money(
                "capture",
                order_id,
                amount=amount,
                payment_id=payment_id,
                reason="",
                at=at,
                key=key,
                by=by,
                expected_version=expected_version,
            )
        )

    @command
    def refund(
        self,
        order_id: str,
        *,
        amount: Money | None = None,
        payment_id: str = "",
        to: Tender | None = None,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Have providers pay back what is owed to the customer, at most ``order.payout``.

        ``amount`` left out is all of it; it goes back to the payments it came from, in proportion,
        or to another tender: ``to=Tender(method="store_credit", instrument="account-7")``.
        What did not come through a provider you pay back yourself, and report with
        :meth:`record_refund`. Raises AmountRefused for more than is owed or than providers can pay
        back, or if nothing is, OnHold.
        """
        text(reason, "reason")
        if to is not None:
            if payment_id != "":
                raise InvalidInput.at("to", "name a payment or another tender, not both")
            return (
                yield from self._pay_out(
                    order_id,
                    Call(
                        MoneyRequested,
                        {"action": "refund", "amount": amount, "reason": reason, "to": to},
                        self.setting.moment(at),
                        key,
                        by,
                        expected_version,
                    ),
                )
            )
        return (
            yield from self._money(
                "refund",
                order_id,
                amount=amount,
                payment_id=payment_id,
                reason=reason,
                at=at,
                key=key,
                by=by,
                expected_version=expected_version,
            )
        )

    def _pay_out(self, order_id: str, call: Call) -> Flow[Order]:
        amount, to = call.said["amount"], instance(call.said["to"], Tender, "to")
        reason = str(call.said["reason"])
        asked = None if amount is None else instance(amount, Money, "amount")
        if to.amount is not None or to.collected != "by_provider":
            raise InvalidInput.at("to", "expected a tender without amount, by a provider")
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: paid_out(
                    order,
                    paying.pay_out_to(order, to, amount=asked, reason=reason, at=call.at),
                    call.at,
                ),
            )
        )

    def _money(
        self,
        action: Literal["capture", "refund"],
        order_id: str,
        *,
        amount: Money | None,
        payment_id: str,
        reason: str,
        at: datetime | None,
        key: str,
        by: str,
        expected_version: int | None,
    ) -> Flow[Order]:
        at = self.setting.moment(at)
        if amount is not None:
            instance(amount, Money, "amount")
        if payment_id != "":
            identifier(payment_id, "payment_id")

        def decision(order: Order) -> Sequence[Event]:
            asked = paying.request_money(
                order, action, amount=amount, payment_id=payment_id, reason=reason, at=at
            )
            return (asked, *by_hand(order.after((asked,)), asked, at))

        call = Call(
            MoneyRequested,
            {"action": action, "amount": amount, "payment_id": payment_id, "reason": reason},
            at,
            key,
            by,
            expected_version,
        )
        return (yield from decide(self.setting, order_id, call, decision))

    @command
    def record_payment(
        self,
        order_id: str,
        amount: Money,
        *,
        method: str = "",
        payment_id: str = "",
        reference: str = "",
        at: datetime | None = None,
        occurred_at: datetime | None = None,
        key: str = "",
        by: str = "",
    ) -> Flow[Order]:
        """Report that money came in by itself: cash, a transfer, a hosted page.

        It belongs to the payment that is named, or else to the first of that ``method`` that waits
        for money; if none does, a payment is added for it. An order that is covered by it is
        confirmed, one that is delivered and even complete. Money for an order that was given up
        opens the exception ``paid_after_cancellation``. Raises InvalidInput unless either a method
        or a payment is named, NotFound for a payment there is not.
        """
        by_name = _named(method, payment_id)
        moved = Moved(kind="receipt", amount=_some(amount), reference=reference, **by_name)
        return (yield from self._moved(order_id, moved, at, occurred_at, key, by))

    @command
    def record_refund(
        self,
        order_id: str,
        amount: Money,
        *,
        payment_id: str = "",
        method: str = "",
        reference: str = "",
        reason: str = "",
        at: datetime | None = None,
        occurred_at: datetime | None = None,
        key: str = "",
        by: str = "",
    ) -> Flow[Order]:
        """Report that a person paid money back: cash, a transfer, at the card terminal.

        It belongs to the payment that is named, or else to the first of that ``method`` that has
        some to give back; if none does, a payment is added for it. More than was kept on the order
        opens the exception ``repaid_too_much``. Raises like :meth:`record_payment`.
        """
        by_name = _named(method, payment_id)
        moved = Moved(
            kind="repayment", amount=_some(amount), reference=reference, reason=reason, **by_name
        )
        return (yield from self._moved(order_id, moved, at, occurred_at, key, by))

    @command
    def report_chargeback(
        self,
        order_id: str,
        payment_id: str,
        amount: Money,
        *,
        reference: str = "",
        reason: str = "",
        at: datetime | None = None,
        occurred_at: datetime | None = None,
        key: str = "",
        by: str = "",
    ) -> Flow[Order]:
        """Report that the customer's bank took ``amount`` of a payment back.

        It is no longer kept and cannot be refunded; the exception ``charged_back`` is opened.
        Raises NotFound for a payment there is not.
        """
        moved = Moved(
            kind="chargeback",
            amount=_some(amount),
            payment_id=identifier(payment_id, "payment_id"),
            reference=reference,
            reason=reason,
        )
        return (yield from self._moved(order_id, moved, at, occurred_at, key, by))

    @command
    def report_chargeback_reversal(
        self,
        order_id: str,
        payment_id: str,
        amount: Money,
        *,
        reference: str = "",
        reason: str = "",
        at: datetime | None = None,
        occurred_at: datetime | None = None,
        key: str = "",
        by: str = "",
    ) -> Flow[Order]:
        """Report that ``amount`` of a chargeback was won back; ``reference`` may be the dispute's.

        More than was charged back on the payment opens the exception ``reversed_too_much``.
        Raises NotFound for a payment there is not.
        """
        moved = Moved(
            kind="reversal",
            amount=_some(amount),
            payment_id=identifier(payment_id, "payment_id"),
            reference=reference,
            reason=reason,
        )
        return (yield from self._moved(order_id, moved, at, occurred_at, key, by))

    def _moved(  # noqa: PLR0917 - the common arguments of its callers
        self,
        order_id: str,
        moved: Moved,
        at: datetime | None,
        occurred_at: datetime | None,
        key: str,
        by: str,
    ) -> Flow[Order]:
        at = self.setting.moment(at)
        text(moved.reference, "reference")
        text(moved.reason, "reason")
        said = {
            "kind": moved.kind,
            "amount": moved.amount,
            "method": moved.method,
            "reference": moved.reference,
            "reason": moved.reason,
        }
        if moved.payment_id:
            said["payment_id"] = moved.payment_id
        call = Call(MoneyMoved, said, at, key, by, occurred_at=occurred_at, reapply=True)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: paying.report_movement(order, moved, at=at),
            )
        )


def _some(amount: Money) -> Money:
    if instance(amount, Money, "amount").minor <= 0:
        raise InvalidInput.at("amount", f"{amount}: expected more than nothing")
    return amount


def _named(method: str, payment_id: str) -> dict[str, str]:
    """Return which payment is meant: one is named, or one by that method is."""
    if payment_id != "":
        identifier(payment_id, "payment_id")
        if method != "":
            raise InvalidInput.at("method", "name a payment or a method, not both")
        return {"payment_id": payment_id}
    if method == "":
        raise InvalidInput.at("method", "name the method, or the payment by its payment_id")
    return {"method": identifier(method, "method")}
