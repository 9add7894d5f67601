"""An intent: a call that leaves the order's own record, saved before it is made."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, final

from attrs import frozen

from orderwright.fulfillment.shipping import LabelRequest
from orderwright.inventory.postings import Posting
from orderwright.orders.lines import Charge
from orderwright.payments.operations import PaymentRequest

__all__ = ["Intent", "Purpose", "Transfer"]

Purpose = Literal[
    "reserve",
    "firm",
    "commit",
    "release",
    "hand_over",
    "take_back",
    "write_off",
    "claim",
    "consume",
    "spoil",
    "authorize",
    "capture",
    "void",
    "refund",
    "charge",
    "transfer",
    "book_label",
    "cancel_label",
]
"""What the call is for: ten of stock, five of money, one of another order, two of labels."""


@final
@frozen(kw_only=True)
class Transfer:
    """What was due on one tab and is to be due on the tab ``order_id``; ``id`` is its key there."""

    id: str
    order_id: str
    charges: tuple[Charge, ...]


@final
@frozen(kw_only=True)
class Intent:
    """Unfinished business of an order: the whole ``request``, and when somebody should look.

    ``id`` is the id the other side gets, so that a second try is not a second effect; ``since``
    is when it was saved. At ``due_at`` whoever resumes takes it over; ``attempts`` counts the
    tries. ``reason`` is what went wrong last; ``parked`` why it waits for a person (empty: it does
    not). ``fulfillments`` are those a stock request is for; ``claims`` how many units of which
    lines (line id, units) are claimed in the ledger once it is posted; ``replaces`` are
    fulfillments in whose place those come then. ``under_way``: a carrier has answered that it is
    not decided yet (of a payment its operation tells that).
    """

    id: str
    purpose: Purpose
    request: Posting | PaymentRequest | Transfer | LabelRequest
    since: datetime
    due_at: datetime
    attempts: int = 1
    parked: str = ""
    reason: str = ""
    fulfillments: tuple[str, ...] = ()
    claims: tuple[tuple[str, int], ...] = ()
    replaces: tuple[str, ...] = ()
    under_way: bool = False
