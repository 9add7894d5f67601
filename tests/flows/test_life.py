"""Drafts, holds that run out, confirming by hand, notes, tags, and reading the past."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import (
    AddCharge,
    AddLine,
    ChangeLine,
    Charge,
    Money,
    Order,
    Policy,
    UnitPrice,
)
from orderwright.codec import Codec
from orderwright.errors import (
    AmountRefused,
    Conflict,
    IllegalTransition,
    KeyReused,
    NotFound,
    OutOfStock,
)
from orderwright.fulfillment.fulfillment import Fulfillment
from orderwright.orders.difference import Difference, difference
from orderwright.tracking.timeline import timeline
from tests.kitchens import MENU, Kitchen
from tests.worlds import (
    HOUR,
    NOON,
    Crashed,
    World,
    card,
    check_laws,
    check_quiet,
    eur,
    figures,
    flow_of,
    interleavings,
    line,
    run_until,
)

# Drafts ------------------------------------------------------------------------------------


def test_a_draft_is_changed_and_placed() -> None:
    """A draft binds nobody; placing it does what placing its content would."""
    world = World()
    draft = world.desk.draft([line("MUG", 2)], order_id="o1", tenders=[card()])
    assert ("draft", eur(20), ()) == (draft.state.name, draft.total, draft.fulfillments)
    assert draft == world.desk.draft([line("MUG", 2)], order_id="o1", tenders=[card()])
    draft = world.desk.draft([line("MUG", 3)], order_id="o1", tenders=[card()], by="ann", key="k")
    assert (2, eur(30), None) == (draft.version, draft.total, draft.due_at)
    with pytest.raises(AmountRefused, match="expected due"):
        world.desk.place_draft("o1", expected_total=eur(20))
    order = world.desk.place_draft("o1", expected_total=eur(30), key="go", by="ann")
    assert ("confirmed", eur(30)) == (order.state.name, order.authorized)
    assert order == world.desk.place_draft("o1", expected_total=eur(30), key="go")
    other = World().desk.place([line("MUG", 3)], order_id="o1", tenders=[card()])
    assert (other.lines, other.figures, other.goods) == (order.lines, order.figures, order.goods)
    with pytest.raises(IllegalTransition):
        world.desk.draft([line("MUG", 1)], order_id="o1")
    with pytest.raises(IllegalTransition):
        world.desk.place_draft("o1")
    check_laws(world)


def test_a_draft_that_cannot_be_placed_stays_one() -> None:
    """Missing stock refuses it and leaves the draft as it was."""
    world = World(("MUG", "MAIN", 1))
    draft = world.desk.draft([line("MUG", 2)], order_id="o1")
    with pytest.raises(OutOfStock):
        world.desk.place_draft("o1")
    assert draft == world.desk.order("o1")
    for refused in (
        lambda: world.desk.pay("o1", [card()]),
        lambda: world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=1)]),
        lambda: world.desk.credit("o1", eur(1), reason="x"),
        lambda: world.desk.cancel("o1", reason="x"),
        lambda: world.desk.confirm("o1"),
        lambda: world.desk.advance_order("o1", "place"),
    ):
        with pytest.raises(IllegalTransition):
            refused()
    with pytest.raises(KeyReused):
        world.desk.place([line("MUG", 1)], order_id="o1")
    with pytest.raises(Conflict):
        world.desk.draft([line("MUG", 1)], order_id="o1", expected_version=7)
    with pytest.raises(NotFound):
        world.desk.draft([line("MUG", 1)], order_id="o2", expected_version=1)
    assert "discarded" == world.desk.discard_draft("o1", reason="no").state.name
    check_quiet(world)


def test_a_draft_given_up_elsewhere_is_discarded() -> None:
    """A report is never refused, also where nothing was bound."""
    world = World()
    world.desk.draft([line()], order_id="o1")
    assert "discarded" == world.desk.report_cancellation("o1", reason="x").state.name
    check_quiet(world)


# Confirming, rejecting, expiring ------------------------------------------------------------


def test_an_order_waits_for_a_person() -> None:
    """Verified by hand: covered and reserved it still waits, and does not expire as unpaid."""
    world = World(policy=Policy(confirm="by_hand"))
    order = world.desk.place([line()], order_id="o1", tenders=[card()])
    assert ("placed", "authorized", None) == (order.state.name, order.money, order.due_at)
    order = world.desk.confirm("o1", reason="looks fine", by="ann", key="k")
    assert "confirmed" == order.state.name
    assert order == world.desk.confirm("o1", reason="looks fine", by="ann", key="k")
    with pytest.raises(IllegalTransition):
        world.desk.confirm("o1")
    check_quiet(world)


def test_a_trusted_customer_pays_later() -> None:
    """Vouched for, an order is confirmed although nothing is covered."""
    world = World()
    world.desk.place([line()], order_id="o1")
    order = world.desk.confirm("o1", by="ann")
    assert ("confirmed", "unpaid", None) == (order.state.name, order.money, order.due_at)
    check_laws(world)


@pytest.mark.parametrize(("name", "state"), [("reject", "rejected"), ("expire", "expired")])
def test_an_order_is_turned_down(name: str, state: str) -> None:
    """Rejecting and expiring free stock; a confirmed order is beyond that."""
    world = World()
    world.desk.place([line()], order_id="o1")
    order = getattr(world.desk, name)("o1", reason="no", key="k")
    assert (state, eur(0)) == (order.state.name, order.due)
    assert 10 == world.inventory.ledger.stock("MUG", "MAIN", now=NOON).available
    world.desk.place([line()], order_id="o2", tenders=[card()])
    with pytest.raises(IllegalTransition):
        getattr(world.desk, name)("o2", reason="no")
    check_quiet(world)


# Holds that run out -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("then", "state", "holds", "exceptions"),
    [
        ("release", "confirmed", 0, []),
        ("cancel", "cancelled", 1, []),
        ("escalate", "confirmed", 1, ["hold_ran_out"]),
    ],
)
def test_a_hold_runs_out(then: str, state: str, holds: int, exceptions: list[str]) -> None:
    """At its time resume does what the hold says; until then it blocks."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    until = NOON + HOUR
    order = world.desk.hold("o1", "fraud", blocks=["fulfil"], until=until, then=then)
    assert until == order.due_at
    world.now += 2 * HOUR
    assert world.desk.order("o1").blocked("fulfil")
    world.desk.resume()
    order = world.desk.order("o1")
    assert (state, holds) == (order.state.name, len(order.holds))
    assert exceptions == [one.code for one in order.exceptions]
    assert order.due_at is None
    check_laws(world)


def test_an_order_that_cannot_be_cancelled_escalates() -> None:
    """What has left cannot be called back by a hold."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.hold("o1", "x", blocks=["refund"], until=NOON + HOUR, then="cancel", reason="why")
    world.desk.ship("o1", "f1")
    world.now += HOUR
    world.desk.resume()
    order = world.desk.order("o1")
    assert [("hold_ran_out", "hold x: why")] == list(order.exceptions)
    check_laws(world)


def test_an_order_is_scheduled_for_later() -> None:
    """Stock and money wait until the policy's lead time before it is wanted."""
    world = World(policy=Policy(lead_time=HOUR, unpaid_ttl=HOUR))
    wanted = NOON + timedelta(hours=5)
    more = {"order_id": "o1", "tenders": [card()], "scheduled_for": wanted, "service": "pickup"}
    order = world.desk.place([line()], **more, channel="phone", by="ann")
    assert ("placed", "open", eur(0)) == (order.state.name, order.goods, order.authorized)
    assert (NOON + 4 * HOUR, "pickup") == (order.due_at, order.service)
    assert order == world.desk.place([line()], **more, channel="phone")
    world.now = NOON + 4 * HOUR
    world.desk.resume()
    assert "confirmed" == world.desk.order("o1").state.name
    soon = world.desk.place([line()], order_id="o2", tenders=[card()], scheduled_for=NOON)
    assert "confirmed" == soon.state.name
    world.desk.draft([line()], **{**more, "order_id": "o3", "scheduled_for": wanted + 9 * HOUR})
    assert ["scheduled"] == [one.name for one in world.desk.place_draft("o3").holds]
    check_laws(world)


# Notes, tags, history -----------------------------------------------------------------------


def test_notes_and_tags() -> None:
    """Notes are read in the history, tags on the order, in whatever state it is."""
    world = World()
    world.desk.place([line()], order_id="o1")
    world.desk.cancel("o1", reason="x")
    world.desk.note("o1", "call back", by="ann")
    order = world.desk.tag("o1", add=["vip", "late"], key="k")
    assert order == world.desk.tag("o1", add=["vip", "late"], key="k")
    assert order == world.desk.tag("o1", add=["vip"])
    order = world.desk.tag("o1", add=["new"], remove=["late", "new", "never"])
    assert {"vip", "new"} == order.tags
    assert "call back" in [getattr(one, "text", "") for one in world.desk.history("o1")]
    check_laws(world)


def test_an_order_as_it_was() -> None:
    """Any version can be read again, and two versions compared."""
    world = World(policy=Policy(capture="on_confirmation"))
    world.desk.place([line("MUG", 3)], order_id="o1", tenders=[card()])
    before = world.desk.order("o1")
    after = world.desk.cancel("o1", units={"l1": 1}, reason="less")
    assert before == world.desk.as_of("o1", before.version)
    assert after == world.desk.as_of("o1", after.version)
    with pytest.raises(NotFound, match="no version '99'"):
        world.desk.as_of("o1", 99)
    told = {one.path: one for one in difference(before, after)}
    assert Difference("lines[l1].cancelled", 0, 1) == told["lines[l1].cancelled"]
    assert (
        Difference("lines[l1].components[MUG].remaining", eur(30), eur(20))
        == told["lines[l1].components[MUG].remaining"]
    )
    assert told["fulfillments[f2]"].before is None
    assert () == difference(after, after)


def test_what_has_no_name_is_told_by_its_place() -> None:
    """What a dish uses are plain pairs: the units of the second are those of the second."""
    world = Kitchen()
    order = world.desk.place([MENU["STEAK"].line()], order_id="o1", table="4")
    (steak,) = order.lines
    (beef, (onion, units)) = steak.uses
    other = attrs.evolve(order, lines=(attrs.evolve(steak, uses=(beef, (onion, units + 5))),))
    assert (Difference("lines[l1].uses[1][1]", units, units + 5),) == difference(order, other)


def looked_up(order: object, path: str) -> object:
    """Follow a path of a difference."""
    here = order
    for step in path.replace("]", "").replace("[", ".[").split("."):
        if here is None:
            return None
        if step.startswith("["):
            names = ("id", "line_id", "return_id", "name", "number")
            found = [
                one
                for number, one in enumerate(here)
                if str(next((getattr(one, n) for n in names if hasattr(one, n)), None)) == step[1:]
                or (step[1:] == str(number))
            ]
            here = found[0] if found else None
        else:
            here = getattr(here, step)
    return here


@given(first=st.integers(1, 20), second=st.integers(1, 20))
def test_differences_are_what_differs(first: int, second: int) -> None:
    """Each path leads to the two values told; where nothing is told nothing differs."""
    world = World(policy=Policy(capture="on_confirmation"))
    world.desk.place([line("MUG", 3)], order_id="o1", tenders=[card()])
    world.desk.cancel("o1", units={"l1": 1}, reason="less")
    world.desk.hold("o1", "fraud", blocks=["refund"])
    world.desk.ship("o1", "f1", tracking="T")
    last = world.desk.order("o1").version
    before, after = (world.desk.as_of("o1", min(one, last)) for one in (first, second))
    told = difference(before, after)
    for path, was, now in told:
        assert (was, now) == (looked_up(before, path), looked_up(after, path)), path
        assert was != now
    roots = {one.path.partition("[")[0].partition(".")[0] for one in told}
    names = [one.name for one in attrs.fields(Order)]
    assert {n for n in names if getattr(before, n) != getattr(after, n)} == roots


# Stored by an earlier version ----------------------------------------------------------------

STORED = json.loads((Path(__file__).parents[1] / "data" / "schema1.json").read_text("utf-8"))


def timeless(one: Fulfillment) -> Fulfillment:
    """A fulfillment as it was stored when it did not tell its times."""
    return attrs.evolve(one, since=None, started_at=None)


@pytest.mark.parametrize("number", range(len(STORED["orders"])))
def test_what_schema_1_stored_is_read(number: int) -> None:
    """Orders and histories that the first schema wrote load, agree, and can be written anew."""
    codec = Codec()
    order = codec.decode_order(STORED["orders"][number])
    history = [codec.decode_event(one) for one in STORED["histories"][number]]
    replayed = Order.replay(history)
    # Since when a fulfillment is in its state, no order told in those days; its history does.
    assert order == attrs.evolve(replayed, fulfillments=tuple(map(timeless, replayed.fulfillments)))
    stored = STORED["orders"][number]["order"]
    due = sum(one["remaining"]["minor"] for one in (*stored["lines"], *stored["charges"]))
    assert Money(due, order.currency) == order.due
    again = codec.encode_order(order)
    assert (6, order) == (again["schema"], codec.decode_order(again))


def test_two_drafts_at_once() -> None:
    """Of two callers who make the same draft one saves it, the other finds it or replaces it."""

    def scene() -> tuple[World, tuple[object, ...]]:
        world = World()
        flows = (flow_of(world.desk, "draft", [line("MUG", n)], order_id="o1") for n in (1, 2))
        return world, tuple(flows)

    ends = set()
    for world, running in interleavings(scene):
        check_laws(world)
        ends.add(tuple(type(one.error).__name__ for one in running))
        assert "draft" == world.desk.order("o1").state.name
    assert ("NoneType", "NoneType") in ends


WORDS = [
    "drafted: 3 units",
    "placed: 3 units by web",
    "approved: ok",
    "note: hello",
    "tagged: +vip -late",
    "changed: 1 unit of CUP more, tip of 1.00 EUR, l1 now 2 units at 7.00 EUR: asked",
    "cancelled 1 of l1: asked",
    "1.00 EUR credited: sorry",
    "return r1 of 1 of l1 asked for: blue",
    "return r1 approved",
    "1 of l1 came back to MAIN (r1)",
    "return r1 inspected: restock 1 of l1",
    "return r1 credited",
    "1 of l1 lost, refund",
]


def test_the_timeline_tells_all_of_it() -> None:
    """Drafts, edits, credits, returns and claims read as a person would say them."""
    world = World(("MUG", "MAIN", 9), ("CUP", "MAIN", 9), policy=Policy(confirm="by_hand"))
    world.desk.draft([line("MUG", 3)], order_id="o1", tenders=[card()])
    world.desk.place_draft("o1")
    world.desk.confirm("o1", reason="ok")
    world.desk.note("o1", "hello")
    world.desk.tag("o1", add=["vip"], remove=["late"])
    price = UnitPrice.of("7.00", "EUR")
    changes = [
        AddLine(line=line("CUP", 1)),
        AddCharge(charge=Charge(kind="tip", amount=eur(1))),
        ChangeLine(line_id="l1", quantity=2, unit_price=price),
    ]
    world.desk.edit("o1", changes, reason="asked")
    world.desk.credit("o1", eur(1), reason="sorry")
    for one in world.desk.order("o1").fulfillments:
        if one.live:
            world.desk.deliver("o1", one.id)
    world.desk.request_return("o1", {"l1": 1}, reason="blue")
    world.desk.advance_return("o1", "r1", "approve")
    world.desk.receive_return("o1", {"l1": 1}, location="MAIN", return_id="r1")
    world.desk.inspect_return("o1", "r1", restock={"l1": 1})
    world.desk.claim("o1", {"l1": 1}, fault="lost", remedy="refund")
    told = [one.text for one in timeline(world.desk.history("o1"))]
    assert WORDS == [one for one in told if one in WORDS], told


# Crashes ----------------------------------------------------------------------------------


def drafted() -> tuple[World, Any]:
    """A draft is about to be placed."""
    world = World(policy=Policy(capture="on_confirmation"))
    world.desk.draft([line("MUG", 2)], order_id="o1", tenders=[card()])
    return world, flow_of(world.desk, "place_draft", "o1", key="k")


def running_out() -> tuple[World, Any]:
    """A hold is about to run out, and to cancel a paid order."""
    world = World(policy=Policy(capture="on_confirmation"))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    until = world.now + HOUR
    world.desk.hold("o1", "fraud", blocks={"fulfil"}, until=until, then="cancel")
    world.now = until
    return world, flow_of(world.desk, "resume")


@pytest.mark.parametrize(("scene", "state"), [(drafted, "confirmed"), (running_out, "cancelled")])
def test_it_survives_a_crash_anywhere(scene: Any, state: str) -> None:  # noqa: ANN401
    """Wherever the process dies, doing it again ends as if it had not died."""
    calm, flow = scene()
    run_until(calm, flow, 999, performed=False)
    calm.calm()
    expected = figures(calm)
    assert state == calm.desk.order("o1").state.name
    stop, crashed = 0, True
    while crashed:
        crashed = False
        for performed in (False, True):
            world, flow = scene()
            try:
                run_until(world, flow, stop, performed=performed)
            except Crashed:
                crashed = True
            if world.desk.order("o1").state.name == "draft":
                world.desk.place_draft("o1", key="k")
            world.calm()
            check_quiet(world)
            assert expected == figures(world)
        stop += 1
    assert stop > 4
