"""Any commands in any order, with a provider that does what it likes: the laws hold throughout."""

from collections.abc import Callable  # noqa: TC003 - Hypothesis reads the annotations of rules
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orderwright import (
    AddAdjustment,
    AddCharge,
    AddLine,
    Adjustment,
    ChangeLine,
    Charge,
    Contact,
    DraftLine,
    Money,
    Order,
    OrderwrightError,
    Policy,
    Posting,
    TaxLine,
    Tender,
    UnitPrice,
)
from orderwright.codec import Codec
from orderwright.errors import AdapterFault, KeyReused
from orderwright.orders.events import NothingChanged
from orderwright.orders.lines import Change, KitPart
from tests.worlds import HOUR, MINUTE, World, card, check_laws, check_quiet, eur, line

CODEC = Codec()
SKUS = ("MUG", "CUP", "TEA")
PLACES = ("MAIN", "STORE", "DEPOT")
ORDERS = ("o1", "o2", "o3", "o4")

policies = st.builds(
    Policy,
    capture=st.sampled_from(["on_confirmation", "on_dispatch", "by_hand", "on_placement"]),
    refund=st.sampled_from(["when_cancelled", "when_cancelled", "by_hand"]),
    short=st.sampled_from(["reject", "backorder"]),
    confirm=st.sampled_from(["when_covered", "when_covered", "by_hand"]),
    credit_returns=st.sampled_from(["on_receipt", "on_inspection"]),
    return_charges=st.sampled_from(["keep", "share"]),
    restocking_percent=st.sampled_from([0, 10]),
    require_cover=st.booleans(),
    unpaid_ttl=st.sampled_from([None, HOUR, 10 * MINUTE]),
    attempts=st.sampled_from([2, 5]),
    lead_time=st.sampled_from([None, HOUR]),
    replans=st.sampled_from([0, 3]),
)
amounts = st.sampled_from([None, eur(0), eur(1), eur("7.77"), eur(10), eur("25.50"), eur(100)])
tenders = st.one_of(
    st.builds(Tender, method=st.sampled_from(["card", "gift_card"]), amount=amounts),
    st.builds(Tender, method=st.sampled_from(["card", "gift_card"]), amount=amounts),
    st.builds(Tender, method=st.just("transfer"), amount=amounts, collected=st.just("beforehand")),
    st.builds(
        Tender,
        method=st.just("invoice"),
        amount=amounts,
        collected=st.just("afterwards"),
        terms=st.sampled_from([None, HOUR]),
    ),
)
moved = st.sampled_from([eur(1), eur("7.77"), eur(10), eur("25.50"), eur(100)])
lines = st.builds(
    line,
    st.sampled_from(SKUS),
    st.integers(1, 3),
    st.sampled_from(["10.00", "3.33", "0.005", "0"]),
)
terms = st.builds(
    DraftLine,
    sku=st.sampled_from(SKUS),
    quantity=st.integers(1, 3),
    unit_price=st.sampled_from([UnitPrice.of("9.99", "EUR", per=2), UnitPrice.of("0.01", "EUR")]),
    adjustments=st.lists(
        st.sampled_from(
            [Adjustment(name="off", percent="-33"), Adjustment(name="coupon", amount=eur("-4.99"))]
        ),
        max_size=2,
    ),
    taxes=st.lists(
        st.sampled_from(
            [
                TaxLine(name="VAT", percent="19", included=True),
                TaxLine(name="GST", percent="5"),
                TaxLine(name="PST", percent="10", compound=True),
            ]
        ),
        max_size=2,
    ),
    parts=st.sampled_from([(), (), (KitPart("MUG", 1, 2), KitPart("CUP", 2, 1))]),
)
line_ids = st.sampled_from(["l1", "l1", "l2", "l3", "l1.1", "l1.2", "l9"])
return_ids = st.sampled_from(["r1", "r1", "r1", "r2", "r9"])
changes = st.one_of(
    st.builds(AddLine, line=terms, replaces=st.sampled_from(["", "l1"])),
    st.builds(
        ChangeLine,
        line_id=line_ids,
        quantity=st.integers(0, 4),
        unit_price=st.sampled_from([None, UnitPrice.of("0", "EUR"), UnitPrice.of("7.77", "EUR")]),
    ),
    st.builds(AddCharge, charge=st.just(Charge(kind="tip", amount=eur("1.50")))),
    st.builds(
        AddAdjustment,
        line_id=st.sampled_from(["", "l1", "l2", "l9"]),
        adjustment=st.sampled_from(
            [
                Adjustment(name="sorry", percent="-33"),
                Adjustment(name="gift", amount=eur("-4.99")),
                Adjustment(name="rush", amount=eur("0.07")),
            ]
        ),
    ),
)
charges = st.builds(Charge, kind=st.just("shipping"), amount=st.sampled_from([eur(0), eur("4.90")]))
MOODS = (
    "approve",
    "approve",
    "decline",
    "pending",
    "requires_action",
    "answer_lost",
    "request_lost",
)
HOLDS = ("fraud", "customs")
BLOCKS = ("allocate", "capture", "fulfil", "refund")
ACTIONS = (
    *("release", "release", "pick", "pack", "withdraw", "reserve", "ship", "juggle"),
    *("refuse", "run_short", "lose", "return_to_sender", "collect", "ready", "miss"),
)


some = st.sampled_from([0, 0, 0, 1, 1, 2, 3])
"""Which of the orders there are; a number too high names one that there is not."""
parts = st.sampled_from(["f1", "f1", "f1", "f2", "f2", "f3"])


class Life(RuleBasedStateMachine):
    """Several orders on scarce stock."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(("MUG", "MAIN", 4), ("MUG", "STORE", 2), ("CUP", "STORE", 4))
        self.deliveries = 0
        self.keys = 0
        self.placed: list[str] = []
        self.refusals: list[str] = []
        self.said: list[tuple[Callable[..., Order], str, tuple[Any, ...], dict[str, Any]]] = []

    def call(self, name: str, *args: object, keyed: bool = False, **kwargs: object) -> None:
        """Call the desk; a refusal must leave no trace."""
        before = self.world.trace()
        method = getattr(self.world.desk, name)
        if args and type(args[0]) is int:
            args = (self.named(args[0]), *args[1:])
        there = self.world.orders.load(str(kwargs.get("order_id", args[0] if args else "")))
        known = there.version if there else 0
        if keyed:
            self.keys += 1
            kwargs["key"] = f"k{self.keys}"
        try:
            order = method(*args, **kwargs)
        except AdapterFault as fault:
            raise AssertionError(fault) from fault
        except OrderwrightError as error:
            self.refusals.append(str(error))
            assert before == self.world.trace()
            return
        assert order == self.world.orders.load(order.id)
        new = self.world.orders.events(order.id, after=known)
        assert new == tuple(CODEC.decode_event(CODEC.encode_event(event)) for event in new)
        if (
            keyed and self.world.orders.load_with_key(order.id, kwargs["key"])[1]
        ) or name == "place":
            self.said.append((method, name, args, kwargs))

    def named(self, which: int) -> str:
        """The id of one of the orders there are, newest first."""
        return self.placed[-1 - which] if which < len(self.placed) else "nobody"

    @initialize(
        policy=policies,
        quantity=st.integers(1, 5),
        tenders=st.lists(tenders, max_size=3),
        paying=st.booleans(),
    )
    def open_shop(self, policy: Policy, quantity: int, tenders: list[Tender], paying: bool) -> None:  # noqa: FBT001
        """There is an order to begin with, often one that is paid."""
        given = [card()] if paying else tenders
        self.place("o1", lines=[line("MUG", quantity)], tenders=given, policy=policy)

    @rule(moods=st.lists(st.sampled_from(MOODS), max_size=6))
    def provider_turns(self, moods: list[str]) -> None:
        """The provider decides what to do with the next requests."""
        self.world.moods = moods

    @rule(by=st.sampled_from([timedelta(seconds=1), MINUTE, 3 * MINUTE, 10 * MINUTE, HOUR]))
    def time_passes(self, by: timedelta) -> None:
        """Time moves forward."""
        self.world.now += by

    @rule(sku=st.sampled_from(SKUS), place=st.sampled_from(PLACES), units=st.integers(1, 3))
    def receive(self, sku: str, place: str, units: int) -> None:
        """Stock comes in, and goes to those who wait."""
        self.deliveries += 1
        name = f"again-{self.deliveries}"
        if self.deliveries % 2:
            self.world.receive(name, sku, place, units)
        else:
            posting = Posting.receive(name, sku, place, units, at=self.world.now)
            self.world.desk.post_stock(posting)

    @rule(
        order_id=st.sampled_from(ORDERS),
        lines=st.lists(lines | terms, min_size=1, max_size=3),
        charges=st.lists(charges, max_size=1),
        adjustments=st.lists(
            st.just(Adjustment(name="ten", percent="-10", limit=eur(2))), max_size=1
        ),
        tenders=st.lists(tenders, max_size=3),
        policy=policies,
    )
    def place(self, order_id: str, **order: object) -> None:
        """Somebody orders."""
        self.call("place", order.pop("lines"), order_id=order_id, **order)
        if self.world.orders.load(order_id) and order_id not in self.placed:
            self.placed.append(order_id)

    @rule(
        order_id=some,
        tenders=st.lists(tenders, max_size=2),
        keyed=st.booleans(),
    )
    def pay(self, order_id: int, tenders: list[Tender], keyed: bool) -> None:  # noqa: FBT001
        """Somebody pays."""
        self.call("pay", order_id, tenders, keyed=keyed)

    @rule(
        name=st.sampled_from(["capture", "refund"]),
        order_id=some,
        amount=amounts,
        payment_id=st.sampled_from(["", "", "p1", "p2"]),
        keyed=st.booleans(),
    )
    def move_money(
        self,
        name: str,
        order_id: int,
        amount: Money | None,
        payment_id: str,
        keyed: bool,  # noqa: FBT001
    ) -> None:
        """A clerk takes or pays back money."""
        self.call(name, order_id, amount=amount, payment_id=payment_id, keyed=keyed)

    @rule(order_id=some, amount=amounts, keyed=st.booleans())
    def pay_out(self, order_id: int, amount: Money | None, keyed: bool) -> None:  # noqa: FBT001
        """What is owed is paid out as store credit."""
        credit = Tender(method="store_credit", instrument="account-7")
        self.call("refund", order_id, amount=amount, to=credit, keyed=keyed)

    @rule(
        name=st.sampled_from(["request_stop", "request_stop", "stop", "refuse_stop"]),
        order_id=some,
        fulfillment_id=parts,
        units=st.none() | st.dictionaries(line_ids, st.integers(1, 2), min_size=1),
        keyed=st.booleans(),
    )
    def stop(
        self,
        name: str,
        order_id: int,
        fulfillment_id: str,
        units: dict[str, int] | None,
        keyed: bool,  # noqa: FBT001
    ) -> None:
        """A customer wants back what is being picked, and the people at work answer."""
        more = {"units": units} if name == "request_stop" else {}
        self.call(name, order_id, fulfillment_id, keyed=keyed, **more)

    @rule(
        name=st.sampled_from(["split", "short_pick"]),
        order_id=some,
        fulfillment_id=parts,
        units=st.dictionaries(line_ids, st.integers(1, 2), min_size=1),
        keyed=st.booleans(),
    )
    def part(
        self,
        name: str,
        order_id: int,
        fulfillment_id: str,
        units: dict[str, int],
        keyed: bool,  # noqa: FBT001
    ) -> None:
        """A picker makes two of one, or does not find some of it."""
        self.call(name, order_id, fulfillment_id, units, keyed=keyed)

    @rule(order_id=some, names=st.lists(parts, min_size=2, max_size=3), keyed=st.booleans())
    def merge(self, order_id: int, names: list[str], keyed: bool) -> None:  # noqa: FBT001
        """A clerk makes one of several."""
        self.call("merge", order_id, names, keyed=keyed)

    @rule(
        order_id=some,
        fulfillment_id=parts,
        location=st.sampled_from(["MAIN", "STORE", "DEPOT", "MOON"]),
        keyed=st.booleans(),
    )
    def move(self, order_id: int, fulfillment_id: str, location: str, keyed: bool) -> None:  # noqa: FBT001
        """A clerk has another place serve it."""
        self.call("move", order_id, fulfillment_id, location, keyed=keyed)

    @rule(order_id=some, keyed=st.booleans())
    def forget(self, order_id: int, keyed: bool) -> None:  # noqa: FBT001
        """A customer wants to be forgotten."""
        self.call("forget", order_id, keyed=keyed)

    @rule(
        order_id=some,
        contact=st.sampled_from([None, Contact(name="Ann"), Contact(name="Bob")]),
        service=st.sampled_from(["", "pickup"]),
        after=st.sampled_from([None, MINUTE, 3 * HOUR]),
        keyed=st.booleans(),
    )
    def change_details(
        self,
        order_id: int,
        contact: Contact | None,
        service: str,
        after: timedelta | None,
        keyed: bool,  # noqa: FBT001
    ) -> None:
        """A customer moves, comes by, or has time only later."""
        when = after and self.world.now + after
        told = {"contact": contact, "service": service, "scheduled_for": when}
        self.call("edit", order_id, keyed=keyed, **told)

    @rule(
        name=st.sampled_from(["record_payment", "record_refund"]),
        order_id=some,
        amount=moved,
        to=st.sampled_from(
            [
                {"method": "transfer"},
                {"method": "cash"},
                {"method": "invoice"},
                {"payment_id": "p1"},
                {"payment_id": "p2"},
            ]
        ),
        reference=st.sampled_from(["", "", "t1", "t2"]),
        keyed=st.booleans(),
    )
    def record_money(  # noqa: PLR0917
        self,
        name: str,
        order_id: int,
        amount: Money,
        to: dict[str, str],
        reference: str,
        keyed: bool,  # noqa: FBT001
    ) -> None:
        """Money comes in or goes out by itself, and is told once or twice."""
        self.report_money(name, order_id, amount, keyed=keyed, reference=reference, **to)

    @rule(
        name=st.sampled_from(["report_chargeback", "report_chargeback_reversal"]),
        order_id=some,
        payment_id=st.sampled_from(["p1", "p1", "p2"]),
        amount=moved,
        reference=st.sampled_from(["", "d1", "d2"]),
        keyed=st.booleans(),
    )
    def report_dispute(  # noqa: PLR0917
        self,
        name: str,
        order_id: int,
        payment_id: str,
        amount: Money,
        reference: str,
        keyed: bool,  # noqa: FBT001
    ) -> None:
        """The customer's bank takes money back, or gives that up."""
        self.report_money(name, order_id, payment_id, amount, keyed=keyed, reference=reference)

    def report_money(
        self, name: str, order_id: int, *args: object, keyed: bool, **kwargs: object
    ) -> None:
        """Call the desk; a report on a payment that there is is never refused."""
        order = self.world.orders.load(self.named(order_id))
        payment_id = kwargs.get("payment_id", args[0] if type(args[0]) is str else "")
        known = order and (not payment_id or payment_id in {one.id for one in order.payments})
        refused = len(self.refusals)
        self.call(name, order_id, *args, keyed=keyed, **kwargs)
        assert not known or refused == len(self.refusals), self.refusals[-1]

    @rule(lasting=st.sampled_from([None, 3 * MINUTE, 30 * MINUTE, 3 * HOUR]))
    def authorizations_last(self, lasting: timedelta | None) -> None:
        """The provider changes how long what it authorizes lasts."""
        self.world.lasting = lasting

    @rule(
        name=st.sampled_from(["cancel", "report_cancellation"]),
        order_id=some,
        keyed=st.booleans(),
    )
    def give_up(self, name: str, order_id: int, keyed: bool) -> None:  # noqa: FBT001
        """An order is cancelled here or elsewhere."""
        self.call(name, order_id, reason="why not", keyed=keyed)

    @rule(
        order_id=some,
        units=st.dictionaries(line_ids, st.integers(1, 3), min_size=1),
        keyed=st.booleans(),
    )
    def give_up_some(self, order_id: int, units: dict[str, int], keyed: bool) -> None:  # noqa: FBT001
        """Some units are cancelled."""
        self.call("cancel", order_id, reason="fewer", units=units, keyed=keyed)

    @rule(
        order_id=some,
        changes=st.lists(changes, min_size=1, max_size=3),
        tenders=st.lists(tenders, max_size=1),
        keyed=st.booleans(),
    )
    def edit(self, order_id: int, changes: list[Change], **more: object) -> None:
        """Somebody changes their mind."""
        self.call("edit", order_id, changes, **more)

    @rule(
        order_id=st.sampled_from(ORDERS),
        lines=st.lists(lines | terms, min_size=1, max_size=2),
        tenders=st.lists(tenders, max_size=2),
        policy=policies,
    )
    def draft(self, order_id: str, **order: object) -> None:
        """Somebody only thinks about ordering."""
        self.call("draft", order.pop("lines"), order_id=order_id, **order)
        if self.world.orders.load(order_id) and order_id not in self.placed:
            self.placed.append(order_id)

    @rule(
        name=st.sampled_from(["place_draft", "discard_draft", "confirm", "reject", "expire"]),
        order_id=some,
        keyed=st.booleans(),
    )
    def decide(self, name: str, order_id: int, keyed: bool) -> None:  # noqa: FBT001
        """A person decides about an order that waits."""
        more = {} if name in ("place_draft", "confirm", "discard_draft") else {"reason": "x"}
        self.call(name, order_id, keyed=keyed, **more)

    @rule(
        order_id=some,
        then=st.sampled_from(["release", "escalate", "cancel"]),
        blocks=st.sets(st.sampled_from(BLOCKS), min_size=1),
        after=st.sampled_from([MINUTE, HOUR]),
    )
    def hold_for_a_while(self, order_id: int, after: timedelta, **more: object) -> None:
        """A hold that runs out."""
        self.call("hold", order_id, "brief", until=self.world.now + after, **more)

    @rule(order_id=some, keyed=st.booleans(), tag=st.sampled_from(["vip", "late"]))
    def say(self, order_id: int, keyed: bool, tag: str) -> None:  # noqa: FBT001
        """Somebody writes something down."""
        self.call("note", order_id, "hello", keyed=keyed)
        self.call("tag", order_id, add=[tag], remove=["vip"], keyed=keyed)

    @rule(
        order_id=some,
        units=st.dictionaries(line_ids, st.integers(1, 2), min_size=1),
        exchange=st.lists(terms, max_size=1),
        keyed=st.booleans(),
    )
    def request_return(self, order_id: int, units: dict[str, int], **more: object) -> None:
        """A customer wants to send something back."""
        self.call("request_return", order_id, units, reason="x", **more)

    @rule(
        order_id=some,
        return_id=return_ids,
        action=st.sampled_from(["approve", "approve", "refuse", "cancel", "close"]),
        fees=st.lists(st.just(Charge(kind="label", amount=eur("2.22"))), max_size=1),
        keyed=st.booleans(),
    )
    def advance_return(self, order_id: int, return_id: str, **more: object) -> None:
        """A clerk decides about a return."""
        self.call("advance_return", order_id, return_id, more.pop("action"), **more)

    @rule(
        order_id=some,
        units=st.dictionaries(line_ids, st.integers(1, 3), min_size=1),
        return_id=st.sampled_from(["", "r1", "r1", "r2", "r9"]),
        keyed=st.booleans(),
    )
    def receive_return(self, order_id: int, units: dict[str, int], **more: object) -> None:
        """Something stands at the door."""
        self.call("receive_return", order_id, units, location="MAIN", **more)

    @rule(order_id=some, return_id=return_ids, share=st.integers(0, 3), keyed=st.booleans())
    def inspect_return(self, order_id: int, return_id: str, share: int, keyed: bool) -> None:  # noqa: FBT001
        """What came back is looked at, some of it or all."""
        order = self.world.orders.load(self.named(order_id))
        known = [one for one in order.returns if one.id == return_id] if order else []
        there = {i.line_id: i.received - i.inspected for one in known for i in one.items}
        some = {line_id: min(units, share) or 1 for line_id, units in there.items()}
        verdict = ("restock", "write_off", "quarantine", "send_back")[share]
        verdicts = {verdict: some or {"l1": 1}}
        self.call("inspect_return", order_id, return_id, keyed=keyed, **verdicts)

    @rule(
        order_id=some,
        units=st.dictionaries(line_ids, st.integers(1, 2), min_size=1),
        fault=st.sampled_from(["lost", "wrong", "damaged"]),
        remedy=st.sampled_from(["refund", "replace"]),
        keyed=st.booleans(),
    )
    def claim(self, order_id: int, units: dict[str, int], **more: object) -> None:
        """A customer complains."""
        self.call("claim", order_id, units, **more)

    @rule(
        order_id=some,
        amount=st.sampled_from([eur(0), eur("0.01"), eur("3.33"), eur(100)]),
        what=st.sampled_from(["", "l1", "l2", "c1"]),
        keyed=st.booleans(),
    )
    def credit(self, order_id: int, amount: Money, what: str, keyed: bool) -> None:  # noqa: FBT001
        """A clerk is generous."""
        self.call("credit", order_id, amount, reason="sorry", target=what, keyed=keyed)

    @rule(
        order_id=some,
        name=st.sampled_from(HOLDS),
        blocks=st.sets(st.sampled_from(BLOCKS), min_size=1),
        keyed=st.booleans(),
    )
    def hold(self, order_id: int, name: str, blocks: set[str], keyed: bool) -> None:  # noqa: FBT001
        """A hold is placed."""
        self.call("hold", order_id, name, blocks=blocks, keyed=keyed)

    @rule(order_id=some, name=st.sampled_from(HOLDS), keyed=st.booleans())
    def release_hold(self, order_id: int, name: str, keyed: bool) -> None:  # noqa: FBT001
        """A hold is released."""
        self.call("release_hold", order_id, name, keyed=keyed)

    @rule(
        order_id=some,
        fulfillment_id=parts,
        action=st.sampled_from(ACTIONS),
        keyed=st.booleans(),
    )
    def advance(self, order_id: int, fulfillment_id: str, action: str, keyed: bool) -> None:  # noqa: FBT001
        """The warehouse takes a step, some that no table knows."""
        self.call("advance", order_id, fulfillment_id, action, keyed=keyed)

    @rule(
        order_id=some,
        action=st.sampled_from(["complete", "reopen", "confirm", "cancel", "juggle"]),
        keyed=st.booleans(),
    )
    def advance_order(self, order_id: int, action: str, keyed: bool) -> None:  # noqa: FBT001
        """A clerk takes a step of the order's own lifecycle."""
        self.call("advance_order", order_id, action, keyed=keyed)

    @rule(
        name=st.sampled_from(["ship", "deliver"]),
        order_id=some,
        fulfillment_id=parts,
        keyed=st.booleans(),
    )
    def report(self, name: str, order_id: int, fulfillment_id: str, keyed: bool) -> None:  # noqa: FBT001
        """A carrier scans something, whatever the order's state."""
        more = {"tracking": f"T-{order_id}-{fulfillment_id}"} if name == "ship" else {}
        order_id = self.named(order_id)
        known = self.world.orders.load(order_id)
        there = known and any(one.id == fulfillment_id for one in known.fulfillments)
        before = self.world.trace()
        self.call(name, order_id, fulfillment_id, keyed=keyed, **more)
        if there:
            order = self.world.orders.load(order_id)
            one = order.fulfillment(fulfillment_id)
            # What its location refused is served from elsewhere: that it left is looked into.
            told = one.ended and order.has_exception("left_after_all")
            # No carrier has what is kept for the customer to fetch: that is a slip of the caller's.
            steps = {action for _, action in order.lifecycles.kinds[one.kind].table}
            assert one.gone or told or name not in steps, "a report was refused"
        else:
            assert before == self.world.trace()

    @rule(order_id=some)
    def allocate(self, order_id: int) -> None:
        """What had to wait is sourced again."""
        self.call("allocate", order_id)

    @rule(order_id=some, which=st.integers(0, 5), keyed=st.booleans())
    def resolve(self, order_id: int, which: int, keyed: bool) -> None:  # noqa: FBT001
        """A person deals with an exception."""
        order = self.world.orders.load(self.named(order_id))
        codes = [one.code for one in order.exceptions] if order else []
        code = codes[which % len(codes)] if codes else "nothing"
        self.call("resolve", order_id, code, resolution="seen", keyed=keyed)

    @precondition(lambda self: self.world.payments._known)
    @rule(
        which=st.integers(0, 50),
        outcome=st.sampled_from(["succeeded", "declined"]),
        told=st.sampled_from([0, 1, 2]),
    )
    def notify(self, which: int, outcome: Any, told: int) -> None:  # noqa: ANN401
        """The provider decides what was pending, and tells it twice, once, or only hints."""
        known = sorted(self.world.payments._known)
        operation_id = known[which % len(known)]
        truth = self.world.payments.finish(operation_id, outcome)
        for _ in range(max(told, 1)):
            said = {"outcome": truth, "sequence": 7} if told else {}
            self.call("notify_payment", operation_id, **said)

    @rule(limit=st.sampled_from([1, 100]))
    def resume(self, limit: int) -> None:
        """The background job runs."""
        assert () == self.world.desk.resume(limit=limit).failures

    @rule(order_id=some, which=st.integers(0, 3))
    def retry(self, order_id: int, which: int) -> None:
        """A person has unfinished business taken up at once."""
        order = self.world.orders.load(self.named(order_id))
        ids = [one.id for one in order.intents] if order else []
        self.call("retry", order_id, ids[which % len(ids)] if ids else "nothing")

    @precondition(lambda self: self.said)
    @rule(which=st.integers(0, 100))
    def repeat(self, which: int) -> None:
        """A command comes again under its key: the same order, and nothing happens."""
        method, name, args, kwargs = self.said[which % len(self.said)]
        before = self.world.trace()
        order = method(*args, **kwargs)
        assert order == self.world.orders.load(order.id)
        assert before == self.world.trace()
        if name == "place":
            kwargs = {**kwargs, "channel": "elsewhere"}
        elif name in ("cancel", "report_cancellation", "release_hold"):
            _, (first, *_) = self.world.orders.load_with_key(order.id, kwargs["key"])
            if isinstance(first, NothingChanged):
                return  # a key under which nothing changed is known, its content is not
            kwargs = {**kwargs, "reason": "another"}
        else:
            return
        try:
            method(*args, **kwargs)
        except KeyReused:
            assert before == self.world.trace()
        else:
            raise AssertionError(name)

    @invariant()
    def laws(self) -> None:
        """Everything adds up, and every refusal said something."""
        assert all(self.refusals)
        check_laws(self.world)

    def teardown(self) -> None:
        """Once the storm is over, everything comes to rest."""
        self.world.calm()
        check_quiet(self.world)


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=100,
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
