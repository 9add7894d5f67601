"""Personal data: kept beside the orders, referred to by id, and forgotten without touching them."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from attrs import fields, frozen

from orderwright.errors import InvalidInput
from orderwright.orders.events import ContactsForgotten, OrderContents, OrderEdited
from orderwright.values import each, text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from orderwright.orders.events import Event
    from orderwright.orders.order import Order

__all__ = ["Contact", "forget", "kept"]

_COUNTRY = 2


def _lines(values: object) -> tuple[str, ...]:
    found = each(values, str, "street")
    for index, one in enumerate(found):
        text(one, f"street[{index}]")
    return found


@final
@frozen(kw_only=True, repr=False)
class Contact:
    """Whom an order is for and where it goes: the one place for personal data.

    ``street`` are the lines above the town, ``country`` the two letters of ISO 3166-1. All may be
    empty. An order refers to it by an id; neither its events nor its messages hold any of it.
    """

    name: str = ""
    company: str = ""
    street: tuple[str, ...] = ()
    postal_code: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    email: str = ""
    phone: str = ""
    instructions: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse what is no text, and countries that are no code."""
        for one in fields(Contact):
            value = getattr(self, one.name)
            if one.name == "street":
                object.__setattr__(self, "street", _lines(value))
            else:
                text(value, one.name)
        code = self.country
        if code and not (len(code) == _COUNTRY and code.isascii() and code.isupper()):
            raise InvalidInput.at("country", "expected two capital letters, such as 'DE'")

    def __repr__(self) -> str:
        """Tell nothing: what is printed ends up in logs."""
        return "Contact(...)"


def forget(order: Order, *, at: datetime, reason: str) -> tuple[ContactsForgotten, ...]:
    """Say that the order's personal data is to be forgotten; nothing if it never had any."""
    if not order.contact_ids:
        return ()
    return (ContactsForgotten(contact_ids=order.contact_ids, reason=reason, at=at),)


def kept(events: Iterable[Event], contact: Contact | None) -> dict[str, Contact | None]:
    """Return what a save with ``events`` keeps under each contact id, None for what it drops."""
    found: dict[str, Contact | None] = {}
    for event in events:
        if isinstance(event, ContactsForgotten):
            found |= dict.fromkeys(event.contact_ids)
        elif (
            contact is not None
            and isinstance(event, OrderContents | OrderEdited)
            and event.contact_id
        ):
            found[event.contact_id] = contact
    return found
