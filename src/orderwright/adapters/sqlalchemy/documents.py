"""JSON documents: written as text and read back, or told to be unreadable with their record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar, final

import orjson
from sqlalchemy import Text, cast

from orderwright.errors import AdapterFault, CodecError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Cast, ColumnElement

    from orderwright.codec import Codec

__all__ = ["Documents", "as_text", "dumped"]

T = TypeVar("T")

# For what orjson refuses, as integers of more than 64 bits.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def dumped(data: object) -> str:
    """Return plain data as JSON."""
    try:
        return orjson.dumps(data).decode()
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
