"""How parameters are written, and that none is made up: Stripe refuses what it does not know."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl


class Refusal(Exception):
    """An error as Stripe answers it: https://docs.stripe.com/api/errors."""

    def __init__(self, status: int, message: str, **facts: object) -> None:
        super().__init__(message)
        self.status = status
        self.saved = facts.pop("saved", True)
        kind = facts.pop("type", "invalid_request_error")
        self.body = {"error": {"type": kind, "message": message, **facts}}


def wrong(code: str, message: str, param: str = "", status: int = 400) -> Refusal:
    """A refusal of the parameters, before the endpoint begins: not kept under the key."""
    facts = {"param": param} if param else {}
    return Refusal(status, message, code=code, saved=False, **facts)


Shape = Mapping[str, Any]
"""What an endpoint takes: a name and `int`, `bool`, `str`, `list` or `dict` (free pairs), a tuple
of allowed words, or again a shape."""


def nested(pairs: str) -> dict[str, Any]:
    """`a[b]=c&d[0]=e` as dicts; what is numbered becomes a list."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(pairs, keep_blank_values=True):
        head, *rest = name.replace("]", "").split("[")
        place = found
        *outer, last = head, *rest
        for key in outer:
            place = place.setdefault(key, {})
        place[last] = value
    return {name: _list(value) for name, value in found.items()}


def _list(value: Any) -> Any:  # noqa: ANN401 - any parameter
    if isinstance(value, dict) and all(key.isdecimal() for key in value):
        return [value[key] for key in sorted(value, key=int)]
    if isinstance(value, dict):
        return {key: _list(one) for key, one in value.items()}
    return value


def checked(given: Mapping[str, Any], shape: Shape, path: str = "") -> dict[str, Any]:
    """`given`, read as `shape` says; refuse what it does not name."""
    found = {}
    for name, value in given.items():
        here = f"{path}[{name}]" if path else name
        if name not in shape:
            raise _unknown(here)
        found[name] = _read(value, shape[name], here)
    return found


def _unknown(here: str) -> Refusal:
    if here == "payment_method_types":
        # https://docs.stripe.com/changelog/endive/2026-09-30 "Removes the payment method types
        # parameter from Payment Intents and Setup Intents"
        told = "payment_method_types is no longer supported."
        return wrong("payment_method_types_no_longer_supported", told, here)
    return wrong("parameter_unknown", f"Received unknown parameter: {here}", here)


def _read(value: Any, kind: Any, here: str) -> Any:  # noqa: ANN401 - any parameter
    if isinstance(kind, Mapping):
        return checked(value, kind, here)
    if isinstance(kind, tuple):
        if value not in kind:
            told = f"Invalid {here}: must be one of {', '.join(kind)}"
            raise wrong("parameter_invalid", told, here)
        return value
    if kind is int:
        if not value.lstrip("-").isdecimal():
            raise wrong("parameter_invalid_integer", f"Invalid integer: {value}", here)
        return int(value)
    if kind is bool:
        if value not in ("true", "false"):
            raise wrong("parameter_invalid", f"Invalid boolean: {value}", here)
        return value == "true"
    if kind is str and not value:
        raise wrong("parameter_invalid_empty", f"You passed an empty string for '{here}'.", here)
    return _metadata(value, here) if kind is dict else value


def _metadata(value: dict[str, str], here: str) -> dict[str, str]:
    """https://docs.stripe.com/api/metadata: 40 characters a name, 500 a value."""
    for name, one in value.items():
        if len(name) > 40 or len(one) > 500:
            raise wrong("parameter_invalid", f"{here}[{name}] is too long", here)
    return value
