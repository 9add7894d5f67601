"""Where an order stands: its money and goods axes, the sums behind them, and what is due next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["DueItem", "GoodsStatus", "MoneyFigures", "MoneyStatus"]

MoneyStatus = Literal[
    "unpaid", "authorized", "underpaid", "paid", "overpaid", "refunded", "settled"
]
"""The money axis, from what is kept and due. ``authorized``: the rest is reserved at providers;
``refunded``: nothing is due and what was taken went back; ``settled``: nothing was ever taken."""

GoodsStatus = Literal[
    "open",
    "backordered",
    "reserved",
    "in_fulfilment",
    "partly_shipped",
    "shipped",
    "partly_delivered",
    "delivered",
    "cancelled",
]
"""The goods axis, told by the units that are not cancelled."""


class DueItem(NamedTuple):
    """At ``at``, ``action`` is due on ``subject``.

    An intent is resumed, the order planned or expired, a payment authorized anew.
    """

    at: datetime
    action: Literal["hold", "resume", "plan", "expire", "reauthorize"]
    subject: str


class MoneyFigures(NamedTuple):
    """The sums over all payments, and what is due, in minor units; ``-ing`` is in flight."""

    due: int
    captured: int
    refunded: int
    authorized: int
    capturing: int
    refunding: int
    charged_back: int = 0

    @property
    def kept(self) -> int:
        """Taken, and neither paid back nor charged back."""
        return self.captured - self.refunded - self.charged_back

    @property
    def balance(self) -> int:
        """Kept minus due."""
        return self.kept - self.due

    @property
    def payout(self) -> int:
        """What is to be paid back and is not on its way yet.

        More won back from a customer's bank than it took is nobody's before a person looked at it.
        """
        return max(0, self.kept + min(0, self.charged_back) - self.refunding - self.due)
