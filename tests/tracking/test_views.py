"""Customers see their order and nothing of the house; staff see all of it."""

import json
import re
import sys
from collections.abc import Callable
from datetime import timedelta, timezone
from types import FrameType
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderwright import (
    Charge,
    DraftLine,
    Lifecycle,
    Lifecycles,
    Location,
    Money,
    Order,
    OrderDesk,
    OrderException,
    Phase,
    Policy,
    State,
    Tender,
    UnitPrice,
)
from orderwright.errors import InvalidInput, OrderwrightError
from orderwright.fulfillment.fulfillment import ScanStatus
from orderwright.lifecycles import KINDS, SHIPMENT, STANDARD
from orderwright.orders.lines import AddLine, ChangeLine, KitPart, Reference
from orderwright.orders.modifiers import Modifier
from orderwright.tracking.delays import Delay, Limits
from orderwright.tracking.progress import OrderStage, Step
from orderwright.tracking.staff import ADVICE, staff_view
from orderwright.tracking.views import CustomerView, Item, ParcelView, SentBack, ToDo, customer_view
from tests.helpers import ROOT
from tests.worlds import HOUR, MINUTE, NOON, World, card, eur, line

DAY = timedelta(days=1)
BERLIN = timezone(timedelta(hours=1))
PLACES = (Location(id="MAIN", offers=["cup"]), Location(id="STORE", offers=["bowl"]))


def shop(
    *lines: DraftLine, kind: str = "", makes: str = "", moods: tuple[str, ...] = (), **more: object
) -> tuple[World, OrderDesk]:
    """An order `o1` at one location, paid by card unless told otherwise."""
    world = World(("MUG", "MAIN", 10), ("BOWL", "STORE", 10), moods=moods)
    places = [Location(id="MAIN", makes=makes), Location(id="STORE", makes=makes)]
    desk = world.new_desk(locations=places)
    said = {"tenders": [card()], "service": kind, **more}
    desk.place(lines or [line()], order_id="o1", **said)
    return world, desk


def seen(desk: OrderDesk, **more: object) -> CustomerView:
    """What the customer sees at noon."""
    return customer_view(desk.order("o1"), **{"now": NOON, **more})


# Words -------------------------------------------------------------------------------------

LIVES: dict[str, tuple[tuple[str, str], ...]] = {
    "shipment": (
        ("", "Confirmed"),
        ("release", "Being packed"),
        ("pick", "Being packed"),
        ("pack", "Being packed"),
        ("ship", "On its way"),
        ("deliver", "Delivered"),
    ),
    "pickup": (
        ("", "Confirmed"),
        ("release", "Being prepared"),
        ("pick", "Being prepared"),
        ("ready", "Ready at the counter"),
        ("miss", "Ready at the counter"),
        ("collect", "Collected"),
    ),
    "delivery": (
        ("", "Confirmed"),
        ("release", "Being prepared"),
        ("dispatch", "On its way"),
        ("miss", "Not handed over yet: nobody was there"),
        ("dispatch", "On its way"),
        ("miss", "Not handed over yet: nobody was there"),
        ("return_to_sender", "Being looked into"),
        ("dispatch", "On its way"),
        ("deliver", "Delivered"),
    ),
    "digital": (("", "Confirmed"), ("release", "Being prepared"), ("send", "Sent")),
    "ticket": (
        ("", "Confirmed"),
        ("fire", "Being cooked"),
        ("prepare", "Being cooked"),
        ("ready", "Ready at the counter"),
        ("recall", "Being cooked"),
        ("serve", "Handed over"),
    ),
    "ticket at a table": (
        ("", "Confirmed"),
        ("fire", "Being cooked"),
        ("prepare", "Being cooked"),
        ("ready", "Coming to your table"),
        ("serve", "Served"),
    ),
    "ticket to the door": (
        ("fire", "Being cooked"),
        ("prepare", "Being cooked"),
        ("ready", "Ready to go"),
        ("dispatch", "On its way"),
        ("deliver", "Delivered"),
    ),
}
SERVICES = {"ticket at a table": "dine_in", "ticket to the door": "delivery"}


@pytest.mark.parametrize("kind", LIVES)
def test_headlines(kind: str) -> None:
    """Whatever is made, each step of its life has words that fit, and the last step is done."""
    makes = "ticket" if kind.startswith("ticket") else ""
    _, desk = shop(kind=SERVICES.get(kind, kind), makes=makes)
    for step, words in LIVES[kind]:
        if step:
            desk.advance("o1", "f1", step)
        assert words == seen(desk).headline
    view = seen(desk, history=desk.history("o1"))
    assert {"done"} == {step.status for step in view.steps}
    assert words == view.steps[-1].text
    assert NOON == view.steps[-1].at


@pytest.mark.parametrize("status", get_args(ScanStatus))
def test_what_carriers_say(status: ScanStatus) -> None:
    """Each word of a carrier shows on its parcel, with where and when it was said."""
    _, desk = shop()
    desk.ship("o1", "f1", carrier="DHL", tracking="JD1")
    desk.scan("o1", "f1", status, place="Ulm", at=NOON, expected_at=NOON + DAY)
    view = seen(desk)
    [parcel] = view.parcels
    words, headline = {
        "out_for_delivery": ("Out for delivery", "Out for delivery with DHL"),
        "delivered": ("Delivered", "Delivered"),
        "not_delivered": ("Not handed over yet: nobody was there",) * 2,
        "returned": ("Being looked into",) * 2,
        "lost": ("Being looked into",) * 2,
    }.get(status, ("On its way", "On its way with DHL"))
    arrived = NOON if status == "delivered" else None
    expected = None if status == "delivered" else NOON + DAY
    told = ParcelView(
        words, "DHL", "JD1", (("MUG", 1),), status, "Ulm", NOON, expected, arrived_at=arrived
    )
    assert (headline, told) == (view.headline, parcel)


def test_before_and_instead() -> None:
    """A draft, an order that waits for money, and one that is over, say so."""
    world = World()
    world.desk.draft([line()], order_id="o1")
    assert ("Not ordered yet", ()) == (seen(world.desk).headline, seen(world.desk).steps)
    _, desk = shop(moods=("decline",))
    view = seen(desk)
    assert ("received", "Received") == (view.stage, view.headline)
    assert ["current", *["to_come"] * 4] == [step.status for step in view.steps]
    desk.cancel("o1", reason="too slow", at=NOON + HOUR)
    view = seen(desk, history=desk.history("o1"))
    assert [
        Step("received", "Placed", "done", NOON),
        Step("cancelled", "Cancelled", "done", NOON + HOUR),
    ] == list(view.steps)
    assert ((), "Cancelled") == (view.to_do, view.headline)
    _, desk = shop(moods=("decline",))
    desk.expire("o1", at=NOON + DAY)
    assert "Cancelled" == seen(desk, history=desk.history("o1")).headline


def test_goods_of_an_unconfirmed_order() -> None:
    """What left although nobody paid is on its way all the same."""
    _, desk = shop(moods=("decline",))
    desk.ship("o1", "f1")
    assert "On its way" == seen(desk).headline


def test_goods_that_wait() -> None:
    """What has to come in first is told; with it the rest is partly further."""
    policy = Policy(short="backorder")
    _, desk = shop(line(quantity=12), line("BOWL"), policy=policy)
    assert "Partly to follow" not in seen(desk).headline
    assert "waiting" == seen(desk).stage
    desk.ship("o1", "f1", carrier="DHL")
    view = seen(desk)
    assert "Partly on its way with DHL, the rest waiting for goods to come in" == view.headline
    assert ["done", "current", "partly", "partly", "to_come"] == [one.status for one in view.steps]


def test_nothing_left_to_serve() -> None:
    """An order without anything to serve is what its own state says."""
    _, desk = shop(line(quantity=2))
    desk.cancel("o1", reason="no")
    order = attrs.evolve(desk.order("o1"), state=STANDARD.order.states["confirmed"])
    view = customer_view(order, now=NOON)
    assert ("Confirmed", ["Placed", "Confirmed", "Delivered"]) == (
        view.headline,
        [step.text for step in view.steps],
    )
    order = attrs.evolve(order, state=STANDARD.order.states["completed"])
    assert "Settled" == customer_view(order, now=NOON).headline


def test_units_that_nobody_planned_yet() -> None:
    """Open units are to follow."""
    _, desk = shop(line(quantity=2))
    order = desk.order("o1")
    [one] = order.fulfillments
    less = attrs.evolve(one, items=(one.items[0].some(1),))
    shipped = attrs.evolve(less, state=State("shipped", Phase.OUT))
    order = attrs.evolve(order, fulfillments=(shipped,))
    assert "Partly on its way, the rest to follow" == customer_view(order, now=NOON).headline


@pytest.mark.parametrize("remedy", ["refund", "replace"])
def test_lost_parcels(remedy: str) -> None:
    """A lost parcel is looked into until it was made good; then only what came instead counts."""
    _, desk = shop(line(quantity=2))
    desk.ship("o1", "f1")
    desk.scan("o1", "f1", "lost")
    assert "Being looked into" == seen(desk).headline
    desk.resolve("o1", "shipment_lost", resolution="claimed")
    desk.claim("o1", {"l1": 2}, fault="lost", remedy=remedy)
    view = seen(desk)
    assert ("Settled" if remedy == "refund" else "Confirmed", ()) == (view.headline, view.parcels)


# Your own states and kinds -----------------------------------------------------------------

WRAPPED = State("gift_wrapped_by_the_secret_elves", Phase.WORKING)
GONE = State("with_the_reindeer", Phase.OUT)
THERE = State("under_the_tree", Phase.DONE)
PLANNED, RESERVED = SHIPMENT.initial, SHIPMENT.states["reserved"]
WITHDRAWN = SHIPMENT.states["withdrawn"]


def own(*, leaves: bool, counter: bool) -> Lifecycles:
    """Lifecycles with a kind of one's own, that leaves the walls, or waits at a counter."""
    ready = KINDS["ticket"].states["ready"]
    table: dict[tuple[State, str], State] = {
        (PLANNED, "reserve"): RESERVED,
        (PLANNED, "withdraw"): WITHDRAWN,
        (RESERVED, "withdraw"): WITHDRAWN,
        (RESERVED, "wrap"): WRAPPED,
        (WRAPPED, "fly"): GONE if leaves else THERE,
        (WITHDRAWN, "land"): THERE,
    }
    if leaves:
        table[GONE, "land"] = THERE
    if counter:
        table[WRAPPED, "ready"] = ready
        table[ready, "land"] = THERE
    kind = Lifecycle("sleigh", PLANNED, table, frozenset({THERE}))
    return Lifecycles(name="own", kinds={"sleigh": kind})


@pytest.mark.parametrize(
    ("leaves", "counter", "between"),
    [(True, False, ["On its way"]), (False, True, ["Ready"]), (False, False, [])],
)
def test_states_of_your_own(leaves: bool, counter: bool, between: list[str]) -> None:  # noqa: FBT001
    """States and kinds of your own show as what their phase means, never by their names."""
    world = World()
    desk = world.new_desk(lifecycles=own(leaves=leaves, counter=counter))
    desk.place([line()], order_id="o1", service="sleigh", tenders=[card()])
    found = []
    for step in ("", "wrap", "ready" if counter else "fly", "land"):
        if step and desk.order("o1").may(desk.order("o1").fulfillment("f1"), step):
            desk.advance("o1", "f1", step)
        found.append(seen(desk).headline)
        assert not re.search("elves|reindeer|tree|sleigh", json.dumps(seen(desk).plain()))
    assert ["Confirmed", "Being prepared", *between, "Delivered"] == list(dict.fromkeys(found))
    texts = [step.text for step in seen(desk).steps]
    assert ["Placed", "Confirmed", "Being prepared", *between, "Delivered"] == texts


# Steps and their times ---------------------------------------------------------------------


def test_times_of_steps() -> None:
    """Steps have the time they were reached first, as far as the order, or its history, tells."""
    _, desk = shop(line(quantity=2), line("BOWL"))
    desk.advance("o1", "f1", "release", at=NOON + HOUR)
    desk.ship("o1", "f1", at=NOON + 5 * HOUR, occurred_at=NOON + 2 * HOUR)
    plain = {step.stage: step.at for step in seen(desk).steps}
    assert {
        "received": NOON,
        "confirmed": None,
        "preparing": NOON + HOUR,
        "on_the_way": NOON + 2 * HOUR,
        "delivered": None,
    } == plain
    told = {step.stage: step.at for step in seen(desk, history=desk.history("o1")).steps}
    assert {**plain, "confirmed": NOON} == told
    desk.deliver("o1", "f1", at=NOON + 9 * HOUR, occurred_at=NOON + 7 * HOUR)
    assert "partly" == seen(desk).steps[-1].status
    assert seen(desk).steps[-1].at is None
    desk.deliver("o1", "f2", at=NOON + 9 * HOUR, occurred_at=NOON + 8 * HOUR)
    assert ("done", NOON + 8 * HOUR) == (seen(desk).steps[-1].status, seen(desk).steps[-1].at)


def test_times_of_scans_told_late() -> None:
    """A parcel whose arrival was told first was on its way when the later told scans say."""
    _, desk = shop()
    desk.scan("o1", "f1", "delivered", at=NOON + DAY, occurred_at=NOON + 9 * HOUR)
    desk.scan("o1", "f1", "in_transit", at=NOON + DAY, occurred_at=NOON + 4 * HOUR)
    desk.scan("o1", "f1", "handed_over", at=NOON + DAY, occurred_at=NOON + 3 * HOUR)
    desk.scan("o1", "f1", "not_delivered", at=NOON + DAY, occurred_at=NOON + HOUR)
    times = {step.stage: step.at for step in seen(desk, history=desk.history("o1")).steps}
    assert (NOON + 3 * HOUR, NOON + 9 * HOUR) == (times["on_the_way"], times["delivered"])


def test_order_of_steps() -> None:
    """What is sent and what is collected share one way, in its natural order."""
    world = World(("MUG", "MAIN", 1), ("BOWL", "STORE", 1))
    places = [Location(id="MAIN", makes="ticket"), Location(id="STORE", makes="shipment")]
    desk = world.new_desk(locations=places)
    desk.place([line(), line("BOWL")], order_id="o1", tenders=[card()])
    stages: list[OrderStage] = [
        "received",
        "confirmed",
        "preparing",
        "ready",
        "on_the_way",
        "delivered",
    ]
    assert stages == [step.stage for step in seen(desk).steps]


# Promises ----------------------------------------------------------------------------------


def test_late_is_told_kindly() -> None:
    """Being late is told by how much; what the carrier expects counts if it is later."""
    _, desk = shop()
    desk.promise("o1", NOON + DAY)
    assert (None, "") == (seen(desk).late_by, seen(desk, now=NOON + DAY).apology)
    late = seen(desk, now=NOON + DAY + 20 * MINUTE)
    assert (20 * MINUTE, "We are sorry that this is late, by 20 minutes.") == (
        late.late_by,
        late.apology,
    )
    desk.ship("o1", "f1")
    desk.scan("o1", "f1", "in_transit", at=NOON, expected_at=NOON + 4 * DAY)
    will = seen(desk)
    assert (3 * DAY, "We are sorry that this will be late, by about 3 days.") == (
        will.late_by,
        will.apology,
    )
    assert NOON + 4 * DAY == will.expected_at
    desk.deliver("o1", "f1", at=NOON + 2 * DAY)
    there = seen(desk, now=NOON + 5 * DAY)
    assert (None, "", None) == (there.late_by, there.apology, there.expected_at)
    _, desk = shop()
    desk.promise("o1", NOON + DAY)
    desk.cancel("o1", reason="no")
    assert seen(desk, now=NOON + 9 * DAY).late_by is None


def test_the_plan_says_when() -> None:
    """Where no carrier has said otherwise, the plan tells when goods are expected."""
    _, desk = shop()
    order = desk.order("o1")
    planned = attrs.evolve(order.fulfillment("f1"), promised_at=NOON + DAY)
    order = attrs.evolve(order, fulfillments=(planned,))
    assert NOON + DAY == customer_view(order, now=NOON).expected_at


# Money -------------------------------------------------------------------------------------


def test_what_there_is_to_do() -> None:
    """What the customer has to do about money is told, with what, how much and until when."""
    _, desk = shop(moods=("requires_action",))
    hour = NOON + HOUR
    [do] = seen(desk).to_do
    assert ToDo("Confirm your payment", eur("10.00"), do.action, hour) == do
    assert do.action
    _, desk = shop(moods=("decline",))
    assert (ToDo("Choose how to pay", eur("10.00"), "", hour),) == seen(desk).to_do
    transfer = Tender(method="bank_transfer", collected="beforehand")
    _, desk = shop(tenders=[transfer])
    assert (ToDo("Pay by bank transfer", eur("10.00"), "", hour),) == seen(desk).to_do
    invoice = Tender(method="invoice", collected="afterwards", terms=30 * DAY)
    _, desk = shop(tenders=[invoice])
    assert (ToDo("Pay by invoice", eur("10.00"), "", NOON + 30 * DAY),) == seen(desk).to_do
    _, desk = shop()
    assert () == seen(desk).to_do
    desk.edit("o1", [AddLine(line=line())])
    assert (ToDo("Choose how to pay", eur("10.00")),) == seen(desk).to_do
    _, desk = shop(tenders=[], policy=Policy(require_cover=False))
    assert () == seen(desk).to_do


def test_guests_pay_when_the_tab_is_closed() -> None:
    """Nobody is asked to pay for an open tab; once it is closed, all of it is to pay."""
    _, desk = shop(tenders=[], policy=Policy(tab=True), makes="ticket", table="4")
    assert () == seen(desk).to_do
    desk.fire("o1", 0)
    desk.advance("o1", "f1", "serve")
    desk.close_tab("o1")
    assert (ToDo("Choose how to pay", eur("10.00")),) == seen(desk).to_do


def test_a_declined_gift_card_asks_for_nothing_but_another_way() -> None:
    """Of tenders that failed together none is asked for any more."""
    transfer = Tender(method="bank_transfer", collected="beforehand", amount=eur("4.00"))
    _, desk = shop(tenders=[transfer, card()], moods=("decline",))
    assert (ToDo("Choose how to pay", eur("10.00"), "", NOON + HOUR),) == seen(desk).to_do


# Leaks -------------------------------------------------------------------------------------

MARK = "ZZ"
MINE = {
    # Whose it is to know: the class and field of every text that a customer may see.
    ("Order", "id"),
    ("Order", "table"),
    ("OrderLine", "name"),
    ("OrderLine", "seat"),
    ("KitOf", "name"),
    ("Modifier", "name"),
    ("Charge", "kind"),
    ("Fulfillment", "carrier"),
    ("Fulfillment", "tracking"),
    ("Scan", "place"),
    ("Payment", "method"),
    ("PaymentOperation", "next_action"),
}
CLOSED = {
    # No texts, but words of the library, that it decides by.
    ("Order", "service"),
    ("Order", "currency"),
    ("Fulfillment", "kind"),
    ("Scan", "status"),
    ("ParcelScanned", "status"),
    ("Payment", "collected"),
    ("PaymentOperation", "kind"),
    ("Hold", "blocks"),
    ("Hold", "then"),
    ("ChangeLine", "line_id"),
    ("Reference", "kind"),
    ("Entry", "bucket"),
    ("PaymentRequest", "kind"),
}
WHOLE = (Policy, Lifecycles, Money, UnitPrice, State)


def planted(value: Any, inside: tuple[str, str] = ("", "")) -> Any:  # noqa: ANN401
    """The same value, with a secret before every text in it that is none of the customer's."""
    if isinstance(value, str):
        return value if not value or inside in MINE | CLOSED else f"{MARK}{value}"
    if isinstance(value, WHOLE) or value is None:
        return value
    name = type(value).__name__
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        pairs = zip(value._fields, value, strict=True)
        return type(value)(*(planted(one, (name, field)) for field, one in pairs))
    if isinstance(value, tuple | frozenset):
        return type(value)(planted(one, inside) for one in value)
    if attrs.has(type(value)):
        fields = [one.name for one in attrs.fields(type(value)) if one.init]
        return attrs.evolve(
            value, **{one: planted(getattr(value, one), (name, one)) for one in fields}
        )
    return value


Act = Callable[[OrderDesk], object]
ACTS: tuple[Act, ...] = (
    lambda desk: desk.hold("o1", "fraud", blocks=["fulfil"], reason="liar", until=NOON + DAY),
    lambda desk: desk.release_hold("o1", "fraud"),
    lambda desk: desk.note("o1", "bad tipper", by="ann"),
    lambda desk: desk.tag("o1", add=["thief"]),
    lambda desk: desk.promise("o1", NOON + DAY, reason="begged"),
    lambda desk: desk.advance("o1", "f1", "release"),
    lambda desk: desk.ship("o1", "f1", carrier="DHL", tracking="JD1"),
    lambda desk: desk.scan("o1", "f1", "in_transit", place="Ulm", expected_at=NOON + 9 * DAY),
    lambda desk: desk.scan("o1", "f1", "lost"),
    lambda desk: desk.deliver("o1", "f1"),
    lambda desk: desk.ship("o1", "f2", carrier="UPS"),
    lambda desk: desk.report_cancellation("o1", reason="court"),
    lambda desk: desk.cancel("o1", reason="annoying"),
    lambda desk: desk.resolve("o1", "cancelled_after_hand_over", resolution="whatever"),
    lambda desk: desk.credit("o1", eur("1.00"), reason="moaned"),
    lambda desk: desk.request_return("o1", {"l1": 1}, reason="ugly"),
    lambda desk: desk.claim("o1", {"l1": 1}, fault="damaged", remedy="replace", reason="smashed"),
    lambda desk: desk.edit("o1", [AddLine(line=line("BOWL", name="Bowl"))], reason="talked into"),
    lambda desk: desk.capture("o1"),
    lambda desk: desk.report_chargeback("o1", "p1", eur("1.00"), reason="fraudster"),
    lambda desk: desk.record_payment("o1", eur("1.00"), method="cash"),
)


def rich(acts: list[int], mood: str) -> OrderDesk:
    """An order with something in all of its fields, to which so many things happened."""
    world = World(("CUP", "MAIN", 10), ("BOWL", "STORE", 10), ("LID", "MAIN", 20), moods=[mood])
    desk = world.new_desk(locations=PLACES)
    wish = Modifier("engraved", UnitPrice.of("1", "EUR"), uses=(("INK", 3),))
    lines = [
        line(
            "CUP",
            2,
            name="Cup",
            requires=["cup"],
            modifiers=[wish],
            uses={"CLAY": 5},
            seat="window",
            together="t",
        ),
        line("BOWL", name="Bowl", requires=["bowl"]),
        line("SET", name="Set", parts=[KitPart("LID", 2, name="Lid")]),
    ]
    desk.place(
        lines,
        order_id="o1",
        tenders=[
            Tender(method="card", instrument="tok_1"),
            Tender(method="invoice", amount=eur("1.00"), collected="afterwards"),
        ],
        charges=[Charge(kind="shipping", amount=eur("4.90"))],
        channel="marketplace",
        customer_id="c-77",
        references=[Reference("shopify", "S-1")],
        service="shipment",
        table="4",
        policy=Policy(return_reasons=["ugly"], short="backorder"),
        by="ann",
    )
    for number in acts:
        try:
            ACTS[number](desk)
        except OrderwrightError:
            continue
    return desk


@settings(max_examples=120)
@given(
    acts=st.lists(st.integers(0, len(ACTS) - 1), max_size=14),
    mood=st.sampled_from(["approve", "decline", "requires_action", "request_lost"]),
    later=st.integers(0, 20),
)
def test_customers_see_nothing_internal(acts: list[int], mood: str, later: int) -> None:
    """Whatever happened to an order, no text of the house shows in the customer's view of it."""
    desk = rich(acts, mood)
    order = desk.order("o1")
    secret = planted(order)
    assert MARK in repr(secret)
    history = tuple(planted(event) for event in desk.history("o1"))
    view = customer_view(secret, now=NOON + later * DAY, history=history)
    told = json.dumps(view.plain(), ensure_ascii=False)
    assert MARK not in told
    assert MARK not in view.render()
    for mine in ("o1", "Cup", "engraved", "window", "Set", "Lid", "shipping"):
        assert mine in told
    for one in order.fulfillments:
        assert one.tracking in told
    # It is the same view that the order without secrets has.
    plain = customer_view(order, now=NOON + later * DAY, history=desk.history("o1"))
    assert view == plain
    _adds_up(order, plain)
    staff = staff_view(order, now=NOON + later * DAY)
    shown = json.dumps(staff.plain())
    for inner in (*(hold.name for hold in order.holds), *(one.code for one in order.exceptions)):
        assert inner in shown
    for inner in (*(one.location for one in order.fulfillments), "c-77", *order.tags):
        assert inner in shown
    assert staff.render()
    _every_unit(order, staff.plain())


def _adds_up(order: Order, view: CustomerView) -> None:
    due = sum(one.amount.minor for one in (*view.items, *view.extras))
    assert due == view.total.minor
    done = {"captured": 0, "refunded": 0, "back": 0}
    for payment in order.payments:
        done["captured"] += payment.captured.minor
        done["refunded"] += payment.refunded.minor
        done["back"] += payment.charged_back.minor
    assert done["captured"] - done["refunded"] - done["back"] == view.paid.minor
    assert done["refunded"] == view.refunded.minor
    left = view.total.minor - view.paid.minor - view.reserved.minor
    assert max(0, left - order.figures.capturing) == view.to_pay.minor
    statuses = [step.status for step in view.steps]
    assert statuses == sorted(statuses, key=("done", "current", "partly", "to_come").index)
    assert len([one for one in statuses if one == "current"]) <= 1


def _every_unit(order: Order, staff: dict[str, Any]) -> None:
    for one, counts in zip(order.lines, staff["lines"], strict=True):
        units = dict(counts["units"])
        assert one.ordered == units["ordered"]
        parts = ("open", "reserved", "backordered", "in_fulfilment", "fulfilled", "cancelled")
        assert one.ordered == sum(units[part] for part in parts)


# In a terminal, and as data ----------------------------------------------------------------


def told_in_full() -> tuple[World, OrderDesk]:
    """A shop's order that shows nearly all there is to see."""
    world = World(("CUP", "MAIN", 10), ("BOWL", "STORE", 10))
    desk = world.new_desk(locations=PLACES)
    lines = [
        line("CUP", 2, name="Blue\ncup", requires=["cup"]),
        line("BOWL", 3, requires=["bowl"]),
    ]
    shipping = [Charge(kind="shipping", amount=eur("4.90"))]
    desk.place(lines, order_id="o1", tenders=[card()], charges=shipping, scheduled_for=None)
    desk.edit("o1", [ChangeLine(line_id="l2", quantity=2)])
    desk.promise("o1", NOON + DAY)
    desk.ship("o1", "f1", carrier="DHL", tracking="JD1", at=NOON + HOUR)
    desk.deliver("o1", "f1", at=NOON + 20 * HOUR)
    desk.request_return("o1", {"l1": 1}, reason="chipped", at=NOON + 21 * HOUR)
    desk.ship("o1", "f2", carrier="UPS", at=NOON + 2 * HOUR)
    expected = NOON + 3 * DAY
    desk.scan("o1", "f2", "in_transit", place="Ulm", expected_at=expected, at=NOON + 9 * HOUR)
    return world, desk


def test_customers_view_as_text() -> None:
    """A customer reads it in a terminal, in the time of their own zone."""
    _, desk = told_in_full()
    view = seen(desk, now=NOON + 2 * DAY, history=desk.history("o1"))
    assert """\
Order o1: Partly delivered, the rest on its way with UPS
We are sorry that this is late, by 2 days.

  [x]  Placed        2026-01-01 13:00
  [x]  Confirmed     2026-01-01 13:00
  [x]  Being packed  2026-01-01 14:00
  [>]  On its way    2026-01-01 14:00
  [~]  Delivered

  Parcel   Delivered, DHL JD1
  with     2 x Blue cup
  arrived  2026-01-02 09:00

  Parcel    On its way, UPS
  with      2 x BOWL
  seen      2026-01-01 22:00 Ulm
  expected  2026-01-04 13:00

  2 x  Blue cup            20.00 EUR
  2 x  BOWL (1 cancelled)  20.00 EUR
       shipping            4.90 EUR

  Total     44.90 EUR
  Paid      44.90 EUR
  Promised  2026-01-02 13:00
  Expected  2026-01-04 13:00
  Sent back: 1 x Blue cup. Asked for""" == view.render(zone=BERLIN)
    assert (SentBack("Asked for", (("Blue\ncup", 1),)),) == view.sent_back


def test_what_to_do_as_text() -> None:
    """What the customer has to do stands at the end."""
    _, desk = shop(moods=("requires_action",))
    view = seen(desk)
    wanted = view._replace(to_do=(view.to_do[0]._replace(action="https://bank\x1b"),))
    last = wanted.render().splitlines()[-1]
    assert "  Please: confirm your payment, 10.00 EUR until 2026-01-01 13:00: https://bank " == last
    without = view._replace(to_do=(ToDo("Choose how to pay", eur("1.00")),))
    assert "  Please: choose how to pay, 1.00 EUR" == without.render().splitlines()[-1]


def test_kits_and_wishes() -> None:
    """A dish has its wishes and its seat, what came in a kit says in which."""
    wish = Modifier("decaf", quantity=2)
    kit = line("SET", price="9.00", parts=[KitPart("MUG", 1)])
    _, desk = shop(line(modifiers=[wish], seat="2"), kit)
    assert (
        Item("MUG", 1, eur("10.00"), "2 x decaf", "2"),
        Item("MUG", 1, eur("9.00"), part_of="SET"),
    ) == seen(desk).items


def test_plain_data() -> None:
    """The plain data of a view is what JSON knows, with amounts and times as texts."""
    _, desk = told_in_full()
    plain = seen(desk, now=NOON + 2 * DAY).plain()
    assert plain == json.loads(json.dumps(plain))
    assert ("on_the_way", "44.90 EUR", 2 * 86400, "2026-01-02T12:00:00+00:00") == (
        plain["stage"],
        plain["total"],
        plain["late_by"],
        plain["promised_at"],
    )
    staff = staff_view(desk.order("o1"), now=NOON).plain()
    assert staff == json.loads(json.dumps(staff))


def test_views_need_a_time_with_a_zone() -> None:
    """A time without a zone is refused by all views."""
    _, desk = shop()
    order = desk.order("o1")
    for look in (customer_view, staff_view):
        with pytest.raises(InvalidInput) as refused:
            look(order, now=NOON.replace(tzinfo=None))
        assert ["now"] == [one.path for one in refused.value.faults]


# Staff -------------------------------------------------------------------------------------


def test_staff_view_of_a_table_as_text() -> None:
    """Those who serve see the table, its rounds and courses, and what each ticket may do next."""
    world = World(("SOUP", "MAIN", 9), ("STEAK", "MAIN", 9))
    desk = world.new_desk(locations=[Location(id="MAIN", makes="ticket")])
    soup = line("SOUP", course=1, preparation=5 * MINUTE)
    steak = line("STEAK", 2, course=2, seat="1", modifiers=[Modifier("rare")])
    desk.place([soup, steak], order_id="t1", table="4", channel="table", policy=Policy(tab=True))
    desk.add_round("t1", [line("SOUP", name="More soup", preparation=5 * MINUTE)])
    desk.tag("t1", add=["vip"])
    desk.promise("t1", NOON + 15 * MINUTE)
    desk.fire("t1", 1)
    desk.advance("t1", "f1", "prepare")
    desk.hold("t1", "allergy", blocks=["fulfil"], fulfillments=["f3"], reason="ask seat 1")
    view = staff_view(desk.order("t1"), now=NOON + 20 * MINUTE)
    assert """\
Order t1: confirmed, unpaid, in_fulfilment
  placed    2026-01-01 12:00 by table
  guests    table 4, tab open, round 2
  promised  2026-01-01 12:15
  tags      vip
  may       complete, cancel

Late
  15 minutes  f1  takes longer than it should
  10 minutes  f3  too late to start
  5 minutes   t1  promised time passed

Stopped
  allergy  fulfil, f3  ask seat 1

Lines
  l1  1 x SOUP          1 in fulfilment  course 1
  l2  2 x STEAK (rare)  2 reserved       course 2, seat 1
  l3  1 x More soup     1 reserved

Work
  f1  ticket at MAIN  preparing  since 2026-01-01 12:00  1 of l1  \
-> ready, stop, remake, serve, dispatch, deliver
  f2  ticket at MAIN  queued     since 2026-01-01 12:00  2 of l2  \
-> fire, withdraw, refuse, serve, dispatch, deliver
  f3  ticket at MAIN  queued     since 2026-01-01 12:00  1 of l3  held by allergy; \
-> fire, withdraw, refuse, serve, dispatch, deliver

Money
  total      40.00 EUR
  due        40.00 EUR
  balance    -40.00 EUR
  uncovered  40.00 EUR""" == view.render()
    [soup_, steak_, more] = view.work
    assert (("MAIN", 1, (1,)), ("MAIN", 2, (1,)), ("MAIN", 0, (2,))) == tuple(
        (one.location, one.course, one.rounds) for one in (soup_, steak_, more)
    )
    assert (("f1", 15 * MINUTE), ("f3", 10 * MINUTE), ("t1", 5 * MINUTE)) == tuple(
        (one.where, one.late_by) for one in view.delays
    )
    loose = Limits(stuck={("ticket", "queued"): 5 * MINUTE})
    late = staff_view(desk.order("t1"), now=NOON + 20 * MINUTE, limits=loose).delays
    assert Delay("stuck", 15 * MINUTE, NOON, "f2") in late


def test_staff_view_of_trouble_as_text() -> None:
    """What is wrong, stopped, late and unfinished is told with what to do about it."""
    world = World(("CUP", "MAIN", 10), ("BOWL", "STORE", 10))
    world.moods_by_id["o1/p1/capture-1"] = "request_lost"
    desk = world.new_desk(locations=PLACES, policy=Policy(attempts=2))
    cup, bowl = line("CUP", 2, requires=["cup"]), line("BOWL", 3, requires=["bowl"])
    desk.place([cup, bowl], order_id="o1", tenders=[card()], service="shipment")
    desk.hold("o1", "fraud", blocks=["refund"], until=NOON + DAY, by="ann", reason="odd")
    desk.ship("o1", "f1", carrier="DHL", tracking="JD1")
    desk.scan("o1", "f1", "lost", place="Ulm")
    desk.advance("o1", "f2", "release")
    desk.advance("o1", "f2", "pick")
    desk.request_stop("o1", "f2")
    desk.request_return("o1", {"l1": 1}, reason="late", at=NOON)
    order = desk.order("o1")
    odd = OrderException("of_your_own", "who knows")
    order = attrs.evolve(order, exceptions=(*order.exceptions, odd))
    assert """\
Order o1: confirmed, authorized, partly_shipped
  placed  2026-01-01 13:00 by web shipment
  may     complete, cancel

Late
  59 minutes  o1/p1/capture-1  unfinished business overdue

Wrong
  shipment_lost  fulfillment f1  -> claim it from the carrier, refund or replace it, then resolve
  of_your_own    who knows       -> look into it, then resolve

Stopped
  fraud  refund  odd until 2026-01-02 13:00, then escalate (ann)

Lines
  l1  2 x CUP   2 fulfilled
  l2  3 x BOWL  3 in fulfilment

Work
  f1  shipment at MAIN   lost     since 2026-01-01 13:00  2 of l1  DHL JD1; lost Ulm; \
-> deliver, return_to_sender
  f2  shipment at STORE  picking  since 2026-01-01 13:00  3 of l2  asked to stop 3 of l2; \
-> pack, stop, refuse, run_short, ship, deliver

Coming back
  r1  requested  0 of 1 l1: late

Unfinished
  o1/p1/capture-1  due 2026-01-01 13:01  1 try, no answer

Next
  2026-01-01 13:01  resume  o1/p1/capture-1
  2026-01-02 13:00  hold    fraud

Money
  total       50.00 EUR
  due         50.00 EUR
  authorized  30.00 EUR
  capturing   20.00 EUR
  balance     -50.00 EUR""" == staff_view(order, now=NOON + HOUR).render(zone=BERLIN)


def test_parked_business_as_text() -> None:
    """What waits for a person says so, after how many tries and why."""
    world = World()
    world.moods_by_id["o1/p1/capture-1"] = "answer_lost"
    desk = world.new_desk(policy=Policy(attempts=1))
    desk.place([line()], order_id="o1", tenders=[card()])
    desk.ship("o1", "f1")
    desk.resume(now=NOON + HOUR)
    text = staff_view(desk.order("o1"), now=NOON + HOUR).render()
    assert "  59 minutes  o1/p1/capture-1  waits for a person\n" in text
    assert "  o1/p1/capture-1  parked  no answer after 1 tries: no answer\n" in text
    assert "Next" not in text


def test_times_and_tabs_as_text() -> None:
    """When an order is wanted and expires is told, and whether a tab is closed."""
    _, desk = shop(moods=("decline",), table="7", scheduled_for=NOON + DAY)
    lines = staff_view(desk.order("o1"), now=NOON).render().splitlines()
    assert [
        "  placed   2026-01-01 12:00 by web",
        "  guests   table 7, round 1",
        "  wanted   2026-01-02 12:00",
        "  expires  2026-01-01 13:00",
        "  may      confirm, reject, cancel, expire",
    ] == lines[1:6]
    assert "\n  Wanted  2026-01-02 12:00" in seen(desk).render()
    _, desk = shop(tenders=[], policy=Policy(tab=True), makes="ticket")
    desk.advance("o1", "f1", "serve")
    desk.close_tab("o1")
    text = staff_view(desk.order("o1"), now=NOON).render()
    assert "  guests  tab closed, round 1\n" in text
    desk.pay("o1", [card()])
    assert "  may     reopen\n" in staff_view(desk.order("o1"), now=NOON).render()
    draft = World()
    draft.desk.draft([line()], order_id="o1")
    draft.desk.discard_draft("o1")
    text = staff_view(draft.desk.order("o1"), now=NOON).render()
    assert "  may     nothing\n" in text
    assert "Work" not in text


def test_advice_for_every_exception() -> None:
    """Each exception that the concepts name, or that the code opens, has its advice."""
    page = (ROOT / "docs" / "concepts.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.*?`) \|", page, re.MULTILINE)
    named = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    opened = set()
    for path in (ROOT / "src" / "orderwright" / "orders").glob("*.py"):
        opened |= set(re.findall(r'open(?:_exception|ed)\(order, "(\w+)"', path.read_text("utf-8")))
    assert named | opened <= set(ADVICE)
    assert named >= {"charged_back", "reopened"}
    assert opened >= {"stock_missing", "handed_over_twice"}


# Cost --------------------------------------------------------------------------------------


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of Python a piece of work runs: a measure without a clock."""
    count = 0

    def local(_frame: FrameType, event: str, _arg: object) -> Any:  # noqa: ANN401
        nonlocal count
        count += event == "line"
        return local

    before = sys.gettrace()
    sys.settrace(lambda *_: local)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def large(size: int) -> tuple[Order, Any]:
    """An order with so many lines, each a fulfillment of its own on its way."""
    world = World(*(("MUG", f"L{number}", 1) for number in range(size)))
    places = [Location(id=f"L{number}") for number in range(size)]
    desk = world.new_desk(locations=places)
    lines = [line(together=f"t{number}") for number in range(size)]
    desk.place(lines, order_id="o1", tenders=[card()])
    for one in desk.order("o1").fulfillments:
        desk.ship("o1", one.id, carrier="DHL", tracking=f"T-{one.id}")
    desk.promise("o1", NOON + DAY)
    order = desk.order("o1")
    assert size == len(order.fulfillments)
    return order, desk.history("o1")


def test_views_are_linear() -> None:
    """An order four times as large is at most about four times the work to look at."""
    costs = []
    for size in (25, 100):
        order, history = large(size)
        customer = customer_view(order, now=NOON, history=history)
        customer_view(order, now=NOON)
        staff = staff_view(order, now=NOON)
        costs.append(
            [
                lines_run(lambda: customer_view(order, now=NOON, history=history)),  # noqa: B023
                lines_run(lambda: staff_view(order, now=NOON)),  # noqa: B023
                lines_run(customer.render),
                lines_run(staff.plain),
            ]
        )
    for small, big in zip(*costs, strict=True):
        assert big < 4.4 * small
