"""What is promised of an order repository however much there is: a first page is not all."""

from __future__ import annotations

from orderwright.orders.lines import Reference
from orderwright.testing.clauses import clause
from orderwright.testing.comparing import same
from orderwright.testing.order_saving import OrderContract
from orderwright.testing.samples import CROWD, noted, placed

__all__ = ["CrowdClauses"]

PAGE = 100
"""How much is on a page where nobody says."""


class CrowdClauses(OrderContract):
    """Answers that have no pages, and more in them than any page."""

    @clause
    def test_a_long_history_is_read_whole(self) -> None:
        """OrderRepository.events 3: more events than a page of anything, and after some of them."""
        with self.store() as orders:
            first = placed("o1")
            more = noted(first.order, *["again"] * CROWD)
            first.into(orders)
            more.into(orders)
            for after in (0, first.order.version, CROWD):
                known = len(orders.events("o1", after=after))
                same(more.order.version - after, known, f"how many events are after {after}")

    @clause
    def test_a_key_finds_however_many_events(self) -> None:
        """OrderRepository.load_with_key 3: more than a page of anything."""
        with self.store() as orders:
            first = placed("o1")
            first.into(orders)
            noted(first.order, *["again"] * CROWD).into(orders)
            _, found = orders.load_with_key("o1", "again")
            same(CROWD, len(found), "how many events the key of all of them finds")

    @clause
    def test_a_reference_of_many_orders_finds_them_all(self) -> None:
        """OrderRepository.by_reference 1: more of them than a page of anything that has pages."""
        market = Reference("marketplace", "M-1")
        names = [f"o{number:03}" for number in range(PAGE + 10)]
        with self.store() as orders:
            for name in names:
                placed(name, references=[market]).into(orders)
            same(len(names), len(orders.by_reference(market)), "how many by_reference finds")
