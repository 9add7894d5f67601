"""A state machine: any movements of money, in any order, end as at the provider in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from orderwright.adapters.memory import MemoryPayments
from orderwright.payments.operations import PaymentOutcome
from orderwright.testing.clauses import clause, promised
from orderwright.testing.comparing import require, same
from orderwright.testing.payment_bench import Account, Books, PaymentContract, sent

if TYPE_CHECKING:
    from orderwright.payments.operations import OperationKind, PaymentRequest

__all__ = ["MachineClauses"]

_LEAST = 100
"""No amount is too small for any provider."""
_amounts = st.integers(_LEAST, 1_200)
_numbers = st.integers(0, 99)


@final
class _Paid:
    """A payment at the provider, and beside it the same one in memory."""

    def __init__(self, account: Account, kind: OperationKind, minor: int) -> None:
        self._account = account
        self.asked: list[tuple[PaymentRequest, PaymentOutcome]] = []
        request = account.asks(kind, minor)
        told = self._sent(request)
        with promised(f"PaymentPort.{kind} 6"):
            require(told.outcome == "succeeded", f"a {kind} by what always pays: {told}")
        self.reference: str = told.reference
        known = account.port.capabilities
        once = told.captured_once or not known.several_captures
        self.memory: MemoryPayments = MemoryPayments(
            capabilities=known._replace(several_captures=not once)
        )
        self._there = sent(self.memory, request).reference

    def _sent(self, request: PaymentRequest) -> PaymentOutcome:
        told = sent(self._account.port, request)
        self.asked.append((request, told))
        return told

    def moves(self, kind: OperationKind, minor: int, beyond: int | None) -> None:
        """Ask both for something more, and compare what they answer.

        That is ``minor``, or so much ``beyond`` what is there, if that is enough.
        """
        reserved, taken, refunded = self.books
        there = taken - refunded if kind == "refund" else reserved
        if beyond is not None and there + beyond >= _LEAST:
            minor = there + beyond
        request = self._account.asks(kind, minor, reference=self.reference)
        part = kind == "void" and minor < reserved
        expected = sent(self.memory, evolve(request, reference=self._there))
        told = self._sent(request)
        with promised(f"PaymentPort.{kind} {7 if part else 6}"):
            same(expected.outcome, told.outcome, f"{kind} of {minor} ({told.reason})")
        with promised("PaymentPort 4"):
            if told.outcome == "succeeded":
                same(expected.amount, told.amount, f"what a {kind} moved")

    @property
    def books(self) -> Books:
        """What was done in memory."""
        sums = dict.fromkeys(("authorize", "capture", "charge", "void", "refund"), 0)
        for entry in self.memory.books:
            sums[entry.kind] += entry.amount.minor
        reserved = sums["authorize"] - sums["capture"] - sums["void"]
        if sums["capture"] and not self.memory.capabilities.several_captures:
            reserved = 0
        return Books(reserved, sums["capture"] + sums["charge"], sums["refund"])


class _PaymentMachine(RuleBasedStateMachine):
    """Pays, moves what is there or is not, and says it again."""

    contract: ClassVar[PaymentContract]

    def __init__(self) -> None:
        super().__init__()
        self._context = self.contract.account()
        self._account = self._context.__enter__()
        self._paid: list[_Paid] = []

    def teardown(self) -> None:
        """Leave the account."""
        self._context.__exit__(None, None, None)

    def paid(self) -> bool:
        """Tell whether there is any payment."""
        return bool(self._paid)

    @rule(kind=st.sampled_from(("authorize", "charge")), minor=_amounts)
    def pay(self, kind: OperationKind, minor: int) -> None:
        """Pay so much."""
        self._paid.append(_Paid(self._account, kind, minor))
        self._compare(kind)

    @precondition(paid)
    @rule(
        kind=st.sampled_from(("capture", "void", "refund")),
        number=_numbers,
        minor=_amounts,
        beyond=st.sampled_from((None, 0, 1)),
    )
    def move(self, kind: OperationKind, number: int, minor: int, beyond: int | None) -> None:
        """Take, give back or pay back so much, whether it is there or not."""
        self._paid[number % len(self._paid)].moves(kind, minor, beyond)
        self._compare(kind)

    @precondition(paid)
    @rule(number=_numbers, which=_numbers)
    def repeat(self, number: int, which: int) -> None:
        """Ask for what was asked for before, by another adapter."""
        request, told = self._known(number, which)
        with promised("PaymentPort 1"):
            again = sent(self._account.bench.open(), request)
            first, second = ((one.outcome, one.amount, one.reference) for one in (told, again))
            same(first, second, f"the answer to a {request.kind} that was asked for before")
        self._compare(request.kind, "PaymentPort 1")

    @precondition(paid)
    @rule(number=_numbers, which=_numbers)
    def look(self, number: int, which: int) -> None:
        """Look up what was asked for before; what failed may be forgotten.

        Of a void that failed as another one was done before, a provider may know only that.
        """
        request, told = self._known(number, which)
        if request.kind == "void" and told.outcome != "succeeded":
            return
        with promised("PaymentPort.look_up 1"):
            found = self._account.port.look_up(request)
            if isinstance(found, PaymentOutcome):
                same(told.outcome, found.outcome, f"what became of a {request.kind}")
            elif told.outcome == "succeeded":
                require(found != "not_found", f"a {request.kind} that was done is not found")

    def _known(self, number: int, which: int) -> tuple[PaymentRequest, PaymentOutcome]:
        asked = self._paid[number % len(self._paid)].asked
        return asked[which % len(asked)]

    def _compare(self, kind: OperationKind, promise: str = "") -> None:
        expected = Books(*map(sum, zip(*(one.books for one in self._paid), strict=True)))
        with promised(promise or f"PaymentPort.{kind} 6"):
            self._account.booked(*expected, f"a {kind}")


class MachineClauses(PaymentContract):
    """The state machine as a test."""

    @clause
    def test_any_movements_end_as_in_memory(self) -> None:
        """PaymentPort 1: whatever is asked in whatever order; said again it has no effect."""

        class Machine(_PaymentMachine):
            contract = self

        run_state_machine_as_test(Machine, settings=self.machine_settings)
