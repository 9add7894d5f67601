"""What is promised of moving money: never more than there is, and what a provider can do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from orderwright.testing.clauses import clause
from orderwright.testing.comparing import require, same
from orderwright.testing.payment_bench import Account, PaymentContract, declared, sent

if TYPE_CHECKING:
    from orderwright.payments.operations import OperationKind, PaymentRequest

__all__ = ["MovingClauses"]

WHOLE, PART, REST = 1000, 600, 400
"""Large enough for every provider; a part and the rest come to the whole."""
RACERS = 8


def _captured_once(account: Account, *, told: bool) -> bool:
    return told or not account.port.capabilities.several_captures


class MovingClauses(PaymentContract):
    """Authorize, capture, charge, void and refund, clause by clause."""

    @clause
    def test_capabilities_stay_the_same(self) -> None:
        """PaymentPort.capabilities 1: of each adapter, before and after it is used."""
        with self.account() as account:
            first = account.port.capabilities
            account.does("charge", WHOLE)
            for port in (account.port, account.bench.open()):
                same(first, port.capabilities, "capabilities, looked at again")

    @clause
    def test_an_authorization_has_a_reference(self) -> None:
        """PaymentPort.authorize 6: one of its own, by which it is captured."""
        with self.account() as account:
            one, two = (account.succeeds("authorize", WHOLE).reference for _ in "12")
            require(one and two, f"references of two authorizations: {one!r} and {two!r}")
            require(one != two, f"two authorizations have one reference: {one!r}")
            account.booked(2 * WHOLE, 0, 0, "two authorizations")
            account.succeeds("capture", WHOLE, two)
            account.booked(WHOLE, WHOLE, 0, "capturing the second")

    @clause
    def test_an_authorization_tells_when_it_lapses(self) -> None:
        """PaymentPort.authorize 7: or nothing; if so, at an aware time that stays the same."""
        with self.account() as account:
            request = account.asks("authorize", WHOLE)
            told = sent(account.port, request).expires_at
            aware = told is None or told.utcoffset() is not None
            require(aware, f"it lapses at {told}, which has no time zone")
            same(told, sent(account.port, request).expires_at, "when it lapses, asked again")

    @clause
    def test_an_authorization_tells_if_it_is_captured_once(self) -> None:
        """PaymentPort.authorize 8: then, and only then, a second capture of it is impossible."""
        with self.account() as account:
            paid = account.succeeds("authorize", WHOLE)
            account.succeeds("capture", PART, paid.reference)
            outcome = account.does("capture", REST, paid.reference).outcome
            once = _captured_once(account, told=paid.captured_once)
            expected = "failed" if once else "succeeded"
            same(expected, outcome, f"a second capture, where {paid.captured_once=}")

    @clause
    def test_no_more_is_captured_than_is_authorized(self) -> None:
        """PaymentPort.capture 6: at first, once part was captured, and once it was given back."""
        with self.account() as account:
            one, two = (account.succeeds("authorize", WHOLE).reference for _ in "12")
            account.fails("capture", WHOLE + 1, one, " where 1000 are authorized")
            account.succeeds("capture", PART, one)
            account.fails("capture", REST + 1, one, " where 600 of 1000 were captured")
            account.succeeds("void", WHOLE, two)
            account.fails("capture", PART, two, " of what was given back")
            account.fails("capture", PART, "no-such-payment", " of an unknown payment")

    @clause
    def test_captures_at_once_take_no_more_than_is_authorized(self) -> None:
        """PaymentPort.capture 6: eight want 600 of the same 1000; one gets them."""
        with self.account() as account:
            paid = account.succeeds("authorize", WHOLE)
            asked = partial(account.asks, "capture", PART, reference=paid.reference)
            self._one_of(account, [asked() for _ in range(RACERS)])
            once = _captured_once(account, told=paid.captured_once)
            account.booked(0 if once else REST, PART, 0, "eight captures of 600 at once")

    @clause
    def test_what_was_pending_takes_no_more_than_is_left(self) -> None:
        """PaymentPort.capture 6: two are decided later, and what they want is there for one."""
        self._decided_later("capture")

    @clause
    def test_what_a_capture_leaves(self) -> None:
        """PaymentPort.capture 7: others take it if there can be several; else it is given back."""
        with self.account() as account:
            paid = account.succeeds("authorize", WHOLE)
            account.succeeds("capture", PART, paid.reference)
            if _captured_once(account, told=paid.captured_once):
                account.booked(0, PART, 0, "the one capture there can be")
                account.fails("capture", REST, paid.reference, " after the one there can be")
                account.fails("void", REST, paid.reference, " of what was given back already")
            else:
                account.booked(REST, PART, 0, "capturing a part")
                for part in (REST - 100, 100):
                    account.succeeds("capture", part, paid.reference)
                account.booked(0, WHOLE, 0, "capturing the rest in two parts")

    @clause
    def test_a_charge_has_a_reference(self) -> None:
        """PaymentPort.charge 6: one of its own, by which it is refunded."""
        with self.account() as account:
            one, two = (account.succeeds("charge", WHOLE).reference for _ in "12")
            require(one and two, f"references of two charges: {one!r} and {two!r}")
            require(one != two, f"two charges have one reference: {one!r}")
            account.booked(0, 2 * WHOLE, 0, "two charges")
            account.succeeds("refund", WHOLE, two)
            account.fails("refund", 100, two, " of what was refunded whole")

    @clause
    def test_no_more_is_voided_than_is_untaken(self) -> None:
        """PaymentPort.void 6: at first, once it was captured, and once it was given back."""
        with self.account() as account:
            one, two = (account.succeeds("authorize", WHOLE).reference for _ in "12")
            account.fails("void", WHOLE + 1, one, " where 1000 are authorized")
            account.succeeds("void", WHOLE, one)
            account.fails("void", WHOLE, one, " of what was given back")
            account.succeeds("capture", WHOLE, two)
            account.fails("void", WHOLE, two, " of what was captured")
            account.booked(0, WHOLE, 0, "a void and a capture")

    @clause
    def test_voids_at_once_give_back_no_more_than_is_untaken(self) -> None:
        """PaymentPort.void 6: eight want to give back all of one authorization; one does."""
        with self.account() as account:
            paid = account.succeeds("authorize", WHOLE).reference
            requests = [account.asks("void", WHOLE, reference=paid) for _ in range(RACERS)]
            self._one_of(account, requests)
            account.booked(0, 0, 0, "eight voids of all at once")

    @clause
    def test_what_was_pending_voids_no_more_than_is_left(self) -> None:
        """PaymentPort.void 6: two are decided later, and what they want is there for one."""
        self._decided_later("void")

    @clause
    def test_a_part_is_voided_where_that_is_possible(self) -> None:
        """PaymentPort.void 7: the rest can be captured; where it is not, nothing is given back."""
        with self.account() as account:
            paid = account.succeeds("authorize", WHOLE).reference
            if account.port.capabilities.partial_void:
                account.succeeds("void", REST, paid)
                account.booked(PART, 0, 0, "giving back a part")
                account.fails("capture", PART + 1, paid, " where 400 of 1000 were given back")
                account.succeeds("capture", PART, paid)
            else:
                account.fails("void", REST, paid, " of a part, which it cannot")
                account.succeeds("capture", WHOLE, paid)

    @clause
    def test_no_more_is_refunded_than_was_taken(self) -> None:
        """PaymentPort.refund 6: of a capture and of a charge, in parts, and of nothing."""
        with self.account() as account:
            one, two = (account.succeeds("authorize", WHOLE).reference for _ in "12")
            account.fails("refund", WHOLE, two, " of what was only authorized")
            account.succeeds("capture", PART, one)
            charged = account.succeeds("charge", PART).reference
            for number, paid in enumerate((one, charged), 1):
                account.fails("refund", PART + 1, paid, " where 600 were taken")
                account.succeeds("refund", REST, paid)
                account.fails("refund", PART - REST + 1, paid, " where 200 are left")
                account.succeeds("refund", PART - REST, paid)
                account.fails("refund", 100, paid, " where all was refunded")
                books = account.books()
                if books is not None:
                    same(number * PART, books.refunded, "refunded, by the provider's books")

    @clause
    def test_refunds_at_once_pay_back_no_more_than_was_taken(self) -> None:
        """PaymentPort.refund 6: eight want 600 of the same 1000 back; one gets them."""
        with self.account() as account:
            paid = account.succeeds("charge", WHOLE).reference
            requests = [account.asks("refund", PART, reference=paid) for _ in range(RACERS)]
            self._one_of(account, requests)
            account.booked(0, WHOLE, PART, "eight refunds of 600 at once")

    @clause
    def test_what_was_pending_refunds_no_more_than_is_left(self) -> None:
        """PaymentPort.refund 6: two are decided later, and what they want is there for one."""
        self._decided_later("refund")

    @clause
    def test_money_is_paid_out_to_who_never_paid(self) -> None:
        """PaymentPort.refund 7: without a reference; where that is impossible, nothing moves."""
        with self.account() as account:
            payout = account.bench.payout
            request = account.asks("refund", WHOLE, instrument=payout or "")
            outcome = sent(account.port, request)
            expected = "failed" if payout is None else "succeeded"
            told = f"{outcome.outcome} ({outcome.reason}), where the bench says {payout=}"
            require(outcome.outcome == expected, f"a refund without a reference: {told}")
            account.booked(0, 0, WHOLE if payout else 0, "a refund without a reference")

    def _one_of(self, account: Account, requests: list[PaymentRequest]) -> None:
        """Require that of requests made at once one succeeds, and all others fail."""
        ports = [account.bench.open() for _ in requests]
        asked = zip(ports, requests, strict=True)
        outcomes = [one.outcome for one in self.race([partial(sent, *pair) for pair in asked])]
        same(["failed"] * (len(requests) - 1) + ["succeeded"], sorted(outcomes), "outcomes")

    def _decided_later(self, kind: OperationKind) -> None:
        """Require that of two pending requests for the same money one fails in the end."""
        with self.account() as account:
            postponed = declared(account.bench.postponed, "postponed")
            first: OperationKind = "charge" if kind == "refund" else "authorize"
            paid = account.succeeds(first, WHOLE).reference
            with postponed():
                requests = [account.asks(kind, WHOLE, reference=paid) for _ in "12"]
                pending = [sent(account.port, one).outcome for one in requests]
                # A provider may hold what is pending, and refuse the second at once.
                told = f"outcomes of two postponed {kind}s: {pending}"
                require("pending" in pending and {*pending} <= {"pending", "failed"}, told)
            decided = sorted(sent(account.port, one).outcome for one in requests)
            same(["failed", "succeeded"], decided, f"outcomes of two {kind}s, once decided")
