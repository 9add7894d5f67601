"""Where every cent of an order comes from, as plain rows and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.money import Money

if TYPE_CHECKING:
    from orderwright.orders.amounts import ComponentKind
    from orderwright.orders.lines import Charge, OrderLine
    from orderwright.orders.order import Order

__all__ = ["Share", "explain", "explanation", "taxes"]


@final
class Share(NamedTuple):
    """What one price, adjustment or tax made of one line or charge, and what is left of it.

    The amounts of all shares but the included taxes add up to ``order.total``, what is left of
    them to ``order.due``.
    """

    target: str
    kind: ComponentKind
    name: str
    amount: Money
    remaining: Money


def explain(order: Order) -> tuple[Share, ...]:
    """Return what each price, adjustment and tax made of each line, then of each charge."""
    every: list[OrderLine | Charge] = [*order.lines, *order.charges]
    return tuple(Share(one.id, *component) for one in every for component in one.components)


def taxes(order: Order) -> dict[str, Money]:
    """Return what is still due of each tax, by name, included ones too."""
    found: dict[str, Money] = {}
    for share in explain(order):
        if share.kind in ("tax", "included_tax"):
            before = found.get(share.name, Money.zero(order.currency))
            found[share.name] = before + share.remaining
    return found


def explanation(order: Order) -> str:
    """Return the same as text, a row a share, for a terminal."""
    rows: list[tuple[str, Money]] = []
    for target, kind, name, amount, _ in explain(order):
        told = {"price": f"{target} {name}", "included_tax": f"  of which {name}"}
        rows.append((told.get(kind, f"  {name}"), amount))
    rows.append(("total", order.total))
    if order.due != order.total:
        rows += [("credited", order.due - order.total), ("due", order.due)]
    wide = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{wide}}  {f'{amount.amount:f}':>12}" for name, amount in rows)
