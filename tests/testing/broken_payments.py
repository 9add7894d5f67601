"""Payment ports that break a promise each, as real ones do; the kit has to name which.

All of them are `PlainPayments` at a `Till`, which keep every promise, but for one thing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock
from time import sleep
from typing import Literal, TypeVar

from attrs import define, evolve, field

from orderwright import Money, PaymentOutcome, PaymentRequest
from orderwright.errors import AdapterFault, KeyReused
from orderwright.ports import Finding, PaymentCapabilities
from orderwright.testing import Books, PaymentBench

P = TypeVar("P")

PAUSE = 0.002
Mood = Literal["well", "answers_lost", "requests_lost", "postponing"]


@define
class Paid:
    """What became of one payment at the provider, in minor units."""

    reserved: int = 0
    captured: int = 0
    charged: int = 0
    voided: int = 0
    refunded: int = 0

    def room(self, kind: str) -> int:
        """How much may be moved by a verb."""
        if kind == "refund":
            return self.captured + self.charged - self.refunded
        return self.reserved - self.captured - self.voided


@define
class Till:
    """A provider: what it did, and what it is in the mood for."""

    lock: Lock = field(factory=Lock)
    known: dict[str, tuple[PaymentRequest, PaymentOutcome]] = field(factory=dict)
    payments: dict[str, Paid] = field(factory=dict)
    mood: Mood = "well"
    waiting: list[tuple[PaymentRequest, "PlainPayments"]] = field(factory=list)
    trusted: set[str] = field(factory=set)
    marked: set[str] = field(factory=set)
    calls: int = 0

    @contextmanager
    def being(self, mood: Mood) -> Iterator[None]:
        """Be in a mood for some time; what was postponed is decided afterwards."""
        self.mood = mood
        try:
            yield
        finally:
            self.mood = "well"
        for request, port in self.waiting:
            port.decide(request)
        self.waiting.clear()

    def books(self) -> Books:
        """What it did."""
        every = self.payments.values()
        return Books(
            sum(one.reserved - one.captured - one.voided for one in every),
            sum(one.captured + one.charged for one in every),
            sum(one.refunded for one in every),
        )

    def bench(self, opener: Callable[[], P]) -> PaymentBench[P]:
        """A bench with everything on it."""
        return PaymentBench(
            open=opener,
            currency="EUR",
            method="card",
            instrument="good",
            declined="bad",
            challenged="asks",
            payout="gift card",
            lost_answers=lambda: self.being("answers_lost"),
            lost_requests=lambda: self.being("requests_lost"),
            postponed=lambda: self.being("postponing"),
            books=self.books,
        )


ALL = PaymentCapabilities(several_captures=True, partial_void=True, key_retention=timedelta(1))
LESS = PaymentCapabilities(several_captures=False, partial_void=False, key_retention=timedelta(1))


class PlainPayments:
    """A correct payment port: one request at a time, and each id once."""

    capabilities: PaymentCapabilities = ALL

    def __init__(self, till: Till) -> None:
        self.till = till

    def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """Reserve."""
        return self.ask(request)

    def capture(self, request: PaymentRequest) -> PaymentOutcome:
        """Take what is reserved."""
        return self.ask(request)

    def charge(self, request: PaymentRequest) -> PaymentOutcome:
        """Take in one step."""
        return self.ask(request)

    def void(self, request: PaymentRequest) -> PaymentOutcome:
        """Give back what is reserved."""
        return self.ask(request)

    def refund(self, request: PaymentRequest) -> PaymentOutcome:
        """Pay back."""
        return self.ask(request)

    def look_up(self, request: PaymentRequest) -> Finding:
        """Look up."""
        with self.till.lock:
            known = self.till.known.get(request.id)
            return "not_found" if known is None else known[1]

    # In steps that can be broken ----------------------------------------------------------------

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Send a request, and hear the answer, or none."""
        mood = self.till.mood
        if mood == "requests_lost":
            return self.silence(request)
        with self.till.lock:
            answer = self.once(request)
        return self.silence(request) if mood == "answers_lost" else answer

    def silence(self, request: PaymentRequest) -> PaymentOutcome:
        """Tell that nobody answered."""
        return PaymentOutcome(outcome="unknown", amount=request.amount, reason="no answer")

    def once(self, request: PaymentRequest) -> PaymentOutcome:
        """Do what is asked, unless the id is known."""
        known = self.till.known.get(request.id)
        if known is not None:
            if known[0] != request:
                raise KeyReused(request.id, "request", known[0], request)
            return known[1]
        return self.note(request, self.answer(request))

    def note(self, request: PaymentRequest, outcome: PaymentOutcome) -> PaymentOutcome:
        """Remember an answer."""
        self.till.known[request.id] = (request, outcome)
        return outcome

    def answer(self, request: PaymentRequest) -> PaymentOutcome:
        """Decide what becomes of a new request."""
        reference = request.reference or self.name(request)
        made = PaymentOutcome(outcome="declined", amount=request.amount, reference=reference)
        if request.instrument == "bad":
            return made
        if request.instrument == "asks":
            return evolve(made, outcome="requires_action", next_action=self.action(request))
        if self.till.mood == "postponing":
            self.till.waiting.append((request, self))
            return evolve(made, outcome="pending")
        return self.move(request, reference)

    def name(self, request: PaymentRequest) -> str:
        """Return the provider's id of a new payment."""
        return f"pay {request.id}"

    def action(self, request: PaymentRequest) -> str:
        """Return what the customer has to do."""
        return f"confirm {request.id}"

    def decide(self, request: PaymentRequest) -> None:
        """Decide what was postponed."""
        with self.till.lock:
            self.note(request, self.move(request, request.reference or self.name(request)))

    def move(self, request: PaymentRequest, reference: str) -> PaymentOutcome:
        """Move the money, if it is there."""
        paid = self.till.payments.setdefault(reference, Paid())
        minor = request.amount.minor
        succeeded = PaymentOutcome(
            outcome="succeeded",
            amount=self.moved(request.amount),
            reference=reference,
            expires_at=self.lapses(request),
        )
        if not self.there(paid, request):
            return evolve(succeeded, outcome="failed", reason="not that much is there")
        if request.kind == "authorize":
            paid.reserved += minor
        elif request.kind == "charge":
            paid.charged += minor
        elif request.kind == "capture":
            paid.captured += minor
            if not self.capabilities.several_captures:
                paid.voided = paid.reserved - paid.captured
        elif request.kind == "void":
            paid.voided += minor
        else:
            paid.refunded += minor
        return succeeded

    def there(self, paid: Paid, request: PaymentRequest) -> bool:
        """Tell whether there is enough."""
        if request.kind in {"authorize", "charge"} or not request.reference:
            return True
        room, minor = paid.room(request.kind), request.amount.minor
        if request.kind == "void" and not self.capabilities.partial_void:
            return minor == room
        return minor <= room

    def moved(self, amount: Money) -> Money:
        """Return what is told of an amount."""
        return amount

    def lapses(self, _request: PaymentRequest) -> datetime | None:
        """Return when an authorization lapses."""
        return None


class PlainAndLess(PlainPayments):
    """Also correct: it captures once, and voids only the whole."""

    capabilities = LESS


# Once -----------------------------------------------------------------------------------------


class ChargesAgain(PlainPayments):
    """The id is not handed to the provider: each call is a payment of its own."""

    def once(self, request: PaymentRequest) -> PaymentOutcome:
        """Do it anew, under a reference of its own."""
        self.till.calls += 1
        return self.note(request, self.move_anew(request))

    def move_anew(self, request: PaymentRequest) -> PaymentOutcome:
        """Move the money of another payment."""
        outcome = self.answer(request)
        if request.reference or outcome.outcome != "succeeded" or self.till.calls == 1:
            return outcome
        return evolve(outcome, reference=f"{outcome.reference} {self.till.calls}")


class AnswersFromMemory(PlainPayments):
    """The answer is kept by the adapter, but the provider is asked all the same."""

    def once(self, request: PaymentRequest) -> PaymentOutcome:
        """Answer as before, having done it again."""
        known = self.till.known.get(request.id)
        if known is not None and known[0] == request:
            self.answer(request)
            return known[1]
        return super().once(request)


class KeptPerAdapter(PlainPayments):
    """Each adapter knows the ids that it sent itself."""

    def __init__(self, till: Till) -> None:
        super().__init__(till)
        self._sent: set[str] = set()

    def once(self, request: PaymentRequest) -> PaymentOutcome:
        """Forget what others sent."""
        if request.id not in self._sent:
            self.till.known.pop(request.id, None)
        self._sent.add(request.id)
        return super().once(request)


class RaceOnTheId(PlainPayments):
    """Whether an id is known is looked up before anything is sent."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Look, then send."""
        new = request.id not in self.till.known
        sleep(PAUSE)
        with self.till.lock:
            if new and request.id in self.till.known:
                del self.till.known[request.id]
                self.till.calls += 1
        return super().ask(request)

    def name(self, request: PaymentRequest) -> str:
        """Name each payment anew."""
        return f"{super().name(request)} {self.till.calls}"


class PendingIsRemembered(PlainPayments):
    """The first answer to an id is kept, and given for ever."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Say that it is pending, if it ever was."""
        outcome = super().ask(request)
        if request.kind not in {"authorize", "charge"}:
            return outcome
        if outcome.outcome == "pending":
            self.till.marked.add(request.id)
        waits = request.id in self.till.marked
        return evolve(outcome, outcome="pending") if waits else outcome


class KeyPerPayment(PlainPayments):
    """The provider knows an id within a payment, and the adapter names whichever it is told."""

    def once(self, request: PaymentRequest) -> PaymentOutcome:
        """Move money of another payment under an id that is known."""
        known = self.till.known.get(request.id)
        if known is not None and known[0].reference != request.reference:
            return self.answer(request)
        return super().once(request)


class DeclinesAreRetried(PlainPayments):
    """What was declined is asked again under the same id, and the bank says something else."""

    def once(self, request: PaymentRequest) -> PaymentOutcome:
        """Ask again."""
        outcome = super().once(request)
        if outcome.outcome == "declined":
            self.till.known[request.id] = (request, evolve(outcome, outcome="pending"))
        return outcome


class OtherContentHasAnEffect(PlainPayments):
    """A known id with another amount moves the difference."""

    def once(self, request: PaymentRequest) -> PaymentOutcome:
        """Move whatever is said."""
        known = self.till.known.get(request.id)
        if known is not None and known[0] != request:
            return self.answer(request)
        return super().once(request)


class LastContentCounts(PlainPayments):
    """A known id with other content is answered as if it had been done, and remembered so."""

    def once(self, request: PaymentRequest) -> PaymentOutcome:
        """Remember the last."""
        known = self.till.known.get(request.id)
        if known is not None and known[0] != request:
            first = known[0]
            outcome = self.note(request, evolve(known[1], amount=request.amount))
            self.till.known[first.id] = (first, outcome)
            return outcome
        return super().once(request)


# No answer ------------------------------------------------------------------------------------


class UnknownIsFailed(PlainPayments):
    """A time-out is taken for a no."""

    def silence(self, request: PaymentRequest) -> PaymentOutcome:
        """Say that it failed."""
        return PaymentOutcome(outcome="failed", amount=request.amount, reason="time-out")


class UnknownIsRaised(PlainPayments):
    """A time-out is a fault like others."""

    def silence(self, request: PaymentRequest) -> PaymentOutcome:
        """Raise the wrong error."""
        raise AdapterFault("bank", f"time-out for {request.id}", retryable=True)


class UnknownIsSuccess(PlainPayments):
    """A lost request is taken for one that will arrive."""

    def silence(self, request: PaymentRequest) -> PaymentOutcome:
        """Hope."""
        return PaymentOutcome(outcome="succeeded", amount=request.amount, reference="later")


class UnknownIsForgotten(PlainPayments):
    """The id of what nobody answered is given to the next try."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Forget what was done."""
        outcome = super().ask(request)
        if outcome.outcome == "unknown":
            self.till.known.pop(request.id, None)
        return outcome


# Outcomes -------------------------------------------------------------------------------------


class DeclineIsRaised(PlainPayments):
    """A declined card is an exception."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Raise."""
        outcome = super().ask(request)
        if outcome.outcome == "declined":
            raise AdapterFault("bank", "declined")
        return outcome


class DeclineIsFailed(PlainPayments):
    """A declined card is the outcome failed."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Say another word."""
        outcome = super().ask(request)
        return evolve(outcome, outcome="failed") if outcome.outcome == "declined" else outcome


class DeclineReserves(PlainPayments):
    """What was declined stays reserved."""

    def answer(self, request: PaymentRequest) -> PaymentOutcome:
        """Reserve first."""
        outcome = super().answer(request)
        if outcome.outcome == "declined":
            self.move(request, outcome.reference)
        return outcome


class ActionUnnamed(PlainPayments):
    """The customer has to do something, and nobody says what."""

    def action(self, request: PaymentRequest) -> str:
        """Say nothing."""
        del request
        return ""


class ActionIsPending(PlainPayments):
    """What waits for the customer looks like what waits for the bank."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Say another word."""
        outcome = super().ask(request)
        waits = outcome.outcome == "requires_action"
        return evolve(outcome, outcome="pending") if waits else outcome


class MoneyThroughFloat(PlainPayments):
    """Amounts go out as floats and come back as floats."""

    def moved(self, amount: Money) -> Money:
        """Lose a cent."""
        return Money(int(float(amount.minor / 100) * 100), amount.currency)


class OtherCurrency(PlainPayments):
    """What moved is told in the account's currency."""

    def moved(self, amount: Money) -> Money:
        """Tell it in another."""
        return Money(amount.minor, "USD")


class WholeUnits(PlainPayments):
    """The provider moves whole units, and nobody tells."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Round what is asked for."""
        whole = evolve(request, amount=Money(request.amount.minor // 100 * 100, "EUR"))
        outcome = super().ask(whole)
        return evolve(outcome, amount=request.amount)


class ReferenceMissing(PlainPayments):
    """An authorization is named only once it is captured."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Leave it out."""
        outcome = super().ask(request)
        return evolve(outcome, reference="") if request.kind == "authorize" else outcome


class ChargeReferenceMissing(PlainPayments):
    """A charge has no name."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Leave it out."""
        outcome = super().ask(request)
        return evolve(outcome, reference="") if request.kind == "charge" else outcome


class ReferenceShared(PlainPayments):
    """All payments of a method have one name."""

    def name(self, request: PaymentRequest) -> str:
        """Name the method."""
        return f"pay {request.method}"


class LapsesNaive(PlainPayments):
    """When an authorization lapses is told in local time."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Lose the zone."""
        outcome = super().ask(request)
        lapses = datetime(2026, 1, 1)  # noqa: DTZ001 - this is what is wrong with it
        object.__setattr__(outcome, "expires_at", lapses)
        return outcome


class LapsesLater(PlainPayments):
    """When an authorization lapses moves on each time it is asked."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Say a later time."""
        outcome = super().ask(request)
        self.till.calls += 1
        later = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
        if request.kind != "authorize":
            return outcome
        return evolve(outcome, expires_at=later + timedelta(self.till.calls))


# Amounts that are there -----------------------------------------------------------------------


class OverCapture(PlainPayments):
    """One minor unit more than is authorized can be captured."""

    def there(self, paid: Paid, request: PaymentRequest) -> bool:
        """Count one more."""
        more = request.kind == "capture" and request.amount.minor == paid.room("capture") + 1
        return more or super().there(paid, request)


class OverVoid(PlainPayments):
    """What was captured can be voided."""

    def there(self, paid: Paid, request: PaymentRequest) -> bool:
        """Forget captures."""
        if request.kind == "void":
            return request.amount.minor <= paid.reserved - paid.voided
        return super().there(paid, request)


class OverRefund(PlainPayments):
    """Each refund is compared with all that was taken."""

    def there(self, paid: Paid, request: PaymentRequest) -> bool:
        """Forget refunds."""
        if request.kind == "refund" and request.reference:
            return request.amount.minor <= paid.captured + paid.charged
        return super().there(paid, request)


class RefundsWhatIsReserved(PlainPayments):
    """What was only authorized can be refunded."""

    def there(self, paid: Paid, request: PaymentRequest) -> bool:
        """Count what is reserved as taken."""
        reserved = request.kind == "refund" and request.amount.minor <= paid.room("capture")
        return reserved or super().there(paid, request)


class PendingIsNotCounted(PlainPayments):
    """What was pending is done in the end, whatever is left by then."""

    def decide(self, request: PaymentRequest) -> None:
        """Do it."""
        with self.till.lock:
            outcome = self.move(request, request.reference or self.name(request))
            self.note(request, evolve(outcome, outcome="succeeded", reason=""))


class RaceOnTheAmount(PlainPayments):
    """What is left is read before the provider is asked."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Look, and later move."""
        if request.kind not in {"capture", "refund"} or not request.reference:
            return super().ask(request)
        with self.till.lock:
            enough = super().there(self.till.payments.get(request.reference, Paid()), request)
        sleep(PAUSE)
        if enough:
            self.till.trusted.add(request.id)
        return super().ask(request)

    def there(self, paid: Paid, request: PaymentRequest) -> bool:
        """Trust the look that was taken before."""
        return request.id in self.till.trusted or super().there(paid, request)


class RaceOnTheVoid(PlainPayments):
    """What is untaken is read before the provider is asked to give it back."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Look, and later give back."""
        if request.kind != "void" or self.till.mood != "well":
            return super().ask(request)
        with self.till.lock:
            enough = super().there(self.till.payments.get(request.reference, Paid()), request)
        sleep(PAUSE)
        if enough:
            self.till.trusted.add(request.id)
        return super().ask(request)

    def there(self, paid: Paid, request: PaymentRequest) -> bool:
        """Trust the look that was taken before."""
        return request.id in self.till.trusted or super().there(paid, request)


class RefusesWithAnError(PlainPayments):
    """Too much is an exception."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Raise."""
        outcome = super().ask(request)
        if outcome.outcome == "failed":
            raise AdapterFault("bank", outcome.reason)
        return outcome


class PayoutRefused(PlainPayments):
    """Nothing is paid out to a gift card, although that was declared."""

    def there(self, paid: Paid, request: PaymentRequest) -> bool:
        """Refuse."""
        payout = request.kind == "refund" and not request.reference
        return not payout and super().there(paid, request)


# Capabilities ---------------------------------------------------------------------------------


class SaysSeveralCaptures(PlainPayments):
    """The rest is given back by the first capture, although several were promised."""

    def move(self, request: PaymentRequest, reference: str) -> PaymentOutcome:
        """Capture, and give back."""
        outcome = super().move(request, reference)
        if request.kind == "capture" and outcome.outcome == "succeeded":
            paid = self.till.payments[reference]
            paid.voided = paid.reserved - paid.captured
        return outcome


class SaysOneCapture(PlainPayments):
    """Several captures are possible, and each desk goes on as if they were not."""

    def __init__(self, till: Till) -> None:
        super().__init__(till)
        self.capabilities = evolve_capabilities(ALL, several_captures=False)

    def move(self, request: PaymentRequest, reference: str) -> PaymentOutcome:
        """Capture, and keep the rest."""
        paid = self.till.payments.setdefault(reference, Paid())
        voided = paid.voided
        outcome = super().move(request, reference)
        if request.kind == "capture":
            paid.voided = voided
        return outcome


class SaysPartialVoid(PlainPayments):
    """Only the whole can be voided, although parts were promised."""

    def there(self, paid: Paid, request: PaymentRequest) -> bool:
        """Refuse parts."""
        part = request.kind == "void" and request.amount.minor != paid.room("void")
        return not part and super().there(paid, request)


class SaysWholeVoid(PlainPayments):
    """Voids all of it, whatever part was asked for, and says that it was the part."""

    def __init__(self, till: Till) -> None:
        super().__init__(till)
        self.capabilities = evolve_capabilities(ALL, partial_void=False)

    def there(self, paid: Paid, request: PaymentRequest) -> bool:
        """Accept every part."""
        if request.kind == "void":
            return request.amount.minor <= paid.room("void")
        return super().there(paid, request)


class CapturedOnceUntold(PlainPayments):
    """It says of each authorization that it is captured once, which is not so."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Say it."""
        outcome = super().ask(request)
        return evolve(outcome, captured_once=True) if request.kind == "authorize" else outcome


class CapabilitiesChange(PlainPayments):
    """What it can do depends on what it did."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Change its mind."""
        outcome = super().ask(request)
        self.capabilities = evolve_capabilities(ALL, partial_void=request.kind != "charge")
        return outcome


def evolve_capabilities(
    known: PaymentCapabilities,
    *,
    several_captures: bool | None = None,
    partial_void: bool | None = None,
) -> PaymentCapabilities:
    """Return capabilities with one of them changed."""
    return PaymentCapabilities(
        several_captures=known.several_captures if several_captures is None else several_captures,
        partial_void=known.partial_void if partial_void is None else partial_void,
        key_retention=known.key_retention,
    )


# Looking up -----------------------------------------------------------------------------------


class NothingIsFound(PlainPayments):
    """Look-up always says that nothing arrived."""

    def look_up(self, request: PaymentRequest) -> Finding:
        """Find nothing."""
        del request
        return "not_found"


class NeverSure(PlainPayments):
    """Look-up is left for later: what got no answer waits for a person, each time."""

    def look_up(self, request: PaymentRequest) -> Finding:
        """Say that nobody can tell."""
        del request
        return "unsure"


class UnsureOfTheUnheard(PlainPayments):
    """Look-up knows what was answered, and is never sure of what was not."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Note what nobody heard of."""
        outcome = super().ask(request)
        if outcome.outcome == "unknown":
            self.till.marked.add(request.id)
        return outcome

    def look_up(self, request: PaymentRequest) -> Finding:
        """Be unsure of it."""
        return "unsure" if request.id in self.till.marked else super().look_up(request)


class PendingStays(PlainPayments):
    """Look-up tells what it was told first, whatever was decided since."""

    def ask(self, request: PaymentRequest) -> PaymentOutcome:
        """Note what is pending."""
        outcome = super().ask(request)
        if outcome.outcome == "pending":
            self.till.marked.add(request.id)
        return outcome

    def look_up(self, request: PaymentRequest) -> Finding:
        """Say that it is pending."""
        found = super().look_up(request)
        waits = request.id in self.till.marked and isinstance(found, PaymentOutcome)
        return evolve(found, outcome="pending") if waits else found


class PendingIsNotFound(PlainPayments):
    """Look-up knows what is settled."""

    def look_up(self, request: PaymentRequest) -> Finding:
        """Leave out what is not."""
        found = super().look_up(request)
        pending = isinstance(found, PaymentOutcome) and found.outcome == "pending"
        return "not_found" if pending else found


class EverythingIsFound(PlainPayments):
    """Look-up takes what was asked for as done."""

    def look_up(self, request: PaymentRequest) -> Finding:
        """Find it."""
        return PaymentOutcome(outcome="succeeded", amount=request.amount, reference="found")


class FoundByOrder(PlainPayments):
    """Look-up finds the payment of the order, whatever was asked of it."""

    def look_up(self, request: PaymentRequest) -> Finding:
        """Find the first."""
        with self.till.lock:
            for known, outcome in self.till.known.values():
                if known.payment_id == request.payment_id:
                    return outcome
        return "not_found"
