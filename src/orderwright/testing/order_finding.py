"""What is promised of the feed, and of finding orders."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from orderwright.orders.lines import Reference
from orderwright.ports import DueOrder, OrderQuery
from orderwright.testing.clauses import clause
from orderwright.testing.comparing import require, same
from orderwright.testing.lives import lives
from orderwright.testing.order_reads import (
    LATER,
    MANY,
    all_due,
    all_found,
    all_open,
    fed,
    followed,
)
from orderwright.testing.order_saving import OrderContract
from orderwright.testing.samples import (
    CARD,
    HAWAII,
    KATHMANDU,
    NAME,
    NOON,
    SORTED,
    Saved,
    Shop,
    line,
    noted,
    placed,
)

if TYPE_CHECKING:
    from orderwright.ports import FeedEntry, OrderRepository

__all__ = ["FindingClauses"]

HOUR = timedelta(hours=1)


def _split(order_id: str, parts: int) -> Saved:
    """Return the save of an order whose mugs leave in so many parcels, all from MAIN."""
    shop = Shop()
    shop.desk.place([line(quantity=parts)], order_id=order_id, tenders=[CARD])
    for _ in range(parts - 1):
        shop.desk.split(order_id, "f1", {"l1": 1})
    return shop.save()


def _shipped(order_id: str, parcel: str = "f1") -> Saved:
    """Return the save of an order in two parcels, from MAIN and WEST, of which one is shipped."""
    shop = Shop()
    shop.desk.place([line(NAME), line("CUP")], order_id=order_id, tenders=[CARD])
    shop.desk.ship(order_id, parcel, tracking=f"T-{order_id}")
    return shop.save()


def _into(orders: OrderRepository, *saves: Saved) -> None:
    for save in saves:
        save.into(orders)


class FindingClauses(OrderContract):
    """Feed, find, by_reference, open_fulfillments and due, clause by clause."""

    @clause
    def test_ids_are_in_order_of_code_points(self) -> None:
        """OrderRepository 1: wherever ids put something in order."""
        market = Reference("marketplace", NAME)
        with self.store() as orders:
            for name in (*SORTED[::2], *SORTED[-2::-2]):
                save = placed(name, references=[market], due_at=NOON + HOUR)
                placed(f"{name}paid").into(orders)
                save.into(orders)
            both = sorted([*SORTED, *(f"{name}paid" for name in SORTED)])
            same(tuple(both), all_found(orders), "the ids that find finds")
            same(SORTED, orders.by_reference(market), "the ids that by_reference finds")
            same(list(SORTED), [one.order_id for one in all_due(orders)], "what is due at once")
            open_ones = [one.order_id for one in all_open(orders)]
            same(both, open_ones, "the orders of open fulfillments")

    @clause
    def test_moments_are_asked_for_in_any_zone(self) -> None:
        """OrderRepository 2: to the microsecond, whatever the clocks there show."""
        tick = timedelta(microseconds=1)
        with self.store() as orders:
            save = placed("o1", at=NOON.astimezone(HAWAII), due_at=NOON.astimezone(HAWAII) + HOUR)
            save.into(orders)
            for zone in (NOON.tzinfo, KATHMANDU, HAWAII):
                now = NOON.astimezone(zone)
                for shift, expected in ((-tick, ()), (tick * 0, ("o1",))):
                    due = tuple(one.order_id for one in all_due(orders, now + HOUR + shift))
                    same(expected, due, f"due at {(now + HOUR + shift).isoformat()}")
                    query = OrderQuery(placed_until=now + shift + tick)
                    found = all_found(orders, query)
                    same(expected, found, f"find {query}")
                for shift, expected in ((tick, ()), (tick * 0, ("o1",))):
                    query = OrderQuery(placed_from=now + shift)
                    same(expected, all_found(orders, query), f"find {query}")

    @clause
    def test_pages_hold_at_most_their_limit(self) -> None:
        """OrderRepository 3: of every method that has one, and they end where nothing follows."""
        with self.store() as orders:
            for number in range(3):
                _into(orders, placed(f"o{number}", due_at=NOON + HOUR), placed(f"p{number}"))
            for limit in (1, 2, 5, 99):
                for what, page in (
                    ("feed", orders.feed(limit=limit)),
                    ("find", orders.find(OrderQuery(), limit=limit)),
                    ("due", orders.due(LATER, limit=limit)),
                    ("open", orders.open_fulfillments("MAIN", {"reserved"}, limit=limit)),
                ):
                    require(0 < len(page) <= limit, f"a page of {what}, limit {limit}: {page!r}")
            found = (
                all_found(orders, limit=1),
                all_open(orders, limit=1),
                all_due(orders, limit=1),
            )
            same([6, 6, 3], [len(one) for one in found], "what pages of one row hold")
            end = followed(orders, 1)[-1].position
            same(0, len(orders.feed(after=end)), "the feed after its end")

    # The feed -----------------------------------------------------------------------------------

    @clause
    def test_positions_rise(self) -> None:
        """OrderRepository.feed 1: within a page, from page to page, and as more is saved."""
        with self.store() as orders:
            seen: list[FeedEntry] = []
            for save in lives()[:40]:
                save.into(orders)
                seen += followed(orders, 3, seen[-1].position if seen else 0)
            positions = [one.position for one in seen]
            rising = all(one < two for one, two in zip([0, *positions], positions, strict=False))
            require(rising, f"positions of a reader that follows: {positions}")
            again = [one.position for one in followed(orders, 7)]
            same(sorted(again), again, "positions of a reader that begins anew")

    @clause
    def test_the_numbers_of_an_order_are_in_order(self) -> None:
        """OrderRepository.feed 3: although many orders are saved in turn."""
        with self.store() as orders:
            _into(orders, *lives())
            for name, entries in fed(followed(orders, 10)).items():
                numbers = [number for number, _ in entries]
                same(list(range(1, len(numbers) + 1)), numbers, f"numbers of {name!r} in the feed")

    @clause
    def test_the_feed_shows_every_event(self) -> None:
        """OrderRepository.feed 4: each once, as it was saved, page by page, whatever its values."""
        with self.store() as orders:
            _into(orders, *lives())
            expected: dict[str, list[object]] = {}
            for save in lives():
                expected.setdefault(save.order.id, []).extend(save.events)
            for limit in (7, MANY):
                entries = fed(followed(orders, limit))
                found = {name: [event for _, event in told] for name, told in entries.items()}
                same(expected.keys(), found.keys(), f"orders in the feed, {limit} at a time")
                for name, events in expected.items():
                    same(events, found[name], f"events of {name!r}, {limit} at a time")

    # Finding ------------------------------------------------------------------------------------

    @clause
    def test_pages_of_ids_join(self) -> None:
        """OrderRepository.find 1: all of them, or those that match, at every limit."""
        names = [f"o{number:02}" for number in range(11)]
        with self.store() as orders:
            for name in (*names[::2], *names[-2::-2]):
                placed(name, channel="phone" if name[-1] in "1479" else "web").into(orders)
            for limit in (1, 2, 3, 10, 11, 12):
                same(tuple(names), all_found(orders, limit=limit), f"pages of {limit}")
                query = OrderQuery(channel="phone")
                phoned = [name for name in names if name[-1] in "1479"]
                same(tuple(phoned), all_found(orders, query, limit), f"pages of {limit} by channel")

    @clause
    def test_pages_of_ids_go_on_after_any_id(self) -> None:
        """OrderRepository.find 1: after one that matches no more, or that nobody ever had."""
        names = ["o1", "o2", "o3"]
        with self.store() as orders:
            shops = {name: Shop() for name in names}
            saves: list[Saved] = []
            for name, shop in shops.items():
                shop.desk.place([line()], order_id=name)
                saves.append(shop.save())
            _into(orders, *saves)
            for after, rest in (("!", names), ("o1!", names[1:]), ("o3!", [])):
                same(tuple(rest), all_found(orders, after=after), f"those after {after!r}")
            query, met = OrderQuery(states=frozenset({saves[0].order.state.name})), [""]
            while page := orders.find(query, after=met[-1], limit=1):
                met += page
                shops[page[0]].desk.cancel(page[0], reason="a whim")
                shops[page[0]].save().into(orders)
            same(names, met[1:], "those that a reader met who changed each as it came")

    @clause
    def test_all_that_match_are_found(self) -> None:
        """OrderRepository.find 2: by each thing alone and together, as last saved."""
        with self.store() as orders:
            _into(
                orders,
                placed("a", customer_id="ann", channel="phone", due_at=NOON + HOUR),
                placed("b", customer_id="bob", at=NOON + HOUR),
                placed("c", customer_id="ann", at=NOON + 2 * HOUR, due_at=NOON + 9 * HOUR),
                placed("d", customer_id=NAME, channel=NAME, at=NOON + 2 * HOUR),
            )
            both = frozenset({"placed", "confirmed"})
            for expected, query in (
                ("abcd", OrderQuery()),
                ("bd", OrderQuery(states=frozenset({"confirmed"}))),
                ("abcd", OrderQuery(states=both)),
                ("", OrderQuery(states=frozenset({"completed"}))),
                ("ac", OrderQuery(customer_id="ann")),
                ("", OrderQuery(customer_id="an")),
                ("d", OrderQuery(customer_id=NAME, channel=NAME)),
                ("bc", OrderQuery(channel="web")),
                ("", OrderQuery(channel="w%")),
                ("", OrderQuery(channel="we_")),
                ("", OrderQuery(customer_id="a%")),
                ("", OrderQuery(customer_id="an_")),
                ("bcd", OrderQuery(placed_from=NOON + HOUR)),
                ("a", OrderQuery(placed_until=NOON + HOUR)),
                ("b", OrderQuery(placed_from=NOON + HOUR, placed_until=NOON + 2 * HOUR)),
                ("c", OrderQuery(customer_id="ann", channel="web", states=both)),
                ("", OrderQuery(customer_id="bob", channel="phone")),
            ):
                same(tuple(expected), all_found(orders, query), f"find {query}")
            shop = Shop()
            shop.desk.place([line()], order_id="e", customer_id="eve")
            before = shop.save()
            before.into(orders)
            same(
                ("e",),
                all_found(orders, OrderQuery(customer_id="eve")),
                "find before it was cancelled",
            )
            shop.desk.cancel("e", reason="a whim")
            after = shop.save()
            after.into(orders)
            query = OrderQuery(states=frozenset({after.order.state.name}))
            same(("e",), all_found(orders, query), "find by the state as last saved")
            gone = OrderQuery(states=frozenset({before.order.state.name}), customer_id="eve")
            same((), all_found(orders, gone), "find by a state that it had before")
            shop = Shop()
            shop.desk.draft([line()], order_id="f", channel="draft", at=NOON)
            shop.save().into(orders)
            shop.desk.place_draft("f", at=NOON + HOUR)
            shop.save().into(orders)
            for begin, drafts in ((NOON + HOUR, ("f",)), (NOON + 2 * HOUR, ())):
                query = OrderQuery(channel="draft", placed_from=begin)
                same(drafts, all_found(orders, query), f"find a draft placed later: {query}")

    @clause
    def test_orders_are_found_by_all_their_references(self) -> None:
        """OrderRepository.by_reference 1: given ones, the provider's, tracking numbers."""
        market = Reference("marketplace", NAME)
        with self.store() as orders:
            _into(orders, placed("o2", references=[market]), placed("o1", references=[market]))
            _into(orders, _shipped("o3"))
            same(("o1", "o2"), orders.by_reference(market), "by_reference, of two orders")
            for reference in (Reference("tracking", "T-o3"), Reference("payment", "pay_o3_p1")):
                same(("o3",), orders.by_reference(reference), f"by_reference of {reference}")
            order = orders.load("o1")
            if order is not None:
                noted(order, "k").into(orders)
            same(("o1", "o2"), orders.by_reference(market), "by_reference after one more save")

    @clause
    def test_other_references_find_nothing(self) -> None:
        """OrderRepository.by_reference 2: another kind or value, a part, a pattern."""
        with self.store() as orders:
            placed("o1", references=[Reference("marketplace", "M-1")]).into(orders)
            for kind, value in (
                ("marketplace", "M-2"),
                ("tracking", "M-1"),
                ("marketplace", "M-"),
                ("marketplace", "%"),
                ("marketplace", "M_1"),
            ):
                found = orders.by_reference(Reference(kind, value))
                same((), found, f"by_reference of {kind} {value}")

    # Open fulfillments --------------------------------------------------------------------------

    @clause
    def test_open_fulfillments_are_in_order(self) -> None:
        """OrderRepository.open_fulfillments 1: by order, then as on it: ten comes after two."""
        with self.store() as orders:
            _into(orders, _split("o2", 12), _split("o1", 3))
            expected = [("o1", f"f{number}") for number in range(1, 4)]
            expected += [("o2", f"f{number}") for number in range(1, 13)]
            found = all_open(orders)
            told = [(one.order_id, one.fulfillment_id) for one in found]
            same(expected, told, "open fulfillments")
            for index, cursor in enumerate(found):
                for elsewhere in ({"state": "shipped"}, {"state": "picked"}, {"location": "WEST"}):
                    moved = cursor._replace(**elsewhere)
                    rest = all_open(orders, after=moved)
                    same(found[index + 1 :], rest, f"those after {moved}, which has moved on")
            for number, order_id, fulfillment_id in ((3, "o1", "f9"), (3, "o1!", "f1")):
                gone = found[0]._replace(order_id=order_id, fulfillment_id=fulfillment_id)
                rest = all_open(orders, after=gone)
                same(found[number:], rest, f"those after {gone}, which is no more")

    @clause
    def test_pages_of_open_fulfillments_join(self) -> None:
        """OrderRepository.open_fulfillments 2: at every limit, also within an order."""
        with self.store() as orders:
            _into(orders, _split("o2", 11), _split("o1", 2), _split("o3", 1))
            whole = all_open(orders)
            same(14, len(whole), "open fulfillments in all")
            for limit in (1, 2, 3, 13, 14, 15):
                same(whole, all_open(orders, limit=limit), f"pages of {limit}")

    @clause
    def test_open_fulfillments_are_those_of_a_place_and_state(self) -> None:
        """OrderRepository.open_fulfillments 3: as last saved, in one of several states."""
        with self.store() as orders:
            _into(orders, _shipped("o1"), _shipped("o2", "f2"), placed("o3"))
            states = {"shipped", "reserved"}
            for location, wanted, expected in (
                ("MAIN", {"reserved"}, [("o2", "f1"), ("o3", "f1")]),
                ("MAIN", {"shipped"}, [("o1", "f1")]),
                ("MAIN", states, [("o1", "f1"), ("o2", "f1"), ("o3", "f1")]),
                ("WEST", states, [("o1", "f2"), ("o2", "f2")]),
                ("WEST", {"reserved"}, [("o1", "f2")]),
                ("main", states, []),
                ("MAIN", {"delivered"}, []),
                ("MAIN", set[str](), []),
            ):
                found = all_open(orders, location, wanted)
                told = [(one.order_id, one.fulfillment_id) for one in found]
                same(expected, told, f"open fulfillments at {location} that are {sorted(wanted)}")
                for one in found:
                    require(one.state in wanted, f"{one} is told of {sorted(wanted)}")
                    same(location, one.location, f"the location of {one}")

    # What is due --------------------------------------------------------------------------------

    @clause
    def test_the_earliest_is_due_first(self) -> None:
        """OrderRepository.due 1: by moment, whatever a clock shows; at one moment by order id."""
        moments = {
            "o5": NOON + HOUR,
            "o4": (NOON + 2 * HOUR).astimezone(HAWAII),
            "o3": (NOON + 3 * HOUR).astimezone(KATHMANDU),
            "o1": NOON + 4 * HOUR,
            "o2": (NOON + 4 * HOUR).astimezone(HAWAII),
            "o6": NOON + 4 * HOUR,
        }
        with self.store() as orders:
            for name in sorted(moments):
                placed(name, due_at=moments[name]).into(orders)
            same(list(moments), [one.order_id for one in all_due(orders)], "what is due")
            two = [one.order_id for one in orders.due(LATER, limit=2)]
            same(["o5", "o4"][: len(two)], two, "two of it, or one")

    @clause
    def test_what_is_due_goes_on_after_a_cursor(self) -> None:
        """OrderRepository.due 2: page by page, from any zone, from where nothing is any more."""
        with self.store() as orders:
            for number in range(7):
                placed(f"o{number}", due_at=NOON + HOUR * (1 + number // 3)).into(orders)
            whole = all_due(orders)
            same(7, len(whole), "orders that are due")
            for limit in (1, 2, 3, 6, 7, 8):
                same(whole, all_due(orders, limit=limit), f"pages of {limit}")
            for cursor, expected in (
                (DueOrder(NOON, "zzz"), whole),
                (DueOrder(NOON + HOUR, "o0!"), whole[1:]),
                (DueOrder((NOON + HOUR).astimezone(HAWAII), "o1"), whole[2:]),
                (DueOrder(NOON + HOUR, "zzz"), whole[3:]),
                (DueOrder(NOON + 9 * HOUR, ""), ()),
            ):
                same(expected, all_due(orders, after=cursor), f"what is due after {cursor}")

    @clause
    def test_an_order_without_a_time_is_never_due(self) -> None:
        """OrderRepository.due 3: one that never had any, and one that was due until it was paid."""
        with self.store() as orders:
            placed("never").into(orders)
            shop = Shop()
            shop.desk.place([line()], order_id="paid")
            shop.save().into(orders)
            same(["paid"], [one.order_id for one in all_due(orders)], "due before it was paid")
            shop.desk.pay("paid", [CARD])
            shop.save().into(orders)
            same((), all_due(orders), "due after it was paid")

    @clause
    def test_every_order_is_due_at_its_time(self) -> None:
        """OrderRepository.due 4: not before, from then on, and at the time as last saved."""
        with self.store() as orders:
            for number in (3, 1, 2):
                placed(f"o{number}", due_at=NOON + number * HOUR).into(orders)
            for number in range(5):
                found = [tuple(one) for one in all_due(orders, NOON + number * HOUR)]
                due = [(NOON + one * HOUR, f"o{one}") for one in range(1, min(number, 3) + 1)]
                same(due, found, f"what is due {number} hours after noon")
