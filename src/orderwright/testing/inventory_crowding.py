"""What is promised of an inventory however much there is: a first page is not all."""

from __future__ import annotations

from functools import partial

from orderwright.inventory.postings import Posting
from orderwright.testing.clauses import clause
from orderwright.testing.comparing import same
from orderwright.testing.inventory_posting import InventoryContract, post_all
from orderwright.testing.samples import CROWD, NOON
from orderwright.testing.stock_samples import held, receive, reserve

__all__ = ["CrowdClauses"]

FULL = 300
"""More than is on a page where nobody says, and as much as one posting may well have."""


class CrowdClauses(InventoryContract):
    """Answers that have no pages, and more in them than any page."""

    @clause
    def test_however_much_there_is_is_told(self) -> None:
        """InventoryRepository.supply 3: of more SKUs than a page of anything, and asked of more."""
        skus = [f"SKU {number:03}" for number in range(FULL)]
        with self.store() as stock:
            entries = [receive("d", 1, sku) for sku in skus]
            stock.post(Posting.linked("all", entries))
            asked = [*skus, *(f"NONE {number}" for number in range(CROWD))]
            found = sorted(one.sku for one in stock.supply(asked, now=NOON))
            same(skus, found, f"the SKUs of supply, asked of {len(asked)}")

    @clause
    def test_however_many_reservations_there_are_are_told(self) -> None:
        """InventoryRepository.reservations 5: more than a page of anything."""
        with self.store() as stock:
            every = [held(f"r{number}") for number in range(FULL)]
            post_all(stock, receive("d", FULL), reserve("p", *every))
            for named in ({}, {"order_id": "o1"}):
                same(
                    FULL, len(stock.reservations(NOON, **named)), "how many reservations there are"
                )

    @clause
    def test_however_many_claims_there_are_are_told(self) -> None:
        """InventoryRepository.claims 2: more than a page of anything."""
        with self.store() as stock:
            every = [held(f"k{number}", location="") for number in range(FULL)]
            stock.post(Posting.claim("c", every, at=NOON))
            same(FULL, len(stock.claims("MUG")), "how many claims there are")

    @clause
    def test_however_many_purchases_there_are_are_told(self) -> None:
        """InventoryRepository.incoming 2: more than a page of anything."""
        with self.store() as stock:
            expected = partial(Posting.expect, "e", "MUG", "MAIN", 1, expected_at=None, at=NOON)
            every = [expected(purchase=f"po{number}") for number in range(FULL)]
            stock.post(Posting.linked("all", every))
            same(FULL, len(stock.incoming("MUG")), "how many purchases are incoming")
