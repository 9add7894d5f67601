"""What Stripe lets through and what it refuses, in its own words as far as tests need them."""

import re
from typing import Any

from tests.stripe_fake.cards import Card
from tests.stripe_fake.forms import Refusal, Shape, wrong

Thing = dict[str, Any]
SMALLEST = {"eur": 50, "usd": 50, "gbp": 30}
"""https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts"""
MOST = 99_999_999
_TENS = ("bhd", "jod", "kwd", "omr", "tnd")

_METHODS = {"enabled": bool, "allow_redirects": ("always", "never")}
_CARD = {"card": {"request_multicapture": ("if_available", "never")}}
_PAGE = {"limit": int, "starting_after": str, "expand": list}
ENDPOINTS: list[tuple[str, str, str, Shape]] = [
    ("POST", "/v1/customers", "customer", {"name": str, "email": str, "metadata": dict}),
    ("POST", "/v1/payment_methods/(?P<name>[^/]+)/attach", "attach", {"customer": str}),
    ("GET", "/v1/payment_intents", "list", {"customer": str, **_PAGE}),
    (
        "POST",
        "/v1/payment_intents",
        "create",
        {
            "amount": int,
            "automatic_payment_methods": _METHODS,
            "capture_method": ("automatic", "automatic_async", "manual"),
            "confirm": bool,
            "currency": str,
            "customer": str,
            "description": str,
            "expand": list,
            "metadata": dict,
            "off_session": bool,
            "payment_method": str,
            "payment_method_options": _CARD,
            "return_url": str,
        },
    ),
    ("GET", "/v1/payment_intents/(?P<name>[^/]+)", "retrieve", {"expand": list}),
    (
        "POST",
        "/v1/payment_intents/(?P<name>[^/]+)/capture",
        "capture",
        {"amount_to_capture": int, "final_capture": bool, "metadata": dict, "expand": list},
    ),
    (
        "POST",
        "/v1/payment_intents/(?P<name>[^/]+)/cancel",
        "cancel",
        {
            "cancellation_reason": (
                "abandoned",
                "duplicate",
                "fraudulent",
                "requested_by_customer",
            ),
            "expand": list,
        },
    ),
    ("GET", "/v1/refunds", "list_refunds", {"payment_intent": str, **_PAGE}),
    (
        "POST",
        "/v1/refunds",
        "refund",
        {
            "amount": int,
            "metadata": dict,
            "payment_intent": str,
            "reason": ("duplicate", "fraudulent", "requested_by_customer"),
        },
    ),
    ("GET", "/v1/refunds/(?P<name>[^/]+)", "retrieve_refund", {}),
]


def endpoint_of(method: str, path: str) -> tuple[str, dict[str, str], Shape]:
    """The endpoint that is meant, the names in its address, and what it takes."""
    for verb, pattern, name, shape in ENDPOINTS:
        found = re.fullmatch(pattern, path)
        if found and verb == method:
            return name, found.groupdict(), shape
    raise wrong("url_invalid", f"Unrecognized request URL ({method}: {path}).", status=404)


def in_use() -> Refusal:
    """Somebody else is being served under that key."""
    told = "There is currently another in-progress request using this Idempotent Key."
    return Refusal(409, told, type="idempotency_error", code="idempotency_key_in_use", saved=False)


def missing(kind: str, name: str, param: str, status: int = 400) -> Refusal:
    """There is no such thing."""
    return wrong("resource_missing", f"No such {kind}: '{name}'", param, status)


def unexpected(intent: Thing, what: str, *may: str) -> Refusal:
    """https://docs.stripe.com/error-codes#payment-intent-unexpected-state."""
    told = (
        f"This PaymentIntent could not be {what} because it has a status of {intent['status']}. "
        f"Only a PaymentIntent with one of the following statuses may be {what}: {', '.join(may)}."
    )
    facts = {"code": "payment_intent_unexpected_state", "payment_intent": shown(intent)}
    return Refusal(400, told, **facts)


def card_error(card: Card) -> Thing:
    """https://docs.stripe.com/declines/codes."""
    facts = {"type": "card_error", "code": card.code}
    return {**facts, "decline_code": card.decline_code} if card.decline_code else facts


def check_amount(amount: int, currency: str) -> None:
    """An amount has a currency, a least and a most."""
    if not currency:
        raise wrong("parameter_missing", "Missing required param: currency.", "currency")
    if currency != currency.lower() or len(currency) != 3:
        raise wrong("parameter_invalid", f"Invalid currency: {currency}", "currency")
    if amount < SMALLEST.get(currency, 1):
        told = "Amount must be no less than the minimum of its currency."
        raise wrong("amount_too_small", told, "amount")
    if amount > MOST:
        raise wrong("amount_too_large", f"Amount must be no more than {MOST}", "amount")
    check_fraction(amount, currency, "amount")


def check_fraction(amount: int, currency: str, param: str) -> None:
    """https://docs.stripe.com/currencies: "three-decimal" and "special cases"."""
    if currency in _TENS and amount % 10:
        raise wrong("parameter_invalid", "The last digit has to be 0.", param)
    if currency == "isk" and amount % 100:
        told = "Currency ISK has become effectively zero-decimal."
        raise wrong("invalid_charge_amount_no_decimal_compatible", told, param)


def check_way_back(given: Thing) -> None:
    """Who may be sent away has to know where to come back to: `allow_redirects`, `return_url`."""
    methods = given.get("automatic_payment_methods", {"allow_redirects": "always"})
    if methods.get("allow_redirects", "always") == "always" and "return_url" not in given:
        told = "Some payment methods might redirect your customer: you must provide a return_url."
        raise wrong("parameter_missing", told, "return_url")
    if methods.get("allow_redirects") == "never" and "return_url" in given:
        raise wrong("parameter_unknown", "There is nowhere to return from.", "return_url")


def check_expand(expand: list[str], *known: str) -> None:
    """Only what is said to be expandable is."""
    for one in expand:
        if one not in known:
            raise wrong("parameter_invalid", f"This property cannot be expanded ({one}).", "expand")


def check_metadata(intent: Thing, more: dict[str, str]) -> None:
    """https://docs.stripe.com/api/metadata: up to 50 names."""
    if len(intent["metadata"] | more) > 50:
        raise Refusal(400, "Metadata can have up to 50 keys.", param="metadata")


def sent_away(intent: Thing) -> Thing:
    """https://docs.stripe.com/api/payment_intents/object#payment_intent_object-next_action."""
    if not intent["_return"]:
        return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    url = f"https://hooks.stripe.com/3d_secure_2/hosted?payment_intent={intent['id']}"
    redirect = {"return_url": intent["_return"], "url": url}
    return {"type": "redirect_to_url", "redirect_to_url": redirect}


def shown(intent: Thing) -> Thing:
    """A payment intent as others see it."""
    shown = {name: value for name, value in intent.items() if not name.startswith("_")}
    return {**shown, "metadata": dict(intent["metadata"])}


def paged(found: list[Thing], limit: int, starting_after: str, url: str) -> Thing:
    """https://docs.stripe.com/api/pagination."""
    if not 1 <= limit <= 100:
        raise wrong("parameter_invalid", "limit can range between 1 and 100", "limit")
    newest = list(reversed(found))
    names = [one["id"] for one in newest]
    if starting_after and starting_after not in names:
        raise missing("object", starting_after, "starting_after")
    start = names.index(starting_after) + 1 if starting_after else 0
    page = newest[start : start + limit]
    more = start + limit < len(newest)
    return {"object": "list", "url": url, "has_more": more, "data": [dict(one) for one in page]}
