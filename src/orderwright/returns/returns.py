"""A return: the units a customer sends back, from the request to the shelf."""

from __future__ import annotations

from typing import Literal, NamedTuple, final

from attrs import frozen

from orderwright.lifecycles import Phase, State

__all__ = ["Return", "ReturnItem", "StockMove", "Verdict"]

Verdict = Literal["restock", "quarantine", "write_off", "send_back"]
"""What an inspection makes of a unit: for sale again, kept apart, thrown away, or refused."""


@final
class ReturnItem(NamedTuple):
    """Units of a line that are announced, have arrived, were inspected, and were credited.

    Of the inspected ones ``sent_back`` were refused: they are the customer's again, and due.
    """

    line_id: str
    sku: str
    announced: int
    received: int = 0
    inspected: int = 0
    credited: int = 0
    sent_back: int = 0

    @property
    def expected(self) -> int:
        """Units that are announced and have not arrived."""
        return max(0, self.announced - self.received)


@final
class StockMove(NamedTuple):
    """Units the ledger has to move because of a return; ``booked`` once it has.

    ``number`` counts the moves of a return, ``tries`` how often the ledger refused this one.
    """

    number: int
    location: str
    units: tuple[tuple[str, int], ...]
    source: Literal["customer", "quarantine"]
    target: Literal["quarantine", "available", "loss", "customer"]
    booked: bool = False
    tries: int = 0


@final
@frozen(kw_only=True)
class Return:
    """What comes back of an order: its items, and how far it has come.

    ``location`` is where goods arrived last; ``moves`` what the ledger is told of them.
    """

    id: str
    items: tuple[ReturnItem, ...]
    state: State
    reason: str = ""
    location: str = ""
    moves: tuple[StockMove, ...] = ()

    @property
    def open(self) -> bool:
        """Whether goods are still expected or to be inspected."""
        return self.state.phase not in (Phase.DONE, Phase.DROPPED)

    def posting_id(self, order_id: str, move: StockMove) -> str:
        """Return the id of the posting that books ``move``: a refused id is used up."""
        again = f"-{move.tries}" if move.tries else ""
        return f"{order_id}/{self.id}/move-{move.number}{again}"
