"""A tender on an order. All its amounts are folded from its operations; none is stored."""

from __future__ import annotations

from typing import NamedTuple, final

from attrs import frozen

from orderwright.errors import InvalidInput
from orderwright.lifecycles import Phase, State
from orderwright.money import Money
from orderwright.payments.operations import OperationKind
from orderwright.values import Once, identifier, instance, text

__all__ = ["Payment", "PaymentOperation", "PaymentSums", "Tender"]


@final
@frozen(kw_only=True)
class Tender:
    """How the customer wants to pay, and how much: ``amount=None`` is whatever is still due.

    ``method`` is an open set ("card", "gift_card", "cash" …); ``instrument`` the provider's
    stored reference to pay with, never a card number or a single-use token.
    """

    method: str
    amount: Money | None = None
    instrument: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse bad names and negative amounts."""
        identifier(self.method, "method")
        text(self.instrument, "instrument")
        if self.amount is not None and instance(self.amount, Money, "amount").minor < 0:
            raise InvalidInput.at("amount", f"{self.amount} is negative")


@final
@frozen(kw_only=True)
class PaymentOperation:
    """One authorize, capture, void or refund: requested, then whatever its provider reported.

    ``sequence`` is the provider's own numbering of its reports, 0 where it has none.
    """

    id: str
    kind: OperationKind
    amount: Money
    state: State
    reference: str = ""
    reason: str = ""
    sequence: int = 0

    @property
    def in_flight(self) -> bool:
        """Whether its outcome is still open."""
        return self.state.phase in (Phase.WAITING, Phase.WORKING)


class PaymentSums(NamedTuple):
    """What a payment's operations add up to, in minor units; ``-ing`` is still in flight."""

    authorized: int = 0
    captured: int = 0
    voided: int = 0
    refunded: int = 0
    authorizing: int = 0
    capturing: int = 0
    voiding: int = 0
    refunding: int = 0
    refused: bool = False
    """Whether an authorization was declined or failed."""

    @property
    def open_authorization(self) -> int:
        """Reserved and neither taken, nor given back, nor about to be."""
        left = self.authorized - self.captured - self.voided - self.capturing - self.voiding
        return max(0, left)

    @property
    def refundable(self) -> int:
        """Taken, and neither given back nor about to be."""
        return self.captured - self.refunded - self.refunding


_SUM = {
    "authorize": ("authorized", "authorizing"),
    "capture": ("captured", "capturing"),
    "void": ("voided", "voiding"),
    "refund": ("refunded", "refunding"),
}


def _folded(operations: tuple[PaymentOperation, ...]) -> PaymentSums:
    sums: dict[str, int] = {}
    refused = False
    for operation in operations:
        phase = operation.state.phase
        if phase is Phase.DROPPED:
            refused = refused or operation.kind == "authorize"
        else:
            name = _SUM[operation.kind][phase is not Phase.DONE]
            sums[name] = sums.get(name, 0) + operation.amount.minor
    return PaymentSums(**sums, refused=refused)


@final
@frozen(kw_only=True, slots=False)  # for what it works out once
class Payment:
    """One tender: ``amount`` was asked of ``method``; what became of it is in ``operations``.

    ``batch`` groups tenders that were offered together, and succeed or fail together.
    """

    id: str
    method: str
    amount: Money
    instrument: str = ""
    batch: int = 0
    operations: tuple[PaymentOperation, ...] = ()

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
        """Taken from the customer, ever."""
        return self._money(self.sums.captured)

    @property
    def voided(self) -> Money:
        """Reserved and given back untaken."""
        return self._money(self.sums.voided)

    @property
    def refunded(self) -> Money:
        """Taken and given back."""
        return self._money(self.sums.refunded)

    @property
    def open_authorization(self) -> Money:
        """Reserved and neither taken, nor given back, nor about to be."""
        return self._money(self.sums.open_authorization)

    @property
    def refundable(self) -> Money:
        """Taken, and neither given back nor about to be."""
        return self._money(self.sums.refundable)

    @property
    def in_flight(self) -> bool:
        """Whether any operation's outcome is open."""
        return any(operation.in_flight for operation in self.operations)

    @property
    def unasked(self) -> bool:
        """Whether there is an amount to ask for, and nobody asked yet."""
        return not self.operations and self.amount.minor > 0

    @property
    def reference(self) -> str:
        """The provider's id of this payment, empty until it has one."""
        for operation in self.operations:
            if operation.kind == "authorize" and operation.reference:
                return operation.reference
        return ""

    def operation(self, operation_id: str) -> PaymentOperation | None:
        """Return the operation with that id, if there is one."""
        for operation in self.operations:
            if operation.id == operation_id:
                return operation
        return None

    def next_id(self, order_id: str, kind: OperationKind) -> str:
        """Return the id of the next ``kind`` operation: derived, so the same after a crash."""
        count = sum(operation.kind == kind for operation in self.operations)
        return f"{order_id}/{self.id}/{kind}-{count + 1}"
