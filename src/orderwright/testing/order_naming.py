"""What is promised of names: they are compared as they are, letter by letter and part by part."""

from __future__ import annotations

from orderwright.orders.contacts import Contact
from orderwright.orders.lines import Reference
from orderwright.ports import OrderQuery
from orderwright.testing.clauses import clause
from orderwright.testing.comparing import same
from orderwright.testing.order_reads import all_found
from orderwright.testing.order_saving import OrderContract
from orderwright.testing.samples import ALIKE, JOINTS, PADDED, noted, placed

__all__ = ["NamingClauses"]


class NamingClauses(OrderContract):
    """Names that some stores take for one another, wherever an order has any."""

    @clause
    def test_orders_are_found_by_names_as_they_are(self) -> None:
        """OrderRepository 1: customers, channels, contacts, kinds of reference that look alike."""
        with self.store() as orders:
            for name in ALIKE:
                save = placed(
                    name, customer_id=name, channel=name, references=[Reference(name, "1")]
                )
                save._replace(contacts={name: Contact(name=name)}).into(orders)
            for name in ALIKE:
                for query in (OrderQuery(customer_id=name), OrderQuery(channel=name)):
                    same((name,), all_found(orders, query), f"find {query}")
                kind = Reference(name, "1")
                same((name,), orders.by_reference(kind), f"by_reference of {kind}")
                contact = orders.contact(name)
                told = None if contact is None else contact.name
                same(name, told, f"the name of contact {name!r}")

    @clause
    def test_spaces_at_the_end_count(self) -> None:
        """OrderRepository 1: of keys and references, which some databases fill up with spaces."""
        with self.store() as orders:
            save = placed("keyed")
            save.into(orders)
            noted(save.order, *PADDED).into(orders)
            for number, name in enumerate(PADDED):
                placed(f"o{number}", references=[Reference("market", name)]).into(orders)
            for number, name in enumerate(PADDED):
                found = [event.key for event in orders.load_with_key("keyed", name)[1]]
                same([name], found, f"the keys that load_with_key finds by {name!r}")
                by_reference = orders.by_reference(Reference("market", name))
                same((f"o{number}",), by_reference, f"by_reference of {name!r}")

    @clause
    def test_an_order_and_a_key_are_two_names(self) -> None:
        """OrderRepository.load_with_key 1: whatever stands between them where they are joined."""
        with self.store() as orders:
            first = placed("a")
            first.into(orders)
            noted(first.order, *(f"b{joint}c" for joint in JOINTS)).into(orders)
            for joint in JOINTS:
                save = placed(f"a{joint}b")
                save.into(orders)
                noted(save.order, "c").into(orders)
            for joint in JOINTS:
                for order_id, key in (("a", f"b{joint}c"), (f"a{joint}b", "c")):
                    found = [event.key for event in orders.load_with_key(order_id, key)[1]]
                    same([key], found, f"the keys that load_with_key({order_id!r}, {key!r}) finds")

    @clause
    def test_a_reference_is_two_names(self) -> None:
        """OrderRepository.by_reference 2: whatever stands between them where they are joined."""
        with self.store() as orders:
            kinds = [Reference(f"a{joint}b", "c") for joint in JOINTS]
            values = [Reference("a", f"b{joint}c") for joint in JOINTS]
            placed("kinds", references=kinds).into(orders)
            placed("values", references=values).into(orders)
            for name, references in (("kinds", kinds), ("values", values)):
                for one in references:
                    same((name,), orders.by_reference(one), f"by_reference of {one}")
