"""Faults that once were there, each as the smallest story in which it showed."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import (
    AddAdjustment,
    AddLine,
    Adjustment,
    ChangeLine,
    Charge,
    DraftLine,
    InvalidInput,
    Money,
    Order,
    Policy,
    TaxLine,
    Tender,
    UnitPrice,
)
from orderwright.codec import Codec
from orderwright.errors import AmountRefused, CodecError, IllegalTransition, KeyReused
from orderwright.upgrades import upgraded_event
from tests.worlds import (
    HOUR,
    World,
    card,
    check_laws,
    check_quiet,
    eur,
    line,
)

TAKEN = Policy(capture="on_confirmation")
DAY = timedelta(days=1)


def placed(world: World, units: int = 2, **more: object) -> Order:
    """An order of so many mugs at 10.00, paid by card."""
    return world.desk.place([line("MUG", units)], order_id="o1", tenders=[card()], **more)


def delivered(world: World, units: int = 2) -> Order:
    """The same, and it has arrived."""
    order = placed(world, units)
    for one in order.fulfillments:
        world.desk.ship("o1", one.id)
        order = world.desk.deliver("o1", one.id)
    return order


def back(world: World, units: int, return_id: str = "", **more: object) -> Order:
    """So many mugs stand at the door."""
    return world.desk.receive_return(
        "o1", {"l1": units}, location="MAIN", return_id=return_id, **more
    )


# Edits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "units", "due"),
    [
        ([ChangeLine(line_id="l1", quantity=1), ChangeLine(line_id="l1", quantity=3)], 3, 30),
        ([ChangeLine(line_id="l1", quantity=5), ChangeLine(line_id="l1", quantity=2)], 2, 20),
        (
            [
                ChangeLine(line_id="l1", quantity=1),
                ChangeLine(line_id="l1", unit_price=UnitPrice.of("9", "EUR")),
            ],
            1,
            9,
        ),
    ],
)
def test_of_two_changes_of_a_line_the_last_counts(
    changes: list[ChangeLine], units: int, due: int
) -> None:
    """However often a line is changed in one edit, it has as many units as was said last."""
    world = World()
    placed(world, 3)
    order = world.desk.edit("o1", changes)
    (changed,) = order.lines
    assert (units, eur(due)) == (changed.ordered - changed.cancelled, order.due)
    check_laws(world)


@given(
    percents=st.lists(st.sampled_from(["-33", "15", "-50", "-7.5"]), max_size=3),
    price=st.sampled_from(["10.00", "0.005", "3.33", "0.07"]),
    steps=st.lists(st.integers(0, 7), min_size=1, max_size=4),
    rounding=st.sampled_from(["half_up", "half_even", "down"]),
)
def test_after_any_edits_everything_comes_back(
    percents: list[str], price: str, steps: list[int], rounding: str
) -> None:
    """A line edited up and down is paid, delivered and returned: not a cent stays."""
    world = World(("MUG", "MAIN", 99), policy=Policy(capture="on_confirmation", rounding=rounding))
    adjustments = [
        Adjustment(name=f"a{index}", percent=one, limit=eur("0.77") if index == 2 else None)
        for index, one in enumerate(percents)
    ]
    mugs = DraftLine(
        sku="MUG", quantity=3, unit_price=UnitPrice.of(price, "EUR"), adjustments=adjustments
    )
    order = world.desk.place([mugs], order_id="o1", tenders=[card()])
    for units in steps:
        if order.state.name != "confirmed":
            break
        order = world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=units)])
        check_laws(world)
    if order.uncovered:
        order = world.desk.pay("o1", [card()])
    for one in order.fulfillments:
        if one.live:
            world.desk.ship("o1", one.id)
            order = world.desk.deliver("o1", one.id)
    kept = order.quantities()["l1"].kept
    if kept:
        back(world, kept)
        order = world.desk.inspect_return("o1", "r1", restock={"l1": kept})
    assert (eur(0), order.captured) == (order.due, order.refunded)
    check_quiet(world)


def test_a_late_adjustment_leaves_cancelled_lines_alone() -> None:
    """A surcharge on a line of which nothing is left changes nothing."""
    world = World(("MUG", "MAIN", 9), ("CUP", "MAIN", 9))
    world.desk.place([line(), line("CUP")], order_id="o1")
    order = world.desk.cancel("o1", units={"l1": 1}, reason="x")
    rush = AddAdjustment(adjustment=Adjustment(name="rush", amount=eur("1.23")), line_id="l1")
    assert order == world.desk.edit("o1", [rush])
    check_laws(world)


def test_an_edit_that_changes_nothing_keeps_its_promises() -> None:
    """Another sum than expected is refused, tenders are offered, other ones are another edit."""
    world = World()
    world.desk.place([line()], order_id="o1")
    same = [ChangeLine(line_id="l1", quantity=1)]
    with pytest.raises(AmountRefused):
        world.desk.edit("o1", same, expected_due=eur(999))
    order = world.desk.edit("o1", same, tenders=[card()], key="k1")
    assert "confirmed" == order.state.name
    with pytest.raises(KeyReused, match="tenders"):
        world.desk.edit("o1", same, tenders=[card("1.00")], key="k1")
    with pytest.raises(AmountRefused, match="pay what is left: there is nothing"):
        world.desk.edit("o1", same, tenders=[card()])


# Keys --------------------------------------------------------------------------------------


def test_a_key_is_used_up_where_nothing_changed() -> None:
    """A retry of an edit that changed nothing does not undo what was done since."""
    world = World()
    placed(world)
    two, three = ([ChangeLine(line_id="l1", quantity=units)] for units in (2, 3))
    world.desk.edit("o1", two, key="k1")
    order = world.desk.edit("o1", three, key="k2")
    assert order == world.desk.edit("o1", two, key="k1")
    with pytest.raises(KeyReused):
        world.desk.cancel("o1", reason="x", key="k1")
    world.desk.hold("o1", "fraud", blocks={"capture"}, key="h1")
    world.desk.hold("o1", "fraud", blocks={"capture"}, key="h2")
    released = world.desk.release_hold("o1", "fraud")
    assert released == world.desk.hold("o1", "fraud", blocks={"capture"}, key="h2")


# Drafts ------------------------------------------------------------------------------------


def test_money_on_a_draft_stays() -> None:
    """What was paid before the draft was changed is not forgotten with its tenders."""
    world = World()
    world.desk.draft([line()], order_id="o1", tenders=[card()])
    world.desk.record_payment("o1", eur(10), method="cash", reference="x")
    same = world.desk.draft([line()], order_id="o1", tenders=[card()])
    assert eur(10) == same.captured
    order = world.desk.draft([line("MUG", 2)], order_id="o1", tenders=[card()])
    assert (eur(10), ["cash", "card"]) == (
        order.captured,
        [one.method for one in order.payments],
    )
    assert order == Order.replay(world.desk.history("o1"))


def test_the_terms_of_an_invoice_run_from_placement() -> None:
    """A draft of last month is payable thirty days from today; said again it is the same draft."""
    world = World()
    invoice = Tender(method="invoice", collected="afterwards", terms=30 * DAY)
    draft = world.desk.draft([line()], order_id="o1", tenders=[invoice], key="k")
    world.now += HOUR
    assert draft == world.desk.draft([line()], order_id="o1", tenders=[invoice], key="k")
    assert draft == world.desk.draft([line()], order_id="o1", tenders=[invoice])
    world.now += 31 * DAY
    order = world.desk.place_draft("o1")
    assert world.now + 30 * DAY == order.payments[0].payable_by
    with pytest.raises(InvalidInput, match="a key is known by"):
        world.new_desk(ids=lambda: "x").draft([line()], key="k")


# Money -------------------------------------------------------------------------------------


def test_a_completed_order_can_be_paid() -> None:
    """After a chargeback another card is asked, and taken; the first is left alone."""
    world = World()
    delivered(world)
    world.desk.report_chargeback("o1", "p1", eur(20), reference="d")
    order = world.desk.pay("o1", [Tender(method="other")])
    assert [(eur(20), eur(20)), (eur(20), eur(0))] == [
        (one.captured, one.charged_back) for one in order.payments
    ]
    assert "paid" == order.money


def test_a_chargeback_is_not_taken_again() -> None:
    """The first parcel's money is fetched back; the second parcel is still charged for."""
    world = World(("MUG", "MAIN", 1), ("MUG", "STORE", 1))
    placed(world)
    world.desk.ship("o1", "f1")
    order = world.desk.report_chargeback("o1", "p1", eur(10), reference="d")
    assert eur(10) == order.captured
    order = world.desk.ship("o1", "f2")
    assert (eur(20), eur(10)) == (order.captured, order.charged_back)


def test_what_came_back_is_not_dispatched_any_more() -> None:
    """One unit came back, one arrived, one is on the shelf: what was taken pays for the second."""
    world = World(("MUG", "MAIN", 1), ("MUG", "STORE", 1), ("MUG", "DEPOT", 1))
    placed(world, 3)
    world.desk.ship("o1", "f1")
    world.desk.deliver("o1", "f1")
    back(world, 1)
    order = world.desk.inspect_return("o1", "r1", restock={"l1": 1})
    assert (eur(10), eur(0), eur(20)) == (order.captured, order.refunded, order.due)
    order = world.desk.ship("o1", "f2")
    assert (eur(10), eur(0)) == (order.captured, order.refunded)
    assert eur(20) == world.desk.ship("o1", "f3").captured


def test_what_was_overpaid_and_given_back_is_no_credit() -> None:
    """A transfer too much, paid back by hand, does not keep a cancellation from being refunded."""
    world = World(policy=TAKEN)
    placed(world)
    world.desk.record_payment("o1", eur(5), method="transfer")
    world.desk.record_refund("o1", eur(5), method="transfer")
    order = world.desk.cancel("o1", units={"l1": 1}, reason="x")
    assert (eur(10), eur(0)) == (order.payments[0].refunded, order.payout)


@pytest.mark.parametrize(("percent", "deposit"), [("-100", "0.50"), ("-10", "5.00")])
def test_taxes_larger_than_the_price_make_nothing_negative(percent: str, deposit: str) -> None:
    """An included amount above what a discount leaves: the rest is taxed as nothing."""
    taxes = [
        TaxLine(name="dep", amount=eur(deposit), included=True),
        TaxLine(name="v", percent="10"),
    ]
    given_ = DraftLine(
        sku="MUG",
        quantity=1,
        unit_price=UnitPrice.of("1", "EUR"),
        adjustments=[Adjustment(name="off", percent=percent)],
        taxes=taxes,
    )
    order = World().desk.draft([given_], order_id="o1")
    assert order.total >= eur(0)
    assert all(one.amount.minor >= 0 for one in order.lines[0].components if "tax" in one.kind)


def test_a_transfer_told_of_two_payments_counts_once() -> None:
    """Its reference is the same, whichever payment it is said to be for."""
    world = World()
    tenders = [Tender(method="transfer", amount=eur(10), collected="beforehand") for _ in range(2)]
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=tenders)
    world.desk.record_payment("o1", eur(10), method="transfer", reference="T7")
    order = world.desk.record_payment("o1", eur(10), payment_id="p2", reference="T7")
    assert eur(10) == order.captured


def test_amounts_have_a_bound_that_fits_everywhere() -> None:
    """What no database could keep is refused where it is made, or comes to it."""
    for wrong in (10**18 + 1, -(10**5000)):
        with pytest.raises(InvalidInput, match="more than"):
            Money(wrong, "EUR")
    dear = DraftLine(sku="X", quantity=10**12, unit_price=UnitPrice.of("99999999", "EUR"))
    with pytest.raises(InvalidInput, match="more than"):
        World().desk.place([dear], order_id="o1")


# Returns -----------------------------------------------------------------------------------


def test_two_returns_may_name_the_same_things() -> None:
    """Fees and goods of one id, twice: what comes second gets an id of its own."""
    world = World(("MUG", "MAIN", 9), policy=Policy(credit_returns="on_receipt"))
    delivered(world)
    label = Charge(kind="label", id="label", amount=eur(1))
    other = DraftLine(sku="MUG", id="x", quantity=1, unit_price=UnitPrice.of("10", "EUR"))
    for number in (1, 2):
        world.desk.request_return("o1", {"l1": 1}, reason="x", exchange=[other])
        world.desk.advance_return("o1", f"r{number}", "approve", fees=[label])
    for number in (1, 2):
        order = back(world, 1, f"r{number}")
    assert (2, ["l1", "x", "l3"]) == (
        sum(one.kind == "label" for one in order.charges),
        [one.id for one in order.lines],
    )
    check_laws(world)


def test_what_was_called_off_is_not_expected_any_more() -> None:
    """Of a cancelled return only what stands at the door is counted, and nothing is sent for it."""
    world = World(("MUG", "MAIN", 9))
    delivered(world)
    dear = [line("MUG", 1, "30.00")]
    world.desk.request_return("o1", {"l1": 2}, reason="x", exchange=dear)
    world.desk.advance_return("o1", "r1", "cancel")
    world.desk.request_return("o1", {"l1": 1}, reason="x")
    order = back(world, 1, "r1")
    counts = order.quantities()["l1"]
    assert (1, 1, 0) == (counts.returning, counts.returned, counts.kept)
    order = world.desk.inspect_return("o1", "r1", restock={"l1": 1})
    assert (eur(10), 1, ()) == (order.due, len(order.lines), order.exchanges)
    check_laws(world)


def test_goods_without_their_number_belong_to_the_return_that_expects_them() -> None:
    """What stands at the door has come, whatever is written on the parcel."""
    world = World()
    delivered(world)
    world.desk.request_return("o1", {"l1": 2}, reason="x")
    order = back(world, 2)
    assert (1, 2, ()) == (len(order.returns), order.returns[0].items[0].received, order.exceptions)


def test_nothing_is_sent_for_an_order_that_is_over() -> None:
    """A cancelled order left anyway: what comes back of it is neither exchanged nor replaced."""
    world = World(("MUG", "MAIN", 9))
    placed(world)
    world.desk.cancel("o1", reason="x")
    world.desk.deliver("o1", "f1")
    world.desk.request_return("o1", {"l1": 1}, reason="x", exchange=[line("MUG", 1, "30")])
    back(world, 1, "r1")
    order = world.desk.inspect_return("o1", "r1", restock={"l1": 1})
    assert (eur(0), 1) == (order.due, len(order.lines))
    with pytest.raises(IllegalTransition):
        world.desk.claim("o1", {"l1": 1}, fault="lost", remedy="replace")


def test_fees_are_agreed_with_the_approval() -> None:
    """Told when a return is closed they would never be charged."""
    world = World()
    delivered(world)
    world.desk.request_return("o1", {"l1": 1}, reason="x")
    back(world, 1, "r1")
    with pytest.raises(InvalidInput, match="when a return is approved"):
        world.desk.advance_return("o1", "r1", "close", fees=[Charge(kind="label", amount=eur(2))])


# Times and stored data ---------------------------------------------------------------------


def test_an_hour_that_is_repeated_is_an_hour() -> None:
    """In the night the clocks go back, an hour to pay is an hour, and stored is what was said."""
    berlin = ZoneInfo("Europe/Berlin")
    at = datetime(2025, 10, 26, 2, 30, tzinfo=berlin)
    world = World(policy=Policy(unpaid_ttl=HOUR))
    order = world.desk.place([line()], order_id="o1", at=at)
    assert order.expires_at is not None
    assert HOUR.total_seconds() == order.expires_at.timestamp() - at.timestamp()
    codec = Codec()
    assert order == codec.decode_order(codec.encode_order(order))
    until = datetime(2025, 10, 26, 2, 59, tzinfo=berlin)
    held = world.desk.hold("o1", "h", blocks={"capture"}, until=until, at=at)
    assert held == world.desk.hold("o1", "h", blocks={"capture"}, until=until, at=at)


@pytest.mark.parametrize(
    "broken",
    [
        {"schema": 1, "order": {"lines": [{}], "charges": [], "payments": [], "fulfillments": []}},
        {"schema": 1, "order": {"lines": 5, "charges": [], "payments": [], "fulfillments": []}},
    ],
)
def test_broken_data_of_an_earlier_version_is_a_codec_error(broken: object) -> None:
    """Not whatever the upgrade happened to stumble over."""
    with pytest.raises(CodecError, match="brought up to date"):
        Codec().decode_order(broken)


@pytest.mark.parametrize(
    "broken", [{"type": "order_placed.v1"}, {"type": "order_cancelled.v1", "credits": [3]}]
)
def test_broken_events_of_an_earlier_version_too(broken: dict[str, object]) -> None:
    """Neither do events raise anything else."""
    with pytest.raises((KeyError, TypeError, AttributeError)):
        upgraded_event(broken)
    with pytest.raises(CodecError):
        Codec().decode_event(broken)


def test_what_was_edited_can_be_read_back() -> None:
    """Changes are of several kinds, and each is stored with its tag."""
    world = World()
    placed(world)
    world.desk.edit("o1", [AddLine(line=line()), ChangeLine(line_id="l1", quantity=1)])
    codec = Codec()
    history = world.desk.history("o1")
    assert history == tuple(codec.decode_event(codec.encode_event(one)) for one in history)


def test_a_fault_inside_a_value_is_named_by_its_path() -> None:
    """What a constructor refuses is named by the field it refused."""
    codec = Codec()
    data = codec.encode(line())
    with pytest.raises(CodecError) as caught:
        codec.decode({**data, "quantity": 0}, DraftLine)
    assert ["$.quantity"] == [one.path for one in caught.value.faults]
    world = World()
    world.desk.place([line()], order_id="o1")
    with pytest.raises(InvalidInput) as refused:
        world.desk.pay("o1", [Tender(method="card", amount=Money(5, "USD"))])
    assert ["tenders[0].amount"] == [one.path for one in refused.value.faults]
