"""What is promised of every verb of a payment port, and of looking up what became of one."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, get_args

from attrs import evolve, fields

from orderwright.errors import KeyReused
from orderwright.money import Money
from orderwright.payments.operations import OperationKind, PaymentOutcome, PaymentRequest
from orderwright.testing.clauses import clause, promised
from orderwright.testing.comparing import require, same
from orderwright.testing.payment_bench import Account, PaymentContract, declared, sent

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

__all__ = ["KnowingClauses"]

VERBS: tuple[OperationKind, ...] = get_args(OperationKind)
PAYING: tuple[OperationKind, ...] = ("authorize", "charge")
WHOLE, PART = 1000, 600
RACERS = 8


def _by(account: Account, kind: OperationKind, instrument: str) -> PaymentRequest:
    return account.asks(kind, WHOLE, instrument=instrument)


def _unheard(
    account: Account, kind: OperationKind, lost: Callable[[], AbstractContextManager[object]]
) -> PaymentRequest:
    """Ask something of which nobody hears what became, and return what was asked."""
    request = _ready(account, kind)
    with promised("PaymentPort 2"):
        with lost():
            outcome = sent(account.port, request).outcome
        same("unknown", outcome, f"the outcome of a {kind} without an answer")
    return request


def _postponed(account: Account, kind: OperationKind) -> PaymentRequest:
    """Ask something that is pending first, and decided with a yes; return what was asked."""
    postponed = declared(account.bench.postponed, "postponed")
    request = _ready(account, kind)
    with postponed():
        same("pending", sent(account.port, request).outcome, f"a postponed {kind}")
    return request


def _state(outcome: PaymentOutcome) -> dict[str, object]:
    """Return what is promised to be told again: in what words, is not."""
    names = (one.name for one in fields(PaymentOutcome) if one.name != "reason")
    return {name: getattr(outcome, name) for name in names}


def _try(account: Account, request: PaymentRequest) -> None:
    """Ask something by an id that is taken: the port may say so."""
    with suppress(KeyReused):
        sent(account.port, request)


def _done_once(account: Account, kind: OperationKind, reference: str) -> None:
    """Require that a verb had its effect on the whole amount, and had it once."""
    reserved = WHOLE if kind == "authorize" else 0
    taken = WHOLE if kind in {"capture", "charge", "refund"} else 0
    refunded = WHOLE if kind == "refund" else 0
    account.booked(reserved, taken, refunded, f"one {kind}, however often it was asked for")
    more: OperationKind = "refund" if taken else "capture"
    left = WHOLE + 1 if reserved or (taken and not refunded) else 100
    account.fails(more, left, reference, f" after one {kind}, however often it was asked for")


def _ready(account: Account, kind: OperationKind, minor: int = WHOLE) -> PaymentRequest:
    """Return a request that can succeed, having done what has to come before it."""
    if kind in {"authorize", "charge"}:
        return account.asks(kind, minor)
    first: OperationKind = "charge" if kind == "refund" else "authorize"
    return account.asks(kind, minor, reference=account.succeeds(first, minor).reference)


class KnowingClauses(PaymentContract):
    """What holds for every verb, and look_up, clause by clause."""

    @clause
    def test_what_is_asked_twice_is_done_once(self) -> None:
        """PaymentPort 1: of every verb, by the same adapter and another; the answer is the same."""
        for kind in VERBS:
            with self.account() as account:
                request = _ready(account, kind)
                first = sent(account.port, request)
                same("succeeded", first.outcome, f"the outcome of a {kind}")
                books = account.books()
                for port in (account.port, account.bench.open()):
                    again = sent(port, request)
                    same(_state(first), _state(again), f"the answer to a repeated {kind}")
                same(books, account.books(), f"the provider's books after a repeated {kind}")
                _done_once(account, kind, request.reference or first.reference)

    @clause
    def test_what_many_ask_is_done_once(self) -> None:
        """PaymentPort 1: of every verb, by eight at once, under one id."""
        for kind in VERBS:
            with self.account() as account:
                request = _ready(account, kind)
                ports = [account.bench.open() for _ in range(RACERS)]
                answers = self.race([partial(sent, port, request) for port in ports])
                told = {(one.outcome, one.reference) for one in answers}
                require(len(told) == 1, f"eight asked for one {kind}, and were told {told}")
                _done_once(account, kind, request.reference or answers[0].reference)

    @clause
    def test_what_was_pending_is_told_once_it_is_decided(self) -> None:
        """PaymentPort 1: of every verb, asked again, the answer is what is true by then."""
        for kind in VERBS:
            with self.account() as account:
                request = _postponed(account, kind)
                again = sent(account.port, request)
                same("succeeded", again.outcome, f"a {kind} that was pending, once it was decided")
                _done_once(account, kind, request.reference or again.reference)

    @clause
    def test_a_refusal_is_repeated_too(self) -> None:
        """PaymentPort 1: what was declined stays so under its id."""
        with self.account() as account:
            declined = declared(account.bench.declined, "declined")
            request = account.asks("authorize", WHOLE, instrument=declined)
            outcomes = [sent(account.port, request).outcome for _ in "123"]
            same(["declined"] * 3, outcomes, "outcomes of one request, asked three times")

    @clause
    def test_no_answer_is_unknown(self) -> None:
        """PaymentPort 2: of every verb, where it was done; asked again, it is not done twice."""
        for kind in VERBS:
            with self.account() as account:
                lost = declared(account.bench.lost_answers, "lost_answers")
                request = _unheard(account, kind, lost)
                again = sent(account.port, request)
                same("succeeded", again.outcome, f"a {kind} that was done, asked again")
                _done_once(account, kind, request.reference or again.reference)

    @clause
    def test_a_lost_request_is_unknown(self) -> None:
        """PaymentPort 2: of every verb, where it never arrived; asked again, it is done."""
        for kind in VERBS:
            with self.account() as account:
                lost = declared(account.bench.lost_requests, "lost_requests")
                request = _unheard(account, kind, lost)
                same("succeeded", sent(account.port, request).outcome, f"a {kind}, asked again")

    @clause
    def test_a_decline_is_an_outcome(self) -> None:
        """PaymentPort 3: of an authorization and of a charge; nothing is reserved or taken."""
        with self.account() as account:
            declined = declared(account.bench.declined, "declined")
            for kind in PAYING:
                outcome = sent(account.port, _by(account, kind, declined)).outcome
                same("declined", outcome, f"a {kind} by an instrument that is declined")
            account.booked(0, 0, 0, "two declined payments")

    @clause
    def test_what_the_customer_has_to_do_is_told(self) -> None:
        """PaymentPort 3: of an authorization and of a charge; until then nothing is taken."""
        with self.account() as account:
            challenged = declared(account.bench.challenged, "challenged")
            for kind in PAYING:
                outcome = sent(account.port, _by(account, kind, challenged))
                same("requires_action", outcome.outcome, f"a {kind} the customer has to confirm")
                require(outcome.next_action, f"next_action of a {kind} is empty")
            account.booked(0, 0, 0, "two payments that wait for the customer")

    @clause
    def test_amounts_are_exact(self) -> None:
        """PaymentPort 4: to the last minor unit, also where a float would lose one."""
        with self.account() as account:
            moved = 0
            for minor in (1999, 829, 1735, 11_115, account.bench.largest):
                paid = account.asks("authorize", minor)
                reference = sent(account.port, paid).reference
                charged = account.asks("charge", minor)
                taken = sent(account.port, charged).reference
                for request in (
                    paid,
                    account.asks("capture", minor, reference=reference),
                    charged,
                    account.asks("refund", minor, reference=taken),
                ):
                    outcome = sent(account.port, request)
                    told = (outcome.outcome, outcome.amount)
                    same(("succeeded", request.amount), told, f"outcome of a {request.kind}")
                moved += minor
                account.booked(0, 2 * moved, moved, f"moving {minor} minor units")

    @clause
    def test_an_id_with_other_content_has_no_effect(self) -> None:
        """PaymentPort 5: another amount, verb or payment; an error may say so."""
        with self.account() as account:
            request = account.asks("authorize", WHOLE)
            first = sent(account.port, request)
            others = [
                evolve(request, amount=Money(2 * WHOLE, account.bench.currency)),
                evolve(request, kind="charge"),
            ]
            for other in others:
                _try(account, other)
                account.booked(WHOLE, 0, 0, f"the id of an authorization came back as {other}")
                again = sent(account.port, request)
                same(_state(first), _state(again), "the answer to the first content")
            account.fails("capture", WHOLE + 1, first.reference, " where 1000 are authorized")
            capture = account.asks("capture", PART, reference=first.reference)
            sent(account.port, capture)
            _try(account, evolve(capture, amount=Money(WHOLE - PART, account.bench.currency)))
            _try(account, evolve(capture, kind="refund"))
            books = account.books()
            if books is not None:
                same((PART, 0), (books.taken, books.refunded), "taken and refunded, by the books")
            another = account.succeeds("authorize", WHOLE).reference
            _try(account, evolve(capture, reference=another))
            account.succeeds("capture", WHOLE, another)

    @clause
    def test_what_was_done_is_found(self) -> None:
        """PaymentPort.look_up 1: every verb that was done, by any adapter, as it was answered."""
        for kind in VERBS:
            with self.account() as account:
                request = _ready(account, kind)
                done = sent(account.port, request)
                for port in (account.port, account.bench.open()):
                    found = port.look_up(request)
                    require(found != "not_found", f"a {kind} that was done is not found")
                    if isinstance(found, PaymentOutcome):
                        told = (found.outcome, found.amount, found.reference)
                        answered = (done.outcome, done.amount, done.reference)
                        same(answered, told, f"outcome, amount and reference of a {kind}")

    @clause
    def test_what_is_pending_is_not_gone(self) -> None:
        """PaymentPort.look_up 1: of every verb: it may still come, so it must not be sent anew."""
        for kind in VERBS:
            with self.account() as account:
                postponed = declared(account.bench.postponed, "postponed")
                request = _ready(account, kind)
                with postponed():
                    same("pending", sent(account.port, request).outcome, f"a postponed {kind}")
                    found = account.port.look_up(request)
                told = found.outcome if isinstance(found, PaymentOutcome) else found
                require(told in {"pending", "unsure"}, f"a pending {kind} is looked up: {told}")

    @clause
    def test_what_was_decided_is_told_in_time(self) -> None:
        """PaymentPort.look_up 2: of every verb that was done, and of a payment declined."""
        for kind in VERBS:
            with self.account() as account:
                request = _ready(account, kind)
                done = sent(account.port, request).outcome
                look = partial(account.port.look_up, request)
                found = self.eventually(look, lambda one: one != "unsure")
                told = found.outcome if isinstance(found, PaymentOutcome) else found
                same(done, told, f"what became of a {kind}, in time")
        with self.account() as account:
            declined = declared(account.bench.declined, "declined")
            request = _by(account, "authorize", declined)
            sent(account.port, request)
            look = partial(account.port.look_up, request)
            found = self.eventually(look, lambda one: one != "unsure")
            told = found.outcome if isinstance(found, PaymentOutcome) else found
            same("declined", told, "what became of an authorization that was declined, in time")

    @clause
    def test_what_nobody_heard_of_is_told_in_time(self) -> None:
        """PaymentPort.look_up 2: of every verb that was done, and whose answer was lost."""
        for kind in VERBS:
            with self.account() as account:
                lost = declared(account.bench.lost_answers, "lost_answers")
                request = _unheard(account, kind, lost)
                self._in_time(account, request, f"what became of a {kind} done unheard, in time")

    @clause
    def test_what_was_pending_is_told_in_time(self) -> None:
        """PaymentPort.look_up 2: of every verb, once the provider has decided."""
        for kind in VERBS:
            with self.account() as account:
                request = _postponed(account, kind)
                self._in_time(account, request, f"what became of a pending {kind}, in time")

    def _in_time(self, account: Account, request: PaymentRequest, what: str) -> None:
        """Require that look-up tells of a success before patience ends."""

        def look() -> str:
            found = account.port.look_up(request)
            return found.outcome if isinstance(found, PaymentOutcome) else found

        waits = {"unsure", "pending"}
        same("succeeded", self.eventually(look, lambda told: told not in waits), what)

    @clause
    def test_what_was_never_asked_is_not_found(self) -> None:
        """PaymentPort.look_up 1: of every verb; asking for it then is safe."""
        for kind in VERBS:
            with self.account() as account:
                request = _ready(account, kind)
                found = account.port.look_up(request)
                require(found in {"not_found", "unsure"}, f"a {kind} nobody asked for: {found}")
                same("succeeded", sent(account.port, request).outcome, f"a {kind}, asked for then")

    @clause
    def test_what_nobody_heard_of_is_found(self) -> None:
        """PaymentPort.look_up 1: where it was done and where it never arrived."""
        for kind in VERBS:
            with self.account() as account:
                lost = declared(account.bench.lost_answers, "lost_answers")
                request = _unheard(account, kind, lost)
                found = account.port.look_up(request)
                require(found != "not_found", f"a {kind} that was done unheard is not found")
                if isinstance(found, PaymentOutcome):
                    same("succeeded", found.outcome, f"the outcome of a {kind} done unheard")

    @clause
    def test_what_never_arrived_is_not_found(self) -> None:
        """PaymentPort.look_up 1: nothing of it is made up."""
        for kind in VERBS:
            with self.account() as account:
                lost = declared(account.bench.lost_requests, "lost_requests")
                found = account.port.look_up(_unheard(account, kind, lost))
                require(found in {"not_found", "unsure"}, f"a {kind} that never arrived: {found}")
