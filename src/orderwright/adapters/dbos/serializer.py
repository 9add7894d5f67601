"""What DBOS stores, as JSON that says of each value of ours what it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast, final

from dbos import Serializer

from orderwright.errors import AdapterFault, CodecError, OrderwrightError, said_by
from orderwright.flows.resuming import Resumed
from orderwright.fulfillment.fulfillment import Scan
from orderwright.fulfillment.shipping import LabelOutcome, LabelRequest, Parcel, Rate, Shipment
from orderwright.inventory.entries import Reservation
from orderwright.inventory.ledger import Claim, Incoming, Lot, Stock
from orderwright.inventory.postings import Posting
from orderwright.money import Money, UnitPrice
from orderwright.orders.amounts import Adjustment
from orderwright.orders.contacts import Contact
from orderwright.orders.events import Event
from orderwright.orders.lines import (
    AddAdjustment,
    AddCharge,
    AddLine,
    ChangeLine,
    Charge,
    DraftLine,
    Policy,
    Reference,
)
from orderwright.orders.order import Order
from orderwright.payments.operations import PaymentOutcome, PaymentRequest
from orderwright.payments.payment import Tender
from orderwright.ports import DueOrder, OpenFulfillment

if TYPE_CHECKING:
    from collections.abc import Callable

    from orderwright.codec import Codec

__all__ = ["CodecSerializer"]

# Fixed tags, as in the codec: a class may be renamed without touching what is stored.
_VALUES: dict[type[object], str] = {
    Money: "money.v1",
    UnitPrice: "unit_price.v1",
    DraftLine: "draft_line.v1",
    Charge: "charge.v1",
    Adjustment: "adjustment.v1",
    AddLine: "add_line.v1",
    ChangeLine: "change_line.v1",
    AddCharge: "add_charge.v1",
    AddAdjustment: "add_adjustment.v1",
    Tender: "tender.v1",
    Contact: "contact.v1",
    Policy: "policy.v1",
    Posting: "posting.v1",
    PaymentRequest: "payment_request.v1",
    PaymentOutcome: "payment_outcome.v1",
    Reservation: "reservation.v1",
    Parcel: "parcel.v1",
    Rate: "rate.v1",
    LabelRequest: "label_request.v1",
    LabelOutcome: "label_outcome.v1",
}
_RECORDS: dict[type[object], str] = {
    Reference: "reference.v1",
    Lot: "lot.v1",
    Stock: "stock.v1",
    Incoming: "incoming.v1",
    Claim: "claim.v1",
    DueOrder: "due_order.v1",
    OpenFulfillment: "open_fulfillment.v1",
    Resumed: "resumed.v1",
    Scan: "scan.v1",
    Shipment: "shipment.v1",
}
_TAG, _VALUE = "$", "value"
_PLAIN = (str, int, float, bool, type(None))


@final
class CodecSerializer(Serializer):
    """The ``serializer`` of a DBOS configuration: everything is kept as tagged plain JSON.

    Takes what commands and ports take and answer, and plain data of your own workflows. An
    exception that is none of ours comes back as an AdapterFault that names it. Raises CodecError
    for anything else, and for what it cannot read.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        kinds = {**_VALUES, **_RECORDS}
        self._readers: dict[str, Callable[[Any], object]] = {
            "order": codec.decode_order,
            "event": codec.decode_event,
            "error": codec.decode_error,
            "datetime": datetime.fromisoformat,
            "tuple": lambda data: tuple(self._read(data)),
            "set": lambda data: frozenset(self._read(data)),
            "mapping": lambda data: dict(self._read(data)),
            **{tag: self._reader(kind) for kind, tag in kinds.items()},
        }

    def _reader(self, kind: type[object]) -> Callable[[Any], object]:
        if kind in _VALUES:
            return lambda data: self._codec.decode(data, kind)
        make: Callable[..., object] = kind
        return lambda data: make(**self._read(data))

    def name(self) -> str:
        """Return the name under which DBOS notes in what form something is stored."""
        return "orderwright_json"

    def serialize(self, data: object) -> str:
        """Return ``data`` as JSON; raise CodecError for what is no value of ours and not plain."""
        try:
            plain = self._plain(data, "$")
            return json.dumps(plain, allow_nan=False, separators=(",", ":"))
        except CodecError:
            raise
        except (ValueError, RecursionError) as error:
            raise CodecError.at("$", f"cannot be stored: {error}") from None

    def deserialize(self, serialized_data: str) -> object:
        """Return what ``serialized_data`` stands for; raise CodecError."""
        try:
            return self._read(json.loads(serialized_data))
        except CodecError:
            raise
        except (ValueError, TypeError, RecursionError) as error:
            raise CodecError.at("$", f"cannot be read: {error}") from None

    def _plain(self, value: object, path: str) -> object:
        if type(value) in _PLAIN:
            return value
        if isinstance(value, list):
            return self._each(cast("list[object]", value), path)
        if isinstance(value, Mapping):
            return self._mapping(cast("Mapping[object, object]", value), path)
        tag, data = self._of_ours(value, path) or self._of_python(value, path)
        return {_TAG: tag, _VALUE: data}

    def _each(self, values: Iterable[object], path: str) -> list[object]:
        return [self._plain(one, f"{path}[{index}]") for index, one in enumerate(values)]

    def _mapping(self, value: Mapping[object, object], path: str) -> object:
        if _TAG not in value and all(type(key) is str for key in value):
            return {key: self._plain(one, f"{path}.{key}") for key, one in value.items()}
        return {_TAG: "mapping", _VALUE: self._each(value.items(), path)}

    def _of_ours(self, value: object, path: str) -> tuple[str, object] | None:
        kind = type(value)
        if kind in _VALUES:
            return _VALUES[kind], self._codec.encode(value)
        if kind in _RECORDS:
            record = cast("Resumed", value)._asdict()
            return _RECORDS[kind], {
                name: self._plain(one, f"{path}.{name}") for name, one in record.items()
            }
        if isinstance(value, Order):
            return "order", self._codec.encode_order(value)
        if isinstance(value, Event):
            return "event", self._codec.encode_event(value)
        return None

    def _of_python(self, value: object, path: str) -> tuple[str, object]:
        if isinstance(value, datetime):
            return "datetime", value.isoformat()
        if isinstance(value, Exception):
            return "error", self._codec.encode_error(_ours(value))
        if isinstance(value, set | frozenset):
            items = self._each(cast("Iterable[object]", value), path)
            return "set", sorted(items, key=json.dumps)
        if isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray):
            return "tuple", self._each(cast("Iterable[object]", value), path)
        name = type(value).__name__
        wrong = f"no {name} can be stored: use plain data and the library's values"
        raise CodecError.at(path, wrong)

    def _read(self, data: object) -> Any:  # noqa: ANN401 - whatever was stored
        if isinstance(data, list):
            return [self._read(one) for one in cast("list[object]", data)]
        if not isinstance(data, dict):
            return data
        document = cast("dict[str, object]", data)
        if _TAG not in document:
            return {key: self._read(one) for key, one in document.items()}
        tag = document[_TAG]
        reader = self._readers.get(tag) if isinstance(tag, str) else None
        if reader is None:
            raise CodecError.at(f"$.{_TAG}", f"{tag!r:.40} is nothing this version knows")
        return reader(document.get(_VALUE))


def _ours(error: Exception) -> OrderwrightError:
    """Return what is kept of an exception: one of ours whole, of any other what it says."""
    if isinstance(error, OrderwrightError):
        return error
    return AdapterFault("dbos", said_by(error))
