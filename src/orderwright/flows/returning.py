"""Returning: goods come back, are exchanged, or are made good without coming back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from orderwright.errors import InvalidInput
from orderwright.flows.command import command
from orderwright.flows.deciding import Call, decide
from orderwright.flows.settling import Flows
from orderwright.orders import returning
from orderwright.orders.events import (
    ReturnAdvanced,
    ReturnInspected,
    ReturnReceived,
    ReturnRequested,
    UnitsClaimed,
)
from orderwright.orders.lines import Charge, DraftLine
from orderwright.values import choice, counts, each, identifier, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from orderwright.money import Money
    from orderwright.orders.order import Order
    from orderwright.requests import Flow
    from orderwright.returns.returns import Verdict

__all__ = ["Fault", "Remedy", "Returning"]

Fault = Literal["lost", "wrong", "damaged"]
"""What is wrong with units that a customer claims."""
Remedy = Literal["refund", "replace"]
"""What is done about it."""


class Returning(Flows):
    """Returns, exchanges and claims. The common arguments are those of :class:`.Processing`."""

    __slots__ = ()

    @command
    def request_return(
        self,
        order_id: str,
        units: Mapping[str, int],
        *,
        reason: str,
        exchange: Sequence[DraftLine] = (),
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Announce that ``units`` (by line id) come back; the newest of ``order.returns`` is it.

        ``exchange`` are goods wanted instead: lines that are added, and served, once what came
        back is credited, so that there is one balance. Raises QuantityRefused for more than the
        customer has kept, WindowClosed after the policy's window, InvalidInput for a reason that
        is none of the policy's.
        """
        at = self.setting.moment(at)
        asked = counts(units, "units")
        wanted = each(exchange, DraftLine, "exchange")
        said = {"units": asked, "exchange": wanted, "reason": text(reason, "reason")}
        call = Call(ReturnRequested, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: (
                    returning.request_return(order, asked, exchange=wanted, at=at, reason=reason),
                ),
            )
        )

    @command
    def advance_return(
        self,
        order_id: str,
        return_id: str,
        action: Literal["approve", "refuse", "cancel", "close"],
        *,
        reason: str = "",
        fees: Sequence[Charge] = (),
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Approve or refuse a return, cancel it, or close it when nothing more will come.

        ``fees`` (return shipping, for example) become due with the first goods credited. Raises
        NotFound for an unknown return, IllegalTransition for a step its lifecycle does not have.
        """
        at = self.setting.moment(at)
        identifier(return_id, "return_id")
        choice(action, Literal["approve", "refuse", "cancel", "close"], "action")
        charged = each(fees, Charge, "fees")
        said = {
            "return_id": return_id,
            "action": action,
            "fees": charged,
            "reason": text(reason, "reason"),
        }
        call = Call(ReturnAdvanced, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: (
                    returning.advance_return(
                        order, return_id, action, fees=charged, at=at, reason=reason
                    ),
                ),
            )
        )

    @command
    def receive_return(
        self,
        order_id: str,
        units: Mapping[str, int],
        *,
        location: str,
        return_id: str = "",
        at: datetime | None = None,
        occurred_at: datetime | None = None,
        key: str = "",
        by: str = "",
    ) -> Flow[Order]:
        """Report what came back to ``location``: in parts, and also other than was announced.

        A report, never refused: without ``return_id`` it is a return nobody announced. The goods
        wait in quarantine to be inspected. More than the customer can have opens the exception
        ``returned_too_much``. Raises NotFound for an unknown line or return.
        """
        at = self.setting.moment(at)
        arrived = counts(units, "units")
        identifier(location, "location")
        said: dict[str, object] = {"units": arrived, "location": location}
        if return_id != "":
            said["return_id"] = identifier(return_id, "return_id")
        call = Call(ReturnReceived, said, at, key, by, occurred_at=occurred_at, reapply=True)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: returning.receive(
                    order, return_id, arrived, location=location, at=at
                ),
            )
        )

    @command
    def inspect_return(
        self,
        order_id: str,
        return_id: str,
        *,
        restock: Mapping[str, int] | None = None,
        quarantine: Mapping[str, int] | None = None,
        write_off: Mapping[str, int] | None = None,
        send_back: Mapping[str, int] | None = None,
        reason: str = "",
        expected_due: Money | None = None,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Say what becomes of units that came back (by line id): for sale again, kept, or lost.

        What is refused is sent back: it is the customer's again, and is not credited.
        By the policy what was inspected is credited now, fees and exchanged goods become due, and
        the difference is paid back or owed. Raises QuantityRefused for more than came back,
        IllegalTransition if nothing did, InvalidInput if nothing is said.
        """
        at = self.setting.moment(at)
        identifier(return_id, "return_id")
        text(reason, "reason")
        verdicts: list[tuple[str, Verdict, int]] = []
        told: tuple[tuple[Verdict, Mapping[str, int] | None], ...] = (
            ("restock", restock),
            ("quarantine", quarantine),
            ("write_off", write_off),
            ("send_back", send_back),
        )
        for verdict, units in told:
            for line_id, count in () if units is None else counts(units, verdict):
                verdicts.append((line_id, verdict, count))
        if not verdicts:
            raise InvalidInput.at("restock", "say what becomes of at least one unit")
        said = {"return_id": return_id, "verdicts": tuple(verdicts), "reason": reason}
        call = Call(ReturnInspected, said, at, key, by, expected_version, expected_due=expected_due)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: returning.inspect(order, return_id, verdicts, at=at, reason=reason),
            )
        )

    @command
    def claim(
        self,
        order_id: str,
        units: Mapping[str, int],
        *,
        fault: Fault,
        remedy: Remedy,
        reason: str = "",
        expected_due: Money | None = None,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Make good ``units`` (by line id) that were lost, wrong or damaged and do not come back.

        ``refund`` credits them; ``replace`` sends the same again on a new line, which takes over
        what was due for them to the cent. Raises QuantityRefused for more than the customer has
        kept, OutOfStock if a replacement is nowhere and the policy rejects that.
        """
        at = self.setting.moment(at)
        asked = counts(units, "units")
        choice(fault, Fault, "fault")
        choice(remedy, Remedy, "remedy")
        said = {
            "units": asked,
            "fault": fault,
            "remedy": remedy,
            "reason": text(reason, "reason"),
        }
        call = Call(
            UnitsClaimed,
            said,
            at,
            key,
            by,
            expected_version,
            expected_due=expected_due,
            sourced=True,
        )
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: (
                    returning.claim(order, asked, fault=fault, remedy=remedy, at=at, reason=reason),
                ),
            )
        )
