"""What is promised of a carrier port, clause by clause."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Literal, cast, get_args

from attrs import evolve

from orderwright.errors import KeyReused, OrderwrightError
from orderwright.fulfillment.fulfillment import Scan
from orderwright.fulfillment.shipping import LabelOutcome, Parcel
from orderwright.testing.carrier_bench import CarrierContract, Counter
from orderwright.testing.clauses import clause, promised
from orderwright.testing.comparing import require, same
from orderwright.testing.payment_bench import declared
from orderwright.testing.samples import NOON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from orderwright.fulfillment.shipping import LabelRequest, Rate
    from orderwright.orders.contacts import Contact

__all__ = ["CarrierClauses"]

Kind = Literal["book", "cancel"]
RACERS = 8
NO_SERVICE = "no-such-service"


def _kinds(counter: Counter) -> Iterator[Kind]:
    """The verbs that this carrier can be asked with success."""
    for kind in cast("tuple[Kind, ...]", get_args(Kind)):
        if kind == "book" or counter.port.capabilities.cancels:
            yield kind


def _done_once(counter: Counter, kind: Kind, after: str) -> None:
    counter.booked(1, 0 if kind == "book" else 1, f"{after}: {kind}")


def _unheard(
    counter: Counter, kind: Kind, lost: Callable[[], AbstractContextManager[object]]
) -> LabelRequest:
    """Ask something of which nobody hears what became, and return what was asked."""
    request = counter.ready(kind)
    with promised("CarrierPort 3"):
        with lost():
            outcome = counter.sent(request).outcome
        same("unknown", outcome, f"the outcome of a {kind} without an answer")
    return request


def _words(recipient: Contact) -> tuple[str, ...]:
    """What of a recipient is unlike anything else."""
    told = (recipient.name, *recipient.street, recipient.email, recipient.phone)
    return tuple(word for word in told if word)


def _heard(call: Callable[[], object]) -> str:
    """Ask, and return all that can be read of the answer, or of the error."""
    try:
        return repr(call())
    except OrderwrightError as error:
        return f"{error} {error!r} {error.__dict__}"


def _untold(words: tuple[str, ...], name: str, call: Callable[[], object]) -> None:
    """Require that none of the words is in what is heard of a call."""
    heard = _heard(call)
    for word in words:
        require(word not in heard, f"{name} answers with {word!r}: {heard:.200}")


class CarrierClauses(CarrierContract):
    """One test for each clause of :class:`~orderwright.ports.CarrierPort`."""

    def _each(self, test: Callable[[Counter, Kind], None]) -> None:
        """Test each verb the carrier can be asked, each on a fresh account."""
        with self.counter() as counter:
            kinds = tuple(_kinds(counter))
        for kind in kinds:
            with self.counter() as counter:
                test(counter, kind)

    # Every verb ------------------------------------------------------------------------------

    @clause
    def test_nothing_of_the_recipient_comes_back(self) -> None:
        """CarrierPort 1: not in quotes, not in labels, not in refusals, not in errors."""
        with self.counter() as counter:
            bench, port = counter.bench, counter.port
            request = counter.asks()
            calls: dict[str, Callable[[], object]] = {
                "rates": partial(port.rates, bench.shipment, bench.recipient, at=NOON),
                "book": partial(port.book, request, bench.recipient),
                "a refused book": partial(port.book, counter.asks(NO_SERVICE), bench.recipient),
                "a book by a known id": partial(
                    port.book, evolve(request, service=NO_SERVICE), bench.recipient
                ),
                "look_up": partial(port.look_up, request),
            }
            if bench.unserved is not None:
                calls["rates to nowhere"] = partial(
                    port.rates, bench.shipment, bench.unserved, at=NOON
                )
                calls["book to nowhere"] = partial(port.book, counter.asks(), bench.unserved)
            found = _words(bench.recipient)
            if bench.unserved is not None:
                found += _words(bench.unserved)
            for name, call in calls.items():
                _untold(found, name, call)
            lost = {"answer": bench.lost_answers, "request": bench.lost_requests}
            for name, being in lost.items():
                if being is not None:
                    with being():
                        book = partial(port.book, counter.asks(), bench.recipient)
                        _untold(found, f"book, whose {name} is lost,", book)

    @clause
    def test_what_is_asked_twice_is_done_once(self) -> None:
        """CarrierPort 2: by the same adapter and another; the answer is the same."""

        def test(counter: Counter, kind: Kind) -> None:
            request = counter.ready(kind)
            first = counter.ends("succeeded", request, f"a {kind}")
            for port in (counter.port, counter.bench.open()):
                same(first, counter.sent(request, port), f"the answer to a repeated {kind}")
            _done_once(counter, kind, "asking three times")

        self._each(test)

    @clause
    def test_what_many_ask_is_done_once(self) -> None:
        """CarrierPort 2: by eight at once, under one id."""

        def test(counter: Counter, kind: Kind) -> None:
            request = counter.ready(kind)
            ports = [counter.bench.open() for _ in range(RACERS)]
            answers = self.race([partial(counter.sent, request, port) for port in ports])
            told = {(one.outcome, one.tracking) for one in answers}
            require(len(told) == 1, f"eight asked for one {kind}, and were told {told}")
            _done_once(counter, kind, "eight at once")

        self._each(test)

    @clause
    def test_what_was_pending_is_told_once_it_is_decided(self) -> None:
        """CarrierPort 2: asked again, the answer is what is true by then."""

        def test(counter: Counter, kind: Kind) -> None:
            postponed = declared(counter.bench.postponed, "postponed")
            request = counter.ready(kind)
            with postponed():
                counter.ends("pending", request, f"a postponed {kind}")
            counter.ends("succeeded", request, f"a {kind}, once it was decided")
            _done_once(counter, kind, "something postponed")

        self._each(test)

    @clause
    def test_no_answer_is_unknown(self) -> None:
        """CarrierPort 3: where it was done; asked again, it is not done twice."""

        def test(counter: Counter, kind: Kind) -> None:
            lost = declared(counter.bench.lost_answers, "lost_answers")
            request = _unheard(counter, kind, lost)
            counter.ends("succeeded", request, f"a {kind} that was done, asked again")
            _done_once(counter, kind, "an answer that was lost")

        self._each(test)

    @clause
    def test_a_lost_request_is_unknown(self) -> None:
        """CarrierPort 3: where it never arrived; asked again, it is done."""

        def test(counter: Counter, kind: Kind) -> None:
            lost = declared(counter.bench.lost_requests, "lost_requests")
            request = _unheard(counter, kind, lost)
            counter.ends("succeeded", request, f"a {kind} that never arrived, asked again")
            _done_once(counter, kind, "a request that was lost")

        self._each(test)

    @clause
    def test_a_refusal_is_an_outcome(self) -> None:
        """CarrierPort 4: of a service there is not, again and again; nothing is sold."""
        with self.counter() as counter:
            request = counter.asks(NO_SERVICE)
            for _ in "12":
                outcome = counter.ends("refused", request, "a service that there is not")
                require(outcome.reason, "a refusal without a reason")
            counter.booked(0, 0, "a refusal")

    @clause
    def test_nothing_is_sold_to_where_nothing_goes(self) -> None:
        """CarrierPort 4: refused, with a reason, and without an effect."""
        with self.counter() as counter:
            unserved = declared(counter.bench.unserved, "unserved")
            outcome = counter.port.book(counter.asks(), unserved)
            same("refused", outcome.outcome, "a label to where nothing goes")
            require(outcome.reason, "a refusal without a reason")
            counter.booked(0, 0, "a refusal")

    @clause
    def test_no_label_of_nobodys_is_taken_back(self) -> None:
        """CarrierPort 4: one that was never sold is refused."""
        with self.counter() as counter:
            never = counter.returns(counter.asks(), LabelOutcome(outcome="succeeded"))
            counter.ends("refused", never, "giving back what was never sold")
            counter.booked(0, 0, "a refusal")

    @clause
    def test_an_id_with_other_content_has_no_effect(self) -> None:
        """CarrierPort 5: other parcels, another service, or giving back; an error may say so."""
        with self.counter() as counter:
            request = counter.asks()
            sold = counter.sold(request)
            heavier = request.shipment._replace(parcels=(Parcel(weight_grams=1),) * 2)
            services = [one.service for one in _rates(counter) if one.service != request.service]
            before = counter.books()
            for other in (
                evolve(request, shipment=heavier),
                *(evolve(request, service=one) for one in (*services, NO_SERVICE)),
                evolve(counter.returns(request, sold), id=request.id),
            ):
                with suppress(KeyReused):
                    counter.sent(other)
                what = f"a known id with other content ({other.kind} by {other.service})"
                same(before, counter.books(), f"the carrier's books after {what}")
            same(sold, counter.sent(request), "the answer to the request as it was first")

    @clause
    def test_an_id_takes_back_one_label(self) -> None:
        """CarrierPort 5: another label is not taken back under an id that took one back."""
        with self.counter() as counter:
            first, second = counter.asks(), counter.asks()
            back = counter.returns(first, counter.sold(first))
            other = evolve(counter.returns(second, counter.sold(second)), id=back.id)
            counter.sent(back)
            before = counter.books()
            with suppress(KeyReused):
                counter.sent(other)
            same(before, counter.books(), "the carrier's books after a known id for another label")

    @clause
    def test_capabilities_stay_the_same(self) -> None:
        """CarrierPort.capabilities 1: before and after something was done."""
        with self.counter() as counter:
            before = counter.port.capabilities
            counter.sold(counter.asks())
            same(before, counter.port.capabilities, "capabilities after a label was sold")
            same(before, counter.bench.open().capabilities, "capabilities of another adapter")

    # Rates -----------------------------------------------------------------------------------

    @clause
    def test_quotes_have_no_effect(self) -> None:
        """CarrierPort.rates 6: asked twice, they are the same, and nothing is sold."""
        with self.counter() as counter:
            first, again = _rates(counter), _rates(counter)
            same(first, again, "quotes asked for twice")
            require(first, "no quotes for a shipment that the bench says is served")
            counter.booked(0, 0, "two quotes")

    @clause
    def test_no_quotes_to_where_nothing_goes(self) -> None:
        """CarrierPort.rates 7: none at all, and no error."""
        with self.counter() as counter:
            unserved = declared(counter.bench.unserved, "unserved")
            rates = counter.port.rates(counter.bench.shipment, unserved, at=NOON)
            same((), tuple(rates), "quotes to where nothing goes")

    @clause
    def test_what_is_quoted_can_be_booked(self) -> None:
        """CarrierPort.rates 8: by its service, for that much, to the last minor unit."""
        with self.counter() as counter:
            rates = _rates(counter)
            services = [one.service for one in rates]
            require(len(set(services)) == len(services), f"two quotes for one service: {services}")
            for rate in rates:
                label = counter.ends("succeeded", counter.asks(rate.service), f"{rate.service}")
                if label.cost is not None:
                    same(rate.cost, label.cost, f"what was charged for {rate.service}")
            require(counter.bench.service in services, "the bench's own service is not quoted")

    # Labels ----------------------------------------------------------------------------------

    @clause
    def test_each_label_has_a_number_of_its_own(self) -> None:
        """CarrierPort.book 6: no two labels share one, of whatever adapter."""
        with self.counter() as counter:
            ports = (counter.port, counter.bench.open(), counter.port)
            sold = [counter.sent(counter.asks(), port) for port in ports]
            numbers = [one.tracking for one in sold if one.tracking]
            require(len(set(numbers)) == len(numbers), f"three labels have the numbers {numbers}")
            require(all(one.carrier for one in sold), "a label that names no carrier")
            counter.booked(3, 0, "three labels")

    @clause
    def test_many_at_once_get_numbers_of_their_own(self) -> None:
        """CarrierPort.book 6: eight labels bought at once."""
        with self.counter() as counter:
            asked = [(counter.asks(), counter.bench.open()) for _ in range(RACERS)]
            sold = self.race([partial(counter.sent, *one) for one in asked])
            numbers = [one.tracking for one in sold if one.tracking]
            require(len(set(numbers)) == len(numbers), f"eight labels have the numbers {numbers}")
            counter.booked(RACERS, 0, "eight labels bought at once")

    @clause
    def test_more_parcels_are_charged_for(self) -> None:
        """CarrierPort.book 7: what is charged for two parcels is what was quoted for two."""
        with self.counter() as counter:
            parcels = counter.bench.shipment.parcels * 2
            shipment = counter.bench.shipment._replace(parcels=parcels)
            rates = counter.port.rates(shipment, counter.bench.recipient, at=NOON)
            quoted = {one.service: one.cost for one in rates}
            request = counter.asks()
            two = evolve(request, shipment=request.shipment._replace(parcels=parcels))
            cost = counter.sold(two).cost
            if cost is not None and request.service in quoted:
                same(quoted[request.service], cost, "what was charged for two parcels")

    @clause
    def test_each_label_can_be_printed(self) -> None:
        """CarrierPort.book 8: what to print is named, another one for each label."""
        with self.counter() as counter:
            one, two = (counter.sold(counter.asks()).document for _ in "12")
            require(one and two, f"documents of two labels: {one!r} and {two!r}")
            require(one != two, f"two labels have one document: {one!r}")

    @clause
    def test_what_was_handed_over_is_not_taken_back(self) -> None:
        """CarrierPort.cancel 6: once the carrier has the parcel it is refused."""
        with self.counter() as counter:
            handed_over = declared(counter.bench.handed_over, "handed_over")
            request = counter.asks()
            sold = counter.sold(request)
            handed_over(sold.tracking)
            counter.ends("refused", counter.returns(request, sold), "giving back what has left")
            counter.booked(1, 0, "giving back what has left")

    @clause
    def test_labels_are_taken_back_where_that_is_promised(self) -> None:
        """CarrierPort.cancel 6: a fresh one is, if `capabilities.cancels`; else none is."""
        with self.counter() as counter:
            request = counter.asks()
            back = counter.returns(request, counter.sold(request))
            cancels = counter.port.capabilities.cancels
            counter.ends("succeeded" if cancels else "refused", back, f"where {cancels=}")
            counter.booked(1, int(cancels), "giving back a fresh label")

    @clause
    def test_what_was_taken_back_is_not_taken_back_twice(self) -> None:
        """CarrierPort.cancel 7: under another id, it ends as before and has no second effect."""
        with self.counter() as counter:
            cancels = counter.port.capabilities.cancels
            request = counter.asks()
            sold = counter.sold(request)
            for number in "12":
                back = counter.returns(request, sold)
                told = f"the return {number}, where {cancels=}"
                counter.ends("succeeded" if cancels else "refused", back, told)
            counter.booked(1, int(cancels), "giving one label back twice")

    # Parcels ---------------------------------------------------------------------------------

    @clause
    def test_an_unknown_number_has_no_scans(self) -> None:
        """CarrierPort.track 6: nothing is told, and no error raised."""
        with self.counter() as counter:
            sold = counter.sold(counter.asks())
            scans = counter.port.track(sold.carrier, f"{sold.tracking}0")
            same((), tuple(scans), "scans of an unknown number")

    @clause
    def test_scans_are_of_moments(self) -> None:
        """CarrierPort.track 7: their times are aware, in the order in which they happened."""
        with self.counter() as counter:
            handed_over = declared(counter.bench.handed_over, "handed_over")
            sold = counter.sold(counter.asks())
            handed_over(sold.tracking)
            scans = self.eventually(
                lambda: tuple(counter.port.track(sold.carrier, sold.tracking)), bool
            )
            require(scans, "no scan of a parcel that was handed over")
            for one in scans:
                told = cast("object", one)
                require(isinstance(told, Scan), f"{told!r} is no Scan")
                for at in (one.at, one.expected_at):
                    require(at is None or at.utcoffset() is not None, f"a naive time: {at}")
            times = [one.at for one in scans]
            same(sorted(times), times, "the times of the scans, as they are told")

    @clause
    def test_tracking_has_no_effect(self) -> None:
        """CarrierPort.track 8: asked twice it is the same, and nothing is sold or taken back."""
        with self.counter() as counter:
            handed_over = declared(counter.bench.handed_over, "handed_over")
            sold = counter.sold(counter.asks())
            handed_over(sold.tracking)
            first, again = (counter.port.track(sold.carrier, sold.tracking) for _ in "12")
            same(tuple(first), tuple(again), "scans asked for twice")
            counter.booked(1, 0, "tracking")

    # Looking up ------------------------------------------------------------------------------

    @clause
    def test_what_was_done_is_found(self) -> None:
        """CarrierPort.look_up 1: with the outcome it had, by any adapter."""

        def test(counter: Counter, kind: Kind) -> None:
            request = counter.ready(kind)
            done = counter.ends("succeeded", request, f"a {kind}")
            for port in (counter.port, counter.bench.open()):
                found = port.look_up(request)
                require(found != "not_found", f"a {kind} that was done is not found")
                if isinstance(found, LabelOutcome):
                    same(done, found, f"what became of a {kind}")

        self._each(test)

    @clause
    def test_what_was_decided_is_told_in_time(self) -> None:
        """CarrierPort.look_up 2: of a label that was bought, and of one taken back."""

        def test(counter: Counter, kind: Kind) -> None:
            request = counter.ready(kind)
            counter.ends("succeeded", request, f"a {kind}")
            self._in_time(counter, request, f"what became of a {kind}, in time")

        self._each(test)

    @clause
    def test_what_nobody_heard_of_is_told_in_time(self) -> None:
        """CarrierPort.look_up 2: where it was done and the answer was lost."""

        def test(counter: Counter, kind: Kind) -> None:
            lost = declared(counter.bench.lost_answers, "lost_answers")
            request = _unheard(counter, kind, lost)
            self._in_time(counter, request, f"what became of a {kind} done unheard, in time")

        self._each(test)

    @clause
    def test_what_was_pending_is_told_in_time(self) -> None:
        """CarrierPort.look_up 2: once the carrier has decided."""

        def test(counter: Counter, kind: Kind) -> None:
            postponed = declared(counter.bench.postponed, "postponed")
            request = counter.ready(kind)
            with postponed():
                counter.ends("pending", request, f"a postponed {kind}")
            self._in_time(counter, request, f"what became of a pending {kind}, in time")

        self._each(test)

    @clause
    def test_what_is_pending_is_not_gone(self) -> None:
        """CarrierPort.look_up 1: it may still come, so it must not be sent anew."""

        def test(counter: Counter, kind: Kind) -> None:
            postponed = declared(counter.bench.postponed, "postponed")
            request = counter.ready(kind)
            with postponed():
                counter.ends("pending", request, f"a postponed {kind}")
                told = _told(counter, request)
            require(told in {"pending", "unsure"}, f"a pending {kind} is looked up: {told}")

        self._each(test)

    def _in_time(self, counter: Counter, request: LabelRequest, what: str) -> None:
        """Require that look-up tells of a success before patience ends."""
        look = partial(_told, counter, request)
        found = self.eventually(look, lambda told: told not in {"unsure", "pending"})
        same("succeeded", found, what)

    @clause
    def test_what_was_never_asked_is_not_found(self) -> None:
        """CarrierPort.look_up 1: asking for it then is safe."""

        def test(counter: Counter, kind: Kind) -> None:
            request = counter.ready(kind)
            found = counter.port.look_up(request)
            require(found in {"not_found", "unsure"}, f"a {kind} nobody asked for: {found}")
            counter.ends("succeeded", request, f"a {kind}, asked for then")

        self._each(test)

    @clause
    def test_what_nobody_heard_of_is_found(self) -> None:
        """CarrierPort.look_up 1: where it was done and the answer was lost."""

        def test(counter: Counter, kind: Kind) -> None:
            lost = declared(counter.bench.lost_answers, "lost_answers")
            found = counter.port.look_up(_unheard(counter, kind, lost))
            require(found != "not_found", f"a {kind} that was done unheard is not found")
            if isinstance(found, LabelOutcome):
                same("succeeded", found.outcome, f"the outcome of a {kind} done unheard")

        self._each(test)

    @clause
    def test_what_never_arrived_is_not_found(self) -> None:
        """CarrierPort.look_up 1: nothing of it is made up."""

        def test(counter: Counter, kind: Kind) -> None:
            lost = declared(counter.bench.lost_requests, "lost_requests")
            found = counter.port.look_up(_unheard(counter, kind, lost))
            require(found in {"not_found", "unsure"}, f"a {kind} that never arrived: {found}")

        self._each(test)


def _told(counter: Counter, request: LabelRequest) -> str:
    found = counter.port.look_up(request)
    return found.outcome if isinstance(found, LabelOutcome) else found


def _rates(counter: Counter) -> tuple[Rate, ...]:
    bench = counter.bench
    return tuple(counter.port.rates(bench.shipment, bench.recipient, at=NOON))
