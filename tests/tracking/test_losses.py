"""What was taken back, and why, is what adding up the events by hand gives."""

from collections import Counter, defaultdict
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from orderwright import Policy
from orderwright.tracking.losses import Losses, LossRow
from orderwright.tracking.reports import Period, report
from tests.tracking.oracle import Seen
from tests.tracking.stories import Told, told
from tests.worlds import HOUR, NOON, World, card, eur, line

KINDS = ("cancelled", "rejected", "expired", "returned", "claimed", "credited", "refunded")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_losses_add_up(seed: int) -> None:
    """Orders, units and money of each kind and reason are sums over the replayed orders."""
    story: Told = told(seed)
    whole: dict[str, Counter[str]] = defaultdict(Counter)
    kinds: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    reasons: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for seen in map(Seen, story.histories.values()):
        if not seen.placed:
            continue
        order, channel = seen.order, seen.order.channel
        of = whole[channel]
        of["orders"] += 1
        of["ordered"] += sum(line.ordered for line in order.lines)
        of["served"] += sum(seen.units(x.id, lambda one: one.gone) for x in order.lines)
        of["sold"] += sum(gross for *_, gross, _ in seen.changes() if gross > 0)
        of["taken"] += order.captured.minor
        lost = seen.losses()
        for kind in {key[0] for key in lost}:
            kinds[channel, kind]["orders"] += 1
        for kind, reason in {key[:2] for key in lost}:
            reasons[channel, kind, reason]["orders"] += 1
        for (kind, reason, unit), amount in lost.items():
            kinds[channel, kind][unit] += amount
            reasons[channel, kind, reason][unit] += amount
        kinds[channel, "refunded"]["orders"] += bool(order.refunded)
        kinds[channel, "refunded"]["minor"] += order.refunded.minor
    check_losses(story, whole, kinds, reasons)


def check_losses(
    story: Told,
    whole: dict[str, Counter[str]],
    kinds: dict[tuple[str, str], Counter[str]],
    reasons: dict[tuple[str, str, str], Counter[str]],
) -> None:
    """Assert that the report says the same of a story."""
    losses = Losses(by=["channel"])
    expected = []
    for channel, of in sorted(whole.items()):
        for kind in KINDS:
            sums = kinds[channel, kind]
            units = 0
            if kind in {"cancelled", "rejected", "expired"}:
                units = of["ordered"]
            elif kind in {"returned", "claimed"}:
                units = of["served"]
            money = of["taken"] if kind == "refunded" else of["sold"]
            expected.append(
                LossRow(
                    None,
                    channel,
                    "",
                    kind,
                    "EUR",
                    sums["orders"],
                    of["orders"],
                    sums["units"],
                    units,
                    sums["minor"],
                    money,
                )
            )
    assert expected == report(story.histories.values(), losses)
    given_ = {
        (row.channel, row.kind, row.reason): (row.orders, row.units, row.amount_minor)
        for row in losses.reasons()
        if row.kind != "refunded"
    }
    assert {
        key: (one["orders"], one["units"], one["minor"]) for key, one in reasons.items()
    } == given_
    for channel, of in whole.items():
        refunds = [x for x in losses.reasons() if (x.channel, x.kind) == (channel, "refunded")]
        assert kinds[channel, "refunded"]["minor"] == sum(x.amount_minor for x in refunds), of


def test_reasons_are_told() -> None:
    """Each loss has the reason people gave; a refund has that of what made it due."""
    world = World(("MUG", "MAIN", 99))
    for number in range(1, 6):
        policy = Policy(refund="by_hand" if number == 5 else "when_cancelled")
        goods = [line("MUG", 4)]
        world.desk.place(goods, order_id=f"o{number}", tenders=[card()], policy=policy)
        if number > 1:
            world.desk.deliver(f"o{number}", "f1")
    world.desk.cancel("o1", reason="too slow")
    world.desk.request_return("o2", {"l1": 2}, reason="too blue")
    world.desk.receive_return("o2", {"l1": 2}, location="MAIN")
    world.desk.inspect_return("o2", "r1", restock={"l1": 2})
    world.desk.receive_return("o3", {"l1": 1}, location="MAIN")
    world.desk.inspect_return("o3", "r1", restock={"l1": 1})
    world.desk.claim("o4", {"l1": 1}, fault="damaged", remedy="refund")
    world.desk.credit("o5", eur(3), reason="sorry")
    world.desk.refund("o5", amount=eur(1), reason="a cup of tea")
    histories = [world.desk.history(f"o{number}") for number in range(1, 6)]
    losses = Losses()
    rows = {row.kind: row for row in report(histories, losses)}
    assert [
        ("cancelled", "too slow", 1, 4, 4000),
        ("returned", "", 1, 1, 1000),
        ("returned", "too blue", 1, 2, 2000),
        ("claimed", "damaged", 1, 1, 1000),
        ("credited", "sorry", 1, 0, 300),
        ("refunded", "a cup of tea", 1, 0, 100),
        ("refunded", "damaged", 1, 0, 1000),
        ("refunded", "returned", 1, 0, 1000),
        ("refunded", "too blue", 1, 0, 2000),
    ] == [row[3:4] + row[5:] for row in losses.reasons()]
    assert (Fraction(1, 5), Fraction(4, 20), Fraction(4000, 20000)) == (
        rows["cancelled"].order_rate,
        rows["cancelled"].unit_rate,
        rows["cancelled"].amount_rate,
    )
    assert (Fraction(3, 16), Fraction(4100, 16000)) == (
        rows["returned"].unit_rate,
        rows["refunded"].amount_rate,
    )
    assert rows["credited"].unit_rate is None
    assert [] == report(histories, Losses(period=Period(NOON + HOUR, NOON + 2 * HOUR)))
