"""Orders that change after they were placed: exactly what it costs, and nothing lost on the way."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import (
    AddAdjustment,
    AddCharge,
    AddLine,
    Adjustment,
    AsyncOrderDesk,
    ChangeLine,
    Charge,
    DraftLine,
    InvalidInput,
    Money,
    Order,
    Policy,
    TaxLine,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryOrders
from orderwright.errors import (
    AdapterFault,
    AmountRefused,
    IllegalTransition,
    KeyReused,
    NotFound,
    OutOfStock,
    QuantityRefused,
)
from orderwright.requests import Flow
from orderwright.tracking.timeline import render, timeline
from tests.worlds import (
    LOCATIONS,
    NOON,
    Crashed,
    Running,
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

TAKEN = Policy(capture="on_confirmation")


def placed(world: World, *lines: DraftLine, **more: Any) -> Order:  # noqa: ANN401
    """Place an order that is paid by card."""
    return world.desk.place(lines or [line()], order_id="o1", tenders=[card()], **more)


# Cancelling some of it ---------------------------------------------------------------------


def test_some_units_are_cancelled_and_paid_back() -> None:
    """Two of three units go: their stock is free, their share of the money goes back."""
    world = World(policy=TAKEN)
    placed(world, line("MUG", 3, price="3.33"), charges=[Charge(kind="shipping", amount=eur(5))])
    order = world.desk.cancel("o1", units={"l1": 2}, reason="too many", by="ann")
    assert ("confirmed", eur("8.33"), eur("6.66")) == (order.state.name, order.due, order.refunded)
    assert 9 == world.inventory.ledger.stock("MUG", "MAIN", now=NOON).available
    world.desk.ship("o1", "f1")
    done = world.desk.deliver("o1", "f1")
    assert ("completed", "paid") == (done.state.name, done.money)
    check_quiet(world)


def test_all_units_cancelled_one_by_one_cancel_the_order() -> None:
    """With its last unit the order is cancelled as a whole, charges and all."""
    world = World(("MUG", "MAIN", 5), ("CUP", "STORE", 5), policy=TAKEN)
    shipping = Charge(kind="shipping", amount=eur("4.99"))
    placed(world, line("MUG", 3, price="3.333"), line("CUP", 1), charges=[shipping])
    for number in range(3):
        order = world.desk.cancel("o1", units={"l1": 1}, reason="less", key=f"k{number}")
        check_laws(world)
        assert "confirmed" == order.state.name
    order = world.desk.cancel("o1", units={"l2": 1}, reason="all")
    assert ("cancelled", "refunded", eur(0)) == (order.state.name, order.money, order.due)
    check_quiet(world)


def test_what_has_left_is_kept() -> None:
    """After one of two parcels left, what can be cancelled is the rest, and charges stay due."""
    world = World(("MUG", "MAIN", 5), ("CUP", "STORE", 5))
    placed(world, line("MUG", 2), line("CUP", 2), charges=[Charge(kind="shipping", amount=eur(5))])
    world.desk.ship("o1", "f1")
    order = world.desk.order("o1")
    assert {"l1": 0, "l2": 2} == order.cancellable()
    with pytest.raises(QuantityRefused, match="asked 1 of l1, the limit is 0"):
        world.desk.cancel("o1", units={"l1": 1}, reason="late")
    after = world.desk.cancel("o1", units={"l2": 2}, reason="rest")
    assert ("confirmed", eur(25), "shipped") == (after.state.name, after.due, after.goods)
    assert "completed" == world.desk.deliver("o1", "f1").state.name
    check_quiet(world)


def test_backordered_units_go_first() -> None:
    """Units nobody has are given up before any reserved one."""
    world = World(("MUG", "MAIN", 2), policy=Policy(short="backorder"))
    placed(world, line("MUG", 5))
    order = world.desk.cancel("o1", units={"l1": 4}, reason="waiting")
    counts = order.quantities()["l1"]
    assert (1, 0, 4) == (counts.reserved, counts.backordered, counts.cancelled)
    check_quiet(world)


def test_cancelling_is_refused_where_it_is_too_late_or_too_much() -> None:
    """An unknown line, more than there is, an order that is over: each refused, nothing changed."""
    world = World()
    placed(world, line("MUG", 2))
    before = world.trace()
    with pytest.raises(NotFound):
        world.desk.cancel("o1", units={"l9": 1}, reason="x")
    with pytest.raises(QuantityRefused):
        world.desk.cancel("o1", units={"l1": 3}, reason="x")
    assert before == world.trace()
    world.desk.cancel("o1", reason="x")
    with pytest.raises(IllegalTransition):
        world.desk.cancel("o1", units={"l1": 1}, reason="x")


def test_the_same_cancellation_twice_is_one() -> None:
    """A repeated key changes nothing; with other units it is refused."""
    world = World()
    placed(world, line("MUG", 5))
    once = world.desk.cancel("o1", units={"l1": 2}, reason="x", key="k")
    assert once == world.desk.cancel("o1", units={"l1": 2}, reason="x", key="k")
    with pytest.raises(KeyReused, match="units"):
        world.desk.cancel("o1", units={"l1": 1}, reason="x", key="k")


# Editing -----------------------------------------------------------------------------------


def test_a_paid_order_grows_and_the_difference_is_taken() -> None:
    """One more unit and a tip: the difference is due, taken from the tender offered with it."""
    world = World(policy=TAKEN)
    placed(world, line("MUG", 2))
    tip = AddCharge(charge=Charge(kind="tip", amount=eur("1.50")))
    change = ChangeLine(line_id="l1", quantity=3)
    order = world.desk.edit("o1", [change, tip], tenders=[card()], by="ann", reason="asked")
    assert (eur("31.50"), eur("31.50"), "paid") == (order.due, order.captured, order.money)
    assert [2, 1] == [sum(i.quantity for i in one.items) for one in order.fulfillments]
    check_quiet(world)


def test_without_a_tender_the_difference_is_owed() -> None:
    """The order says what is missing, and takes it when it is offered."""
    world = World(policy=TAKEN)
    placed(world, line("MUG", 2))
    order = world.desk.edit("o1", [AddLine(line=line("MUG", 1, price="7.00"))])
    assert ("underpaid", eur(-7)) == (order.money, order.balance)
    assert ["l1", "l2"] == [one.id for one in order.lines]
    assert "paid" == world.desk.pay("o1", [card()]).money


def test_an_item_is_substituted() -> None:
    """The dearer item goes, a cheaper one comes in its place, and the difference goes back."""
    world = World(("MUG", "MAIN", 5), ("CUP", "MAIN", 5), policy=TAKEN)
    placed(world, line("MUG", 2, price="10.00"))
    changes = [
        ChangeLine(line_id="l1", quantity=1),
        AddLine(line=line("CUP", 1, price="8.01"), replaces="l1"),
    ]
    order = world.desk.edit("o1", changes, reason="sold out")
    assert (eur("18.01"), eur("1.99"), "l1") == (
        order.due,
        order.refunded,
        order.line("l2").replaces,
    )
    check_quiet(world)


def test_a_price_is_overridden_with_a_reason() -> None:
    """Percentages and taxes follow the new price; fixed discounts stay what they were."""
    world = World(policy=TAKEN)
    mug = DraftLine(
        sku="MUG",
        quantity=2,
        unit_price=UnitPrice.of("10.00", "EUR"),
        adjustments=[
            Adjustment(name="half", percent="-50"),
            Adjustment(name="coupon", amount=eur("-2.00")),
        ],
        taxes=[TaxLine(name="VAT", percent="20")],
    )
    coupon = Adjustment(name="order", amount=eur("-1.00"))
    order = placed(world, mug, adjustments=[coupon])
    assert [2000, -1000, -200, -100, 140] == [one.amount.minor for one in order.lines[0].components]
    price = ChangeLine(line_id="l1", unit_price=UnitPrice.of("8.00", "EUR"))
    order = world.desk.edit("o1", [price], reason="price match")
    assert [1600, -800, -200, -100, 100] == [
        one.remaining.minor for one in order.lines[0].components
    ]
    assert (eur("6.00"), eur("2.40")) == (order.due, order.refunded)
    dear = ChangeLine(line_id="l1", unit_price=UnitPrice.of("20.00", "EUR"))
    order = world.desk.edit("o1", [dear], reason="typed wrong")
    assert eur("20.40") == order.due
    check_laws(world)


def test_a_tax_by_its_rate_may_be_brought_along() -> None:
    """Then it is worked out by the rate that was brought."""
    world = World(policy=TAKEN)
    tax = TaxLine(name="city", percent=10)
    mug = DraftLine(sku="MUG", quantity=1, unit_price=UnitPrice.of("10", "EUR"), taxes=[tax])
    placed(world, mug)
    change = ChangeLine(line_id="l1", quantity=2, taxes=[TaxLine(name="city", percent=20)])
    assert eur(24) == world.desk.edit("o1", [change]).due


def test_a_tax_with_an_amount_only_has_to_be_brought_along() -> None:
    """Nobody can scale a tax whose rate is unknown: an edit brings it, a cancellation shares it."""
    world = World(policy=TAKEN)
    tax = TaxLine(name="city", amount=eur("1.00"))
    mug = DraftLine(sku="MUG", quantity=2, unit_price=UnitPrice.of("10", "EUR"), taxes=[tax])
    placed(world, mug)
    with pytest.raises(InvalidInput, match=r"changes\[0\]\.taxes"):
        world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=3)])
    other = [TaxLine(name="state", amount=eur("1.50"))]
    with pytest.raises(InvalidInput, match="the same taxes"):
        world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=3, taxes=other)])
    yen = [TaxLine(name="city", amount=Money(5, "JPY"))]
    with pytest.raises(InvalidInput, match="another currency"):
        world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=3, taxes=yen)])
    new = [TaxLine(name="city", amount=eur("1.50"))]
    order = world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=3, taxes=new)])
    assert eur("31.50") == order.due
    assert eur("21.00") == world.desk.cancel("o1", units={"l1": 1}, reason="x").due


def test_an_edit_is_all_or_nothing() -> None:
    """Faults of all changes are told together, missing stock refuses all, nothing is saved."""
    world = World(("MUG", "MAIN", 3))
    placed(world, line("MUG", 2))
    before = world.trace()
    with pytest.raises(InvalidInput) as caught:
        world.desk.edit(
            "o1",
            [
                AddLine(line=line(id="l1")),
                AddCharge(charge=Charge(kind="tip", amount=Money(5, "JPY"), id="c7")),
                ChangeLine(line_id="l1", unit_price=UnitPrice.of("1", "JPY")),
                AddLine(line=DraftLine(sku="X", quantity=1, unit_price=UnitPrice.of("1", "JPY"))),
            ],
        )
    assert [
        "changes[0].id",
        "changes[1].charge.amount",
        "changes[2].unit_price",
        "changes[3].line.unit_price",
    ] == [fault.path for fault in caught.value.faults]
    with pytest.raises(OutOfStock, match="wanted 2, 1 can be served"):
        world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=4)])
    assert before == world.trace()
    world.desk.ship("o1", "f1")
    before = world.trace()
    with pytest.raises(QuantityRefused):
        world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=1)])
    assert before == world.trace()
    same = world.desk.order("o1")
    assert same == world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=2)])


def test_an_edit_needs_an_order_that_is_open() -> None:
    """A cancelled order is not changed any more."""
    world = World()
    placed(world)
    world.desk.cancel("o1", reason="x")
    with pytest.raises(IllegalTransition):
        world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=2)])


def test_an_order_has_so_many_lines_and_no_more() -> None:
    """An edit does not make an order larger than placing could."""
    world = World()
    placed(world)
    more = [AddLine(line=line(price="0"))] * 10_000
    with pytest.raises(InvalidInput, match="10001 lines"):
        world.desk.edit("o1", more)


def test_added_units_nobody_has_any_more_wait() -> None:
    """If the last unit goes while the edit is saved, the order keeps what it had."""
    world = World(("MUG", "MAIN", 3))
    placed(world, line("MUG", 2))
    flow = flow_of(world.desk, "edit", "o1", [ChangeLine(line_id="l1", quantity=3)])
    running = Running(world, flow)
    while type(running.request).__name__ != "PostStock":
        running.step()
    flow.close()
    world.desk.place([line("MUG", 1)], order_id="o2")
    world.calm()
    counts = world.desk.order("o1").quantities()["l1"]
    assert (2, 1) == (counts.reserved, counts.backordered)
    check_laws(world)


# Goodwill ----------------------------------------------------------------------------------


def test_goodwill_is_paid_back_without_a_return() -> None:
    """A credit lowers what is due by exactly so much, taxes included, and goes back by policy."""
    world = World(policy=TAKEN)
    vat = TaxLine(name="VAT", percent="19")
    mug = DraftLine(sku="MUG", quantity=3, unit_price=UnitPrice.of("3.33", "EUR"), taxes=[vat])
    placed(world, mug, charges=[Charge(kind="shipping", amount=eur(5))])
    world.desk.ship("o1", "f1")
    world.desk.deliver("o1", "f1")
    order = world.desk.credit("o1", eur("4.00"), reason="late", key="sorry")
    assert (eur("4.00"), "completed") == (order.refunded, order.state.name)
    assert order == world.desk.credit("o1", eur("4.00"), reason="late", key="sorry")
    left = order.charges[0].remaining
    order = world.desk.credit("o1", left, reason="late", target="c1")
    assert eur(0) == order.charges[0].remaining
    with pytest.raises(AmountRefused, match="due: there is nothing"):
        world.desk.credit("o1", eur("0.01"), reason="late", target="c1")
    with pytest.raises(NotFound):
        world.desk.credit("o1", eur("0.01"), reason="late", target="c9")
    check_quiet(world)


# Previews ----------------------------------------------------------------------------------


def changes_of() -> st.SearchStrategy[list[Any]]:
    """Changes of an order with two lines."""
    price = st.sampled_from([None, UnitPrice.of("7.77", "EUR"), UnitPrice.of("0", "EUR")])
    return st.lists(
        st.one_of(
            st.builds(
                ChangeLine,
                line_id=st.sampled_from(["l1", "l2"]),
                quantity=st.integers(0, 5),
                unit_price=price,
            ),
            st.just(AddLine(line=line("MUG", 2, price="1.005"))),
            st.just(AddCharge(charge=Charge(kind="tip", amount=eur(1)))),
        ),
        min_size=1,
        max_size=3,
    )


@given(changes=changes_of(), capture=st.sampled_from(["on_confirmation", "on_dispatch"]))
def test_a_preview_is_what_comes_of_it(changes: list[Any], capture: str) -> None:
    """Previewing an edit writes nothing, and tells the very order that committing it makes."""
    world = World(("MUG", "MAIN", 50), ("CUP", "STORE", 50), policy=Policy(capture=capture))
    placed(world, line("MUG", 2), line("CUP", 3, price="3.33"))
    before = world.trace()
    preview = world.desk.preview().edit("o1", changes, tenders=())
    assert before == world.trace()
    made = world.desk.edit("o1", changes, expected_due=preview.due)
    assert preview == made


def test_a_preview_that_is_out_of_date_is_refused_with_both_figures() -> None:
    """If something happened since, committing with the figure of the preview says so."""
    world = World(policy=TAKEN)
    placed(world, line("MUG", 3))
    told = world.desk.preview().cancel("o1", units={"l1": 1}, reason="x")
    world.desk.credit("o1", eur(1), reason="late")
    with pytest.raises(AmountRefused, match=r"due 20\.00 EUR, but it comes to 19\.33 EUR"):
        world.desk.cancel("o1", units={"l1": 1}, reason="x", expected_due=told.due)


def test_placing_and_errors_can_be_previewed_too() -> None:
    """A preview of placing reserves nothing; what would be refused is refused."""
    world = World()
    before = world.trace()
    order = world.desk.preview().place([line("MUG", 2)], order_id="o1", tenders=[card()])
    assert ("confirmed", eur(20)) == (order.state.name, order.authorized)
    with pytest.raises(OutOfStock):
        world.desk.preview().place([line("MUG", 99)], order_id="o1")
    with pytest.raises(NotFound):
        world.desk.preview().order("o1")
    with pytest.raises(InvalidInput):
        world.desk.preview().order(7)
    assert () == world.desk.preview().resume().order_ids
    assert before == world.trace()


class Unreadable(MemoryOrders):
    """Its connection is gone, whoever asks."""

    def load(self, order_id: str) -> Order | None:
        """Fail."""
        raise AdapterFault("db", f"no connection to read {order_id}")


def test_a_preview_of_several_commands_sees_what_each_would_save() -> None:
    """A flow of one's own ends as it does in earnest: what a key did in it is known in it."""
    world = World(("MUG", "MAIN", 3), policy=TAKEN)

    def day() -> Flow[Order]:
        yield from world.flow("place", [line()], order_id="o1", tenders=[card()])
        for _ in range(2):
            yield from world.flow("note", "o1", "gift", key="k1")
        return (yield from world.flow("ship", "o1", "f1"))

    before = world.trace()
    previewed = world.desk.preview().run(day())
    assert before == world.trace()
    done = world.desk.run(day())
    assert ("shipped", previewed.goods, previewed.version) == (
        done.goods,
        done.goods,
        done.version,
    )


def test_a_preview_hears_what_its_adapters_raise() -> None:
    """What is really read may really fail: the command is told so, as it would be in earnest."""
    desk = World().new_desk(orders=Unreadable()).preview()
    with pytest.raises(AdapterFault, match="no connection to read o1"):
        desk.order("o1")


# Crashes and races -------------------------------------------------------------------------


def _changed_world() -> tuple[World, Any]:
    world = World(("MUG", "MAIN", 9), ("CUP", "STORE", 9), policy=TAKEN)
    placed(world, line("MUG", 3, price="3.333"), line("CUP", 2))
    changes = [
        ChangeLine(line_id="l1", quantity=1),
        ChangeLine(line_id="l2", quantity=3, unit_price=UnitPrice.of("2.00", "EUR")),
        AddLine(line=line("MUG", 2)),
    ]
    return world, flow_of(world.desk, "edit", "o1", changes, key="k")


def test_an_edit_survives_a_crash_anywhere() -> None:
    """Wherever the process dies, the edit is not there at all, or ends as if it had not died."""
    calm, flow = _changed_world()
    untouched = figures(calm)
    run_until(calm, flow, 999, performed=False)
    calm.calm()
    expected = figures(calm)
    stop = 0
    ends = []
    while True:
        outcomes = []
        for performed in (False, True):
            world, flow = _changed_world()
            try:
                run_until(world, flow, stop, performed=performed)
            except Crashed:
                outcomes.append(performed)
            world.calm()
            check_quiet(world)
            ends.append(figures(world))
            assert ends[-1] in (untouched, expected)
        if not outcomes:
            break
        stop += 1
    assert stop > 5
    assert untouched in ends


@pytest.mark.long
@pytest.mark.parametrize("rival", ["cancel", "edit", "ship", "credit"])
def test_two_changes_at_once(rival: str) -> None:
    """However an edit and another command take turns, the laws hold and it all comes to rest."""
    more: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
        "cancel": (("o1",), {"reason": "x", "units": {"l1": 1}}),
        "edit": (("o1", [ChangeLine(line_id="l1", quantity=1)]), {}),
        "ship": (("o1", "f1"), {}),
        "credit": (("o1", eur(1)), {"reason": "late"}),
    }

    def scene() -> tuple[World, tuple[Any, ...]]:
        world = World(("MUG", "MAIN", 4), policy=TAKEN)
        placed(world, line("MUG", 3, price="3.333"))
        changes = [ChangeLine(line_id="l1", quantity=2)]
        args, kwargs = more[rival]
        return world, (
            flow_of(world.desk, "edit", "o1", changes),
            flow_of(world.desk, rival, *args, **kwargs),
        )

    ends = 0
    for world, _ in interleavings(scene):
        check_laws(world)
        world.calm()
        check_quiet(world)
        ends += 1
    assert ends > 1


async def _edited_async() -> tuple[Order, Order]:
    world = World()
    desk = AsyncOrderDesk(
        orders=world.orders,
        inventory=world.inventory,
        payments=world.payments,
        locations=LOCATIONS,
        clock=lambda: world.now,
    )
    await desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    changes = [ChangeLine(line_id="l1", quantity=3)]
    return await desk.preview().edit("o1", changes), await desk.edit("o1", changes)


def test_the_async_desk_previews_alike() -> None:
    """Both desks have previews."""
    told, made = asyncio.run(_edited_async())
    assert told == made


# Adjustments that come late ----------------------------------------------------------------

OFF = Adjustment(name="sorry", percent="-10")


def test_a_discount_comes_off_a_paid_order() -> None:
    """Ten percent of what is left of all lines, shares and taxes with it, is paid back."""
    world = World(("MUG", "MAIN", 9), ("CUP", "STORE", 9), policy=TAKEN)
    vat = TaxLine(name="VAT", percent="19", included=True)
    shipping = Charge(kind="shipping", amount=eur("4.90"))
    placed(
        world,
        DraftLine(sku="MUG", quantity=3, unit_price=UnitPrice.of("5", "EUR"), taxes=[vat]),
        line("CUP", 1, "4.05"),
        charges=[shipping],
    )
    order = world.desk.edit("o1", [AddAdjustment(adjustment=OFF)], reason="late")
    # 10 % of 19.05 is 1.905, rounded half up 1.91: 1.50 and 0.405 of it, the rest to the larger.
    assert [eur("13.50"), eur("3.64")] == [one.remaining for one in order.lines]
    assert (eur("22.04"), eur("1.91")) == (order.due, order.refunded)
    price, off, tax = order.lines[0].components
    assert ("sorry", eur("-1.50")) == (off.name, off.remaining)
    assert (eur(15), eur("2.16")) == (price.remaining, tax.remaining)
    history = world.desk.history("o1")
    assert order == Order.replay(history)
    assert "changed: sorry on all lines: late" in render(timeline(history))
    world.desk.cancel("o1", reason="after all")
    check_quiet(world)


def test_a_surcharge_and_a_discount_on_one_line() -> None:
    """They apply one after the other to that line alone; what is added is due."""
    world = World(("MUG", "MAIN", 9), ("CUP", "STORE", 9), policy=TAKEN)
    placed(world, line("MUG", 2), line("CUP"))
    rush = Adjustment(name="rush", amount=eur(5))
    order = world.desk.edit(
        "o1",
        [AddAdjustment(adjustment=rush, line_id="l1"), AddAdjustment(adjustment=OFF, line_id="l1")],
    )
    assert [eur("22.50"), eur(10)] == [one.remaining for one in order.lines]
    assert ("underpaid", eur("-2.50")) == (order.money, order.balance)
    order = world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=3)])
    # Both are amounts from then on.
    assert eur("32.50") == order.lines[0].remaining
    check_laws(world)


def test_a_discount_on_nothing_changes_nothing() -> None:
    """A free order stays free, and nothing is written."""
    world = World()
    world.desk.place([line(price="0")], order_id="o1")
    before = world.trace()
    world.desk.edit("o1", [AddAdjustment(adjustment=OFF)])
    assert before == world.trace()


def test_a_tax_that_is_an_amount_only_stays_out_of_it() -> None:
    """It would not follow the discount: the order is credited instead, and the error says so."""
    world = World()
    tax = TaxLine(name="GST", amount=eur(1))
    placed(
        world,
        DraftLine(sku="MUG", quantity=1, unit_price=UnitPrice.of("5", "EUR"), taxes=[tax]),
    )
    with pytest.raises(InvalidInput, match="credit it"):
        world.desk.edit("o1", [AddAdjustment(adjustment=OFF)])


def test_goodwill_survives_more_units() -> None:
    """A line of 10.00 let off 1.00 comes to 19.00 with one unit more, not to 20.00."""
    world = World()
    placed(world)
    world.desk.credit("o1", eur(1), reason="scratched", target="l1")
    order = world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=2)])
    assert eur(19) == order.due
    order = world.desk.edit("o1", [ChangeLine(line_id="l1", unit_price=UnitPrice.of("8", "EUR"))])
    assert eur(16) == order.due
    check_laws(world)


@given(
    percents=st.lists(st.sampled_from(["-10", "-33.3", "5", "-100"]), max_size=4),
    price=st.sampled_from(["9.99", "0.01", "3.333", "0"]),
    units=st.integers(1, 7),
)
def test_late_discounts_are_those_that_were_there_from_the_start(
    percents: list[str], price: str, units: int
) -> None:
    """On an untouched line they come to what a line comes to that had them rounded one by one."""
    given_ = [Adjustment(name=f"a{index}", percent=one) for index, one in enumerate(percents)]
    late, early = (World(("MUG", "MAIN", 99), policy=ONE_BY_ONE) for _ in range(2))
    placed(late, line("MUG", units, price))
    order = late.desk.order("o1")
    for one in given_:
        order = late.desk.edit("o1", [AddAdjustment(adjustment=one, line_id="l1")])
    unit_price = UnitPrice.of(price, "EUR")
    started = placed(
        early, DraftLine(sku="MUG", quantity=units, unit_price=unit_price, adjustments=given_)
    )
    assert started.due == order.due
    check_laws(late)


ONE_BY_ONE = Policy(capture="on_confirmation", round_amounts="adjustment")
