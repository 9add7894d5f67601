"""To plain data and back: dicts, lists, strings, whole numbers, booleans and None, ready for JSON.

Fixed tags, never class names, say what a thing is, so that code may be renamed without touching
what is stored. Every field is written, also one that is as by default: the default may be another
one day. Reading is strict: no silent conversions, and every fault is reported with its path (of one
list the first hundred).
Fields this version does not know are refused: what a newer one wrote must not be dropped silently.
So is an order of the present schema without all its fields: something has lost them. Elsewhere what
is not there is as by default.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import (
    TYPE_CHECKING,
    Any,
    TypeVar,
    Union,
    cast,
    final,
    get_args,
    get_origin,
    get_type_hints,
)

from attrs import NOTHING, fields, has
from cattrs import Converter, cols, transform_error
from cattrs.errors import (
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.strategies import configure_tagged_union

from orderwright import errors
from orderwright.errors import CodecError, Fault, InvalidInput, OrderwrightError
from orderwright.fulfillment.shipping import LabelRequest
from orderwright.inventory.postings import Posting
from orderwright.lifecycles import STANDARD, Lifecycles, Phase
from orderwright.money import Money
from orderwright.orders import events
from orderwright.orders.intents import Transfer
from orderwright.orders.lines import AddAdjustment, AddCharge, AddLine, Change, ChangeLine
from orderwright.orders.order import Order
from orderwright.payments.operations import PaymentRequest
from orderwright.upgrades import upgraded_event, upgraded_order
from orderwright.values import aware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["SCHEMA", "Codec"]

T = TypeVar("T")

SCHEMA = 6
"""The version of the stored form of an order; a change that old programs misread raises it."""

_EVENTS: dict[type[events.Event], str] = {
    events.OrderPlaced: "order_placed.v2",
    events.OrderDrafted: "order_drafted.v1",
    events.OrderApproved: "order_approved.v1",
    events.NoteAdded: "note_added.v1",
    events.NothingChanged: "nothing_changed.v1",
    events.TagsChanged: "tags_changed.v1",
    events.OrderAdvanced: "order_advanced.v1",
    events.OrderCancelled: "order_cancelled.v3",
    events.OrderEdited: "order_edited.v1",
    events.OrderCredited: "order_credited.v1",
    events.ReturnRequested: "return_requested.v1",
    events.ReturnAdvanced: "return_advanced.v1",
    events.ReturnReceived: "return_received.v1",
    events.ReturnInspected: "return_inspected.v1",
    events.ReturnCredited: "return_credited.v1",
    events.UnitsClaimed: "units_claimed.v1",
    events.PaymentsAdded: "payments_added.v1",
    events.MoneyRequested: "money_requested.v1",
    events.Intended: "intended.v1",
    events.IntentClaimed: "intent_claimed.v1",
    events.IntentParked: "intent_parked.v1",
    events.FulfillmentsPlanned: "fulfillments_planned.v2",
    events.StockPosted: "stock_posted.v1",
    events.UnitsMissing: "units_missing.v1",
    events.StockRefused: "stock_refused.v1",
    events.PaymentReported: "payment_reported.v1",
    events.FulfillmentAdvanced: "fulfillment_advanced.v1",
    events.FulfillmentsChanged: "fulfillments_changed.v1",
    events.LabelRequested: "label_requested.v1",
    events.LabelReported: "label_reported.v1",
    events.HoldPlaced: "hold_placed.v1",
    events.HoldReleased: "hold_released.v1",
    events.ExceptionOpened: "exception_opened.v1",
    events.ExceptionResolved: "exception_resolved.v1",
    events.MoneyMoved: "money_moved.v1",
    events.ContactsForgotten: "contacts_forgotten.v1",
    events.StopRequested: "stop_requested.v1",
    events.StopRefused: "stop_refused.v1",
    events.OrderPromised: "order_promised.v1",
    events.ParcelScanned: "parcel_scanned.v1",
    events.CourseFired: "course_fired.v1",
    events.TableChanged: "table_changed.v1",
    events.TabClosed: "tab_closed.v1",
    events.TabReopened: "tab_reopened.v1",
    events.DueTransferred: "due_transferred.v1",
    events.TransferSettled: "transfer_settled.v1",
}
_REQUESTS: dict[type, str] = {
    Posting: "posting.v1",
    PaymentRequest: "payment.v1",
    Transfer: "transfer.v1",
    LabelRequest: "label.v1",
}
_CHANGES: dict[type, str] = {
    AddLine: "add_line.v1",
    ChangeLine: "change_line.v1",
    AddCharge: "add_charge.v1",
    AddAdjustment: "add_adjustment.v1",
}
_ERRORS: dict[type[OrderwrightError], str] = {
    errors.OrderwrightError: "orderwright_error.v1",
    errors.Mistake: "mistake.v1",
    errors.InvalidInput: "invalid_input.v1",
    errors.CodecError: "codec_error.v1",
    errors.NotFound: "not_found.v1",
    errors.KeyReused: "key_reused.v1",
    errors.Refused: "refused.v1",
    errors.IllegalTransition: "illegal_transition.v1",
    errors.OutOfStock: "out_of_stock.v1",
    errors.QuantityRefused: "quantity_refused.v1",
    errors.AmountRefused: "amount_refused.v1",
    errors.WindowClosed: "window_closed.v1",
    errors.OnHold: "on_hold.v1",
    errors.Conflict: "conflict.v1",
    errors.AdapterFault: "adapter_fault.v1",
    errors.OutcomeUnknown: "outcome_unknown.v1",
    errors.BrokenPromise: "broken_promise.v1",
}
_ERRORS_BY_TAG = {tag: kind for kind, tag in _ERRORS.items()}
_EVENT: Any = Union[tuple(_EVENTS)]  # noqa: UP007 - made from the table


@final
class Codec:
    """Turns orders, events, values and errors of this library into plain data and back.

    ``lifecycles`` are those the orders were made under. The first codec for some is costly to make;
    it is safe to share between threads.

    >>> codec = Codec()
    >>> codec.encode(Money.of("12.50", "EUR"))
    {'minor': 1250, 'currency': 'EUR'}
    >>> codec.decode({"minor": 1250, "currency": "EUR"}, Money)
    Money('12.50 EUR')
    """

    def __init__(self, lifecycles: Lifecycles = STANDARD) -> None:
        self._converter = _converter(lifecycles)

    def encode(self, value: object) -> dict[str, Any]:
        """Return ``value``, anything that orders, events and postings hold, as plain data."""
        return cast("dict[str, Any]", self._converter.unstructure(value))

    def decode(self, data: object, kind: type[T]) -> T:
        """Return the ``kind`` that ``data`` stands for; raise CodecError with every fault."""
        return cast("T", self._read(data, kind))

    def encode_event(self, event: events.Event) -> dict[str, Any]:
        """Return an event as plain data; ``type`` is its tag."""
        return cast("dict[str, Any]", self._converter.unstructure(event, _EVENT))

    def decode_event(self, data: object) -> events.Event:
        """Return the event that ``data`` stands for; raise CodecError with every fault."""
        data = _upgraded(upgraded_event, _object(data, "type"))
        tag = data["type"]
        if tag not in _EVENTS.values():
            raise CodecError.at("$.type", f"{_told(tag)} is no event this version knows")
        return cast("events.Event", self._read(data, _EVENT))

    def encode_order(self, order: Order) -> dict[str, Any]:
        """Return an order as plain data, with the schema number it is written in."""
        return {"schema": SCHEMA, "order": self.encode(order)}

    def decode_order(self, data: object) -> Order:
        """Return the order that ``data`` stands for.

        Raises CodecError with every fault, also for a schema newer than this version reads.
        """
        document = _document(data, "schema", "order")
        schema = document["schema"]
        if type(schema) is not int or not 1 <= schema <= SCHEMA:
            wrong = f"schema {_told(schema)}; this version reads 1 to {SCHEMA}"
            raise CodecError.at("$.schema", wrong)
        stored = document["order"]
        if schema < SCHEMA:
            known = _object(stored, "lines", "charges", "payments", "fulfillments")
            stored = _upgraded(lambda one: upgraded_order(one, schema), known)
            return cast("Order", self._read(stored, Order))
        before = _WHOLE.set(True)
        try:
            return cast("Order", self._read(stored, Order))
        finally:
            _WHOLE.reset(before)

    def encode_error(self, error: OrderwrightError) -> dict[str, Any]:
        """Return an error as plain data: ``error`` is its tag, ``facts`` are its facts.

        An error class of your own is written as the nearest of ours that it derives from.
        """
        known = next(kind for kind in type(error).__mro__ if kind in _ERRORS)
        facts = {
            name: self._converter.unstructure(getattr(error, name), kind)
            for name, kind in _facts(known).items()
        }
        return {"error": _ERRORS[known], "facts": facts}

    def decode_error(self, data: object) -> OrderwrightError:
        """Return the error that ``data`` stands for; raise CodecError."""
        document = _document(data, "error", "facts")
        tag = document["error"]
        kind = _ERRORS_BY_TAG.get(tag) if isinstance(tag, str) else None
        if kind is None:
            raise CodecError.at("$.error", f"{_told(tag)} is none of our errors")
        hints = _facts(kind)
        stored = _document(document["facts"], *hints)
        return errors.revive(
            kind, {name: self._read(stored[name], hint) for name, hint in hints.items()}
        )

    def _read(self, data: object, kind: object) -> Any:  # noqa: ANN401 - cast by each caller
        try:
            return self._converter.structure(data, cast("type[Any]", kind))
        except BaseValidationError as error:
            lines = transform_error(error, format_exception=_format)
            raise CodecError(fault for line in lines for fault in _faults(line)) from None
        except _UNREADABLE as error:
            raise CodecError(_faults(f"{_format(error, None)} @ $")) from None


def _told(value: object) -> str:
    """Return ``value`` as a message can show it: not everything can be printed."""
    if type(value) is int and abs(value) < _LARGEST:
        return str(value)[:_SHOWN]
    return repr(value[:_SHOWN]) if isinstance(value, str) else f"a {type(value).__name__}"


def _key(name: object) -> str:
    """Return an unknown field as a path can show it."""
    if isinstance(name, str) and name.isprintable():
        return name[:_SHOWN]
    return _told(name)


def _object(data: object, *keys: str) -> dict[str, object]:
    """Return ``data`` if it is an object with ``keys``."""
    found = cast("dict[str, object]", data if isinstance(data, dict) else {})
    missing = [Fault(f"$.{key}", "required field missing") for key in keys if key not in found]
    if missing:
        raise CodecError(missing)
    return found


def _upgraded(
    upgrade: Callable[[dict[str, Any]], dict[str, Any]], data: dict[str, object]
) -> dict[str, Any]:
    """Bring stored data up to date; what cannot be is no data of that version."""
    try:
        return upgrade(data)
    except _UNREADABLE as error:
        wrong = f"cannot be brought up to date: {type(error).__name__}: {error}"
        raise CodecError.at("$", wrong) from None


def _document(data: object, *keys: str) -> dict[str, object]:
    """Return ``data`` if it is an object with ``keys`` and no others."""
    found = _object(data, *keys)
    if len(found) > len(keys):
        extra = sorted(_key(one) for one in found if one not in keys)
        raise CodecError(Fault(f"$.{one}", "unknown field") for one in extra)
    return found


def _facts(kind: type[OrderwrightError]) -> dict[str, Any]:
    return get_type_hints(kind, vars(errors) | {"Money": Money, "datetime": datetime})


def _faults(line: str) -> Iterator[Fault]:
    message, _, path = line.rpartition(" @ ")
    for one in message.split("\0"):
        inner, _, told = one.rpartition("\1")
        yield Fault(f"{path}.{inner}" if inner else path, told)


_UNREADABLE = (
    TypeError,
    ValueError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
)
_SHOWN = 40
_MOST_FAULTS = 100
"""So many are told of one list."""


def _format(error: BaseException, _: type | None) -> str:
    if isinstance(error, InvalidInput):
        return "\0".join(f"{fault.path}\1{fault.message}" for fault in error.faults)
    if isinstance(error, ForbiddenExtraKeysError):
        wrong = "unknown field: a newer version wrote it, or a slip"
        return "\0".join(sorted(f"{_key(one)}\1{wrong}" for one in error.extra_fields))
    if isinstance(error, AttributeError):  # what is no object has no keys
        return "expected an object"
    if isinstance(error, KeyError):
        return f"required field missing: {error.args[0]}"
    return str(error).translate(_NO_MARKS) or type(error).__name__


_NO_MARKS = {0: "\\0", 1: "\\1"}
"""What separates faults, and paths from what is wrong there, is neither where data say it."""

_WHOLE: ContextVar[bool] = ContextVar("whole", default=False)
"""Whether every field has to be there, also one that has a default."""


def _whole(
    most: int, usual: tuple[str, ...], read: Callable[[Any, Any], Any]
) -> Callable[[object, object], object]:
    """Return what reads an object of so many fields, of which ``usual`` ones may be left out.

    Not where all are asked for. One that is unknown instead is refused in any case.
    """

    def reading(data: object, kind: object) -> object:
        if type(data) is not dict or len(data) >= most or not _WHOLE.get():  # pyright: ignore[reportUnknownArgumentType]
            return read(data, kind)
        lost = [Fault(one, "required field missing") for one in usual if one not in data]
        wrong: list[Exception] = [InvalidInput(lost)] if lost else []
        try:
            read(data, kind)  # which tells what else is wrong, and what is lost that has no default
        except BaseValidationError as error:
            wrong += error.exceptions
        raise ClassValidationError("fields", wrong, cast("type", kind))  # pyright: ignore[reportCallIssue]

    return reading


def _strictly(kind: type[T]) -> Callable[[object, object], T]:
    def read(value: object, _: object) -> T:
        if type(value) is not kind:
            raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
        return value

    return read


_read_str = _strictly(str)
_read_whole = _strictly(int)
_read_list = cast("Callable[[object, object], list[object]]", _strictly(list))


def _read_int(value: object, kind: object) -> int:
    found = _read_whole(value, kind)
    if not -_LARGEST <= found <= _LARGEST:
        raise ValueError("has more digits than can be written")
    return found


_LARGEST = 10**1_000


def _read_decimal(value: object, kind: object) -> Decimal:
    try:
        return Decimal(_read_str(value, kind))
    except InvalidOperation:
        raise TypeError(f"expected a decimal number as a string, got {_told(value)}") from None


def _read_datetime(value: object, kind: object) -> datetime:
    return aware(datetime.fromisoformat(_read_str(value, kind)), "")


def _is_list(kind: object) -> bool:
    return get_origin(kind) in (tuple, frozenset)


def _is_tuple(kind: Any) -> bool:  # noqa: ANN401
    return get_origin(kind) is tuple


def _pairs(items: tuple[Any, ...], using: Converter) -> Callable[[object, object], object]:
    def read(value: object, _: object) -> object:
        given = _read_list(value, _)
        if len(given) != len(items):
            raise TypeError(f"expected {len(items)} items, got {len(given)}")
        return tuple(using.structure(one, kind) for one, kind in zip(given, items, strict=True))

    return read


def _each(values: list[object], kind: Any, using: Converter) -> list[object]:  # noqa: ANN401
    """Read every item, or tell of the first that cannot be: each costs kilobytes until told."""
    if not values:
        return values
    read = cast("Callable[[object, object], object]", using.get_structure_hook(kind))
    found: list[object] = []
    faults: list[Exception] = []
    for index, one in enumerate(values):
        try:
            found.append(read(one, kind))
        except Exception as error:  # noqa: BLE001 - as the converter itself does
            error.add_note(IterableValidationNote(f"at index {index}", index, kind))
            faults.append(error)
            if len(faults) == _MOST_FAULTS:
                break
    if faults:
        raise IterableValidationError("items", faults, list)  # pyright: ignore[reportCallIssue]
    return found


@lru_cache(maxsize=16)  # it writes code for each class: that takes a third of a second
def _converter(lifecycles: Lifecycles) -> Converter:
    converter = Converter(forbid_extra_keys=True)
    converter.register_structure_hook(str, _read_str)
    converter.register_structure_hook(bool, _strictly(bool))
    converter.register_structure_hook(int, _read_int)
    converter.register_unstructure_hook(Phase, lambda phase: phase.value)
    # A phase is a str too: without a hook of its own it would come back as a bare string.
    converter.register_structure_hook(Phase, lambda value, _: Phase(_read_str(value, _)))
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, _read_decimal)
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_structure_hook(datetime, _read_datetime)
    converter.register_unstructure_hook(timedelta, lambda value: value // timedelta(microseconds=1))
    converter.register_structure_hook(
        timedelta, lambda value, _: timedelta(microseconds=_read_whole(value, _))
    )
    _register_collections(converter)
    converter.register_unstructure_hook(Lifecycles, lambda value: value.name)

    def named(value: object, _: object) -> Lifecycles:
        if value != lifecycles.name:
            raise ValueError(f"made under lifecycles {value!r}; this codec has {lifecycles.name!r}")
        return lifecycles

    converter.register_structure_hook(Lifecycles, named)
    for union, tags in (
        (Posting | PaymentRequest | Transfer | LabelRequest, _REQUESTS),
        (Change, _CHANGES),
        (_EVENT, _EVENTS),
    ):
        _register_tagged(converter, union, tags)
    return converter


def _register_tagged(converter: Converter, union: Any, tags: Mapping[type, str]) -> None:  # noqa: ANN401
    """One of several classes, by its tag; a tag that is none of theirs is told as such."""
    configure_tagged_union(union, converter, tag_name="type", tag_generator=tags.__getitem__)
    read = cast("Callable[[object, object], object]", converter.get_structure_hook(union))
    known = frozenset(tags.values())

    def tagged(data: object, kind: object) -> object:
        if not isinstance(data, dict):
            raise TypeError("expected an object")
        found = cast("dict[str, object]", data)
        tag = found.get("type", "")
        if "type" in found and (not isinstance(tag, str) or tag not in known):
            raise InvalidInput.at("type", f"{_told(tag)} is none this version knows")
        return read(found, kind)

    converter.register_structure_hook(union, tagged)


def _register_collections(converter: Converter) -> None:
    """Tuples, sets and named tuples: as lists and objects, and strictly back."""
    converter.register_unstructure_hook_func(
        lambda kind: getattr(kind, "__origin__", kind) is frozenset, sorted
    )

    @converter.register_unstructure_hook_factory(_is_tuple)
    def of_tuple(kind: Any, using: Converter) -> Callable[[Any], object]:  # noqa: ANN401
        # By what it is declared to hold: only that tells of a union, which is written with a tag.
        hooks = [using.get_unstructure_hook(one) for one in get_args(kind) if one is not ...]
        if get_args(kind)[-1] is ...:
            each = hooks[0]
            return lambda value: [each(one) for one in value]
        return lambda value: [write(one) for one, write in zip(value, hooks, strict=True)]

    @converter.register_structure_hook_factory(_is_list)
    def of_list(kind: Any, using: Converter) -> Callable[[object, object], object]:  # noqa: ANN401
        # By default cattrs takes anything it can iterate over: a string would become its letters.
        items = get_args(kind)
        if items[-1] is not ... and get_origin(kind) is tuple:
            return _pairs(items, using)
        make = cast("Callable[[object], object]", get_origin(kind))
        return lambda value, _: make(_each(_read_list(value, _), items[0], using))

    @converter.register_unstructure_hook_factory(cols.is_namedtuple)
    def by_name(kind: type[tuple[object, ...]], using: Converter) -> Callable[[Any], Any]:
        return cols.namedtuple_dict_unstructure_factory(kind, using)  # pyright: ignore[reportUnknownMemberType]

    @converter.register_structure_hook_factory(cols.is_namedtuple)
    def from_names(kind: Any, using: Converter) -> Callable[[object, object], object]:  # noqa: ANN401
        read = cols.namedtuple_dict_structure_factory(kind, using, "from_converter", True)  # noqa: FBT003 # pyright: ignore[reportUnknownMemberType]
        return _whole(len(kind._fields), tuple(kind._field_defaults), read)

    @converter.register_structure_hook_factory(has)
    def of_class(kind: Any, using: Converter) -> Callable[[object, object], object]:  # noqa: ANN401
        known = [one for one in fields(kind) if one.init]
        usual = tuple(one.name for one in known if one.default is not NOTHING)
        return _whole(len(known), usual, using.gen_structure_attrs_fromdict(kind))
