"""JSON documents: written as text and read back, or told to be unreadable with their record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar, final

from sqlalchemy import Text, cast

from orderwright.errors import AdapterFault, CodecError

try:
    import orjson
except ImportError as _missing:  # pragma: no cover - the extra is installed where this is tested
    raise ImportError("pip install 'orderwright[sqlalchemy]' to keep orders in SQL") from _missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Cast, ColumnElement

    from orderwright.codec import Codec

__all__ = ["Documents", "as_text", "dumped"]

T = TypeVar("T")

# What the standard library does not know either is refused, as far as orjson can be told so.
_STRICT = (
    orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
# For what only orjson refuses: integers of more than 64 bits, halves of surrogate pairs.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def dumped(data: object) -> str:
    """Return plain data as JSON."""
    try:
        return orjson.dumps(data, option=_STRICT).decode()
    except orjson.JSONEncodeError:
        return _encode(data)


def as_text(column: ColumnElement[Any]) -> Cast[str]:
    """Return a document as it is stored, whatever the driver would make of it."""
    return cast(column, Text)


@final
class Documents:
    """Reads what is stored for ``adapter``; ``codec`` knows the lifecycles it was made under."""

    def __init__(self, adapter: str, codec: Codec) -> None:
        self.adapter: str = adapter
        self.codec: Codec = codec

    def read(self, record: str, document: str, decode: Callable[[object], T]) -> T:
        """Return what a document stands for; raise AdapterFault naming the ``record``."""
        try:
            return decode(json.loads(document))
        except (CodecError, ValueError, TypeError, RecursionError) as error:
            told = f"{record} cannot be read: {error}"
            raise AdapterFault(self.adapter, told) from error
