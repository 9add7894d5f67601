"""A tender on an order. All its amounts are folded from its operations; none is stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, final

from attrs import frozen

from orderwright.errors import InvalidInput
from orderwright.lifecycles import PENDING, REQUIRES_ACTION, Phase, State
from orderwright.money import Money
from orderwright.payments.operations import Movement, OperationKind
from orderwright.values import Once, choice, identifier, instance, span, text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Collected", "Payment", "PaymentOperation", "PaymentSums", "Tender"]

Collected = Literal["by_provider", "beforehand", "afterwards"]
"""How the money of a tender comes: a provider is asked for it; it arrives by itself and has to be
there before the order is confirmed; it counts as cover at once and arrives by itself later."""


@final
@frozen(kw_only=True)
class Tender:
    """How the customer wants to pay, and how much: ``amount=None`` is whatever is still due.

    ``method`` is an open set ("card", "gift_card", "cash" …); ``instrument`` the provider's
    stored reference to pay with, never a card number or a single-use token. ``collected`` is
    ``beforehand`` for a bank transfer or cash at the till, ``afterwards`` for an invoice or cash
    on delivery; ``terms`` is how long after that an invoice is payable. An ``amount`` is authorized
    as it is; what is not due of it is not taken by itself, and given back once the order is
    complete.
    """

    method: str
    amount: Money | None = None
    instrument: str = ""
    collected: Collected = "by_provider"
    terms: timedelta | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse bad names, negative amounts, and terms where nothing is paid afterwards."""
        identifier(self.method, "method")
        text(self.instrument, "instrument")
        if self.amount is not None and instance(self.amount, Money, "amount").minor < 0:
            raise InvalidInput.at("amount", f"{self.amount} is negative")
        choice(self.collected, Collected, "collected")
        if self.terms is not None:
            span(self.terms, "terms", ", or None for no date")
            if self.collected != "afterwards":
                raise InvalidInput.at("terms", f"are for what is paid afterwards: {self.method}")


@final
@frozen(kw_only=True)
class PaymentOperation:
    """One movement of money: asked of a provider and then as it reported, or by itself.

    ``sequence`` is the provider's own numbering of its reports, 0 where it has none.
    ``reference`` is the provider's id of what this made, ``on`` of what it captures, voids or
    refunds. ``next_action`` is what the customer has to do now, ``expires_at`` when an
    authorization lapses, ``captured_once`` that its first capture gives back what is left of it.
    """

    id: str
    kind: Literal[OperationKind, Movement]
    amount: Money
    state: State
    reference: str = ""
    reason: str = ""
    sequence: int = 0
    on: str = ""
    next_action: str = ""
    expires_at: datetime | None = None
    captured_once: bool = False

    @property
    def in_flight(self) -> bool:
        """Whether its outcome is still open."""
        return self.state.phase in (Phase.WAITING, Phase.WORKING)

    @property
    def under_way(self) -> bool:
        """Whether its provider has answered that it is not decided yet."""
        return self.state in (PENDING, REQUIRES_ACTION)


class PaymentSums(NamedTuple):
    """What a payment's operations add up to, in minor units; ``-ing`` is still in flight.

    What is taken in one step counts as ``authorizing`` until it is ``captured``.
    """

    authorized: int = 0
    captured: int = 0
    voided: int = 0
    refunded: int = 0
    authorizing: int = 0
    capturing: int = 0
    voiding: int = 0
    refunding: int = 0
    refused: bool = False
    """Whether the first try to authorize or charge was declined or failed."""
    charged: int = 0
    """What of ``captured`` was taken in one step."""
    received: int = 0
    """What of ``captured`` came by itself."""
    repaid: int = 0
    """What of ``refunded`` no provider paid back."""
    charged_back: int = 0
    lapsed: int = 0
    """What of ``voided`` lapsed, until it is authorized again."""

    @property
    def kept(self) -> int:
        """Taken, and neither paid back nor charged back."""
        return self.captured - self.refunded - self.charged_back

    @property
    def open_authorization(self) -> int:
        """Reserved and neither taken, nor given back, nor about to be."""
        drawn = self.captured - self.charged - self.received + self.capturing
        return max(0, self.authorized - drawn - self.voided - self.voiding)

    @property
    def refundable(self) -> int:
        """Taken, and neither given back, nor about to be, nor charged back."""
        gone = self.refunded + self.refunding + max(0, self.charged_back)
        return max(0, self.captured - gone)

    @property
    def returnable(self) -> int:
        """What of the refundable its provider can pay back: not what came by itself."""
        gone = self.refunded - self.repaid + self.refunding + max(0, self.charged_back)
        return max(0, min(self.refundable, self.captured - self.received - gone))

    @property
    def undone(self) -> int:
        """What was charged in one step and is kept: a refused sister has it paid back."""
        return min(self.charged, max(0, self.kept))


_DONE: Mapping[str, tuple[str, ...]] = {
    "authorize": ("authorized",),
    "capture": ("captured",),
    "charge": ("captured", "charged"),
    "void": ("voided",),
    "refund": ("refunded",),
    "receipt": ("captured", "received"),
    "repayment": ("refunded", "repaid"),
    "chargeback": ("charged_back",),
    "reversal": ("charged_back",),
    "lapse": ("voided", "lapsed"),
}
_OPEN: Mapping[str, tuple[str, ...]] = {
    "authorize": ("authorizing",),
    "capture": ("capturing",),
    "charge": ("authorizing",),
    "void": ("voiding",),
    "refund": ("refunding",),
}


def _folded(operations: tuple[PaymentOperation, ...]) -> PaymentSums:
    sums: dict[str, int] = {}
    refused: bool | None = None
    for operation in operations:
        phase = operation.state.phase
        if operation.kind in ("authorize", "charge"):
            if refused is None:
                refused = phase is Phase.DROPPED
            elif phase is not Phase.DROPPED:
                sums["lapsed"] = 0
        if phase is not Phase.DROPPED:
            minor = operation.amount.minor
            names = (_DONE if phase is Phase.DONE else _OPEN)[operation.kind]
            for name in names:
                sums[name] = sums.get(name, 0) + (-minor if operation.kind == "reversal" else minor)
    return PaymentSums(**sums, refused=bool(refused))


@final
@frozen(kw_only=True, slots=False)  # for what it works out once
class Payment:
    """One tender: ``amount`` was asked of ``method``; what became of it is in ``operations``.

    ``batch`` groups tenders that were offered together, and succeed or fail together.
    ``payable_by`` is when an invoice is to be paid, ``terms`` after its order was placed.
    """

    id: str
    method: str
    amount: Money
    instrument: str = ""
    batch: int = 0
    operations: tuple[PaymentOperation, ...] = ()
    collected: Collected = "by_provider"
    payable_by: datetime | None = None
    terms: timedelta | None = None

    @Once
    def sums(self) -> PaymentSums:
        """What the operations add up to; worked out once, as it is read often."""
        return _folded(self.operations)

    def _money(self, minor: int) -> Money:
        return Money(minor, self.amount.currency)

    @property
    def authorized(self) -> Money:
        """Reserved at the provider, ever."""
        return self._money(self.sums.authorized)

    @property
    def captured(self) -> Money:
        """Taken from the customer or brought by them, ever."""
        return self._money(self.sums.captured)

    @property
    def voided(self) -> Money:
        """Reserved and given back untaken, or lapsed."""
        return self._money(self.sums.voided)

    @property
    def refunded(self) -> Money:
        """Taken and given back."""
        return self._money(self.sums.refunded)

    @property
    def charged_back(self) -> Money:
        """Taken and fetched back by the customer's bank."""
        return self._money(self.sums.charged_back)

    @property
    def open_authorization(self) -> Money:
        """Reserved and neither taken, nor given back, nor about to be."""
        return self._money(self.sums.open_authorization)

    @property
    def capturable(self) -> Money:
        """What may be taken now: nothing while a capture is under way that gives the rest back."""
        once = any(one.captured_once for one in self.operations)
        return self._money(0 if once and self.sums.capturing else self.sums.open_authorization)

    @property
    def refundable(self) -> Money:
        """Taken, and neither given back, nor about to be, nor charged back."""
        return self._money(self.sums.refundable)

    @property
    def outstanding(self) -> Money:
        """What is still to arrive by itself; nothing where a provider is asked for it."""
        by_itself = self.collected != "by_provider"
        return self._money(max(0, self.amount.minor - self.sums.captured) if by_itself else 0)

    @property
    def in_flight(self) -> bool:
        """Whether any operation's outcome is open."""
        return any(operation.in_flight for operation in self.operations)

    @property
    def unasked(self) -> bool:
        """Whether there is an amount to ask a provider for, and nobody asked yet."""
        return self.collected == "by_provider" and not self.operations and self.amount.minor > 0

    @property
    def next_action(self) -> str:
        """What the customer has to do for it now, such as the address to go to; mostly empty."""
        return next((one.next_action for one in self.operations if one.next_action), "")

    @property
    def expires_at(self) -> datetime | None:
        """When what is authorized lapses, if its provider told; None where nothing is."""
        if not self.sums.open_authorization:
            return None
        times: list[datetime] = []
        for one in self.operations:
            if one.kind == "lapse":
                times.clear()
            elif one.expires_at is not None and one.state.phase is Phase.DONE:
                times.append(one.expires_at)
        return min(times, default=None)

    @property
    def references(self) -> tuple[str, ...]:
        """The provider's ids of this payment: one, or one more each time it was authorized anew."""
        found = (
            one.reference
            for one in self.operations
            if one.kind in ("authorize", "charge") and one.reference
        )
        return tuple(dict.fromkeys(found))

    @property
    def reference(self) -> str:
        """The provider's last id of this payment, empty until it has one."""
        for one in reversed(self.operations):
            if one.reference and one.kind in ("authorize", "charge"):
                return one.reference
        return ""

    def refund_parts(self, amount: Money) -> tuple[tuple[str, Money], ...]:
        """Share a refund over the provider's ids that the money was taken under, oldest first.

        What is only paid out to, and nothing was ever asked of, has none.
        """
        if not self.amount and self.collected == "by_provider":
            return (("", amount),)
        taken: dict[str, int] = {}
        for one in self.operations:
            done = one.state.phase is Phase.DONE
            if one.kind in ("capture", "charge") and done:
                under = one.reference if one.kind == "charge" else one.on
                taken[under] = taken.get(under, 0) + one.amount.minor
            elif one.kind == "refund" and (done or one.in_flight):
                taken[one.on] = taken.get(one.on, 0) - one.amount.minor
        parts: list[tuple[str, Money]] = []
        left = amount.minor
        for under, there in taken.items():
            part = min(left, there)
            if part > 0:
                left -= part
                parts.append((under, self._money(part)))
        return tuple(parts)

    def operation(self, operation_id: str) -> PaymentOperation | None:
        """Return the operation with that id, if there is one."""
        for operation in self.operations:
            if operation.id == operation_id:
                return operation
        return None

    def next_id(
        self, order_id: str, kind: Literal[OperationKind, Movement], offset: int = 0
    ) -> str:
        """Return the id of the next ``kind`` operation: derived, so the same after a crash.

        ``offset`` is how many others like it are about to be made with it.
        """
        count = sum(operation.kind == kind for operation in self.operations)
        return f"{order_id}/{self.id}/{kind}-{count + offset + 1}"
