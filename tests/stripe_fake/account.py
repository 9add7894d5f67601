"""A Stripe account of its own: strict, stateful, and nobody's but the test's.

It plays the part of https://docs.stripe.com/api (version 2026-10-28) that payments need, as the
documentation says, for every rule named where it stands. What the documentation leaves open it
refuses. `books` are all effects it ever had, each under the key that asked for it.
"""

import hmac
import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from threading import Lock
from typing import Any, NamedTuple

from tests.stripe_fake.cards import CARDS, MULTICAPTURE, Card
from tests.stripe_fake.forms import Refusal, Shape, checked, nested, wrong
from tests.stripe_fake.rules import (
    Thing,
    card_error,
    check_amount,
    check_expand,
    check_fraction,
    check_metadata,
    check_way_back,
    endpoint_of,
    in_use,
    missing,
    paged,
    sent_away,
    shown,
    unexpected,
)

DAY = 86_400
MAX_KEY = 255


class Reply(NamedTuple):
    """An answer; `cut` if it never reaches the client."""

    status: int
    body: Thing
    headers: dict[str, str]
    cut: bool = False


class Saved(NamedTuple):
    """What was answered under an idempotency key, and to what."""

    said: tuple[str, str, str]
    status: int
    body: str


class Account:
    """Everything there is at the fake, and what it does when asked."""

    def __init__(self, *, multicapture: bool = False, secret: str = "whsec_test") -> None:  # noqa: S107 - made up
        self.multicapture = multicapture
        self.secret = secret
        self.customers: dict[str, Thing] = {}
        self.methods: dict[str, tuple[str, Card]] = {}
        self.intents: dict[str, Thing] = {}
        self.charges: dict[str, Thing] = {}
        self.refunds: dict[str, Thing] = {}
        self.disputes: dict[str, Thing] = {}
        self.books: list[Thing] = []
        self.events: list[Thing] = []
        self.asked: list[tuple[str, str]] = []
        self.faults: list[Thing] = []
        self._keys: dict[str, Saved] = {}
        self._busy: set[str] = set()
        self._key = ""
        self._number = 0
        self._lock = Lock()

    # Being asked ---------------------------------------------------------------------------------

    def call(self, method: str, path: str, form: str, headers: dict[str, str]) -> Reply:
        """Answer a request; `form` is its parameters as they are written in body or address."""
        headers = {name.lower(): value for name, value in headers.items()}
        fault = ""
        try:
            name, args, shape = endpoint_of(method, path)
            self.asked.append((name, headers.get("idempotency-key", "")))
            fault = self._fault(name, method)
            early = _turned_away(fault)
            if early is not None:
                return early
            reply = self._keyed((method, path, form), headers, fault, (name, args, shape))
        except Refusal as refusal:
            reply = Reply(refusal.status, refusal.body, self._headers())
        return reply._replace(cut=fault == "lost")

    def _fault(self, name: str, method: str) -> str:
        for fault in self.faults:
            if fault["on"] in ("any", name, method.lower()) and fault.get("times", 1) > 0:
                fault["times"] = fault.get("times", 1) - 1
                return str(fault["do"])
        return ""

    def _headers(self, **more: str) -> dict[str, str]:
        return {"request-id": f"req_{self._next()}", **more}

    def _keyed(
        self,
        said: tuple[str, str, str],
        headers: dict[str, str],
        fault: str,
        endpoint: tuple[str, dict[str, str], Shape],
    ) -> Reply:
        """https://docs.stripe.com/api/idempotent_requests: once per key, then the same answer."""
        if not headers.get("authorization", "").startswith("Bearer sk_test_"):
            told = "You did not provide an API key."
            raise Refusal(401, told, saved=False)
        key = headers.get("idempotency-key", "") if said[0] == "POST" else ""
        if len(key) > MAX_KEY:
            raise wrong("parameter_invalid", "Idempotency keys are at most 255 characters long.")
        if key in self._busy:
            raise in_use()
        if key:
            self._busy.add(key)
        try:
            with self._lock:
                if key in self._keys:
                    return self._again(key, said)
                self._key = key
                return self._executed(key, said, fault, endpoint)
        finally:
            self._busy.discard(key)

    def _again(self, key: str, said: tuple[str, str, str]) -> Reply:
        saved = self._keys[key]
        if saved.said != said:
            told = (
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}'."
            )
            raise Refusal(400, told, type="idempotency_error")
        replayed = self._headers(**{"idempotent-replayed": "true"})
        return Reply(saved.status, json.loads(saved.body), replayed)

    def _executed(
        self,
        key: str,
        said: tuple[str, str, str],
        fault: str,
        endpoint: tuple[str, dict[str, str], Shape],
    ) -> Reply:
        """Do it. What is wrong with the parameters is told before it begins, and is not kept."""
        name, args, shape = endpoint
        given = checked(nested(said[2]), shape)
        if fault == "slow":
            time.sleep(0.3)
        status, keep = 200, True
        try:
            body = getattr(self, f"_{name}")(**args, **given)
        except Refusal as refusal:
            status, body, keep = refusal.status, refusal.body, bool(refusal.saved)
        if fault == "500":
            # "treat the result of a 500 request as indeterminate": it was done, and is kept so.
            status, body = 500, {"error": {"type": "api_error", "message": "Something went wrong."}}
        if key and keep:
            self._keys[key] = Saved(said, status, json.dumps(body))
        return Reply(status, body, self._headers())

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{self._next():06}"

    def _book(self, kind: str, intent: Thing, amount: int) -> None:
        self.books.append(
            {
                "kind": kind,
                "intent": intent["id"],
                "amount": amount,
                "currency": intent["currency"],
                "key": self._key,
                "metadata": dict(intent["metadata"]),
            }
        )

    def _tell(self, kind: str, thing: Thing, **before: Any) -> None:  # noqa: ANN401 - as Stripe has it
        """Note an event: the object as it is now, and what it was `before`.

        https://docs.stripe.com/api/events/object
        """
        data = {"object": json.loads(json.dumps(thing))}
        event = {
            "id": self._id("evt"),
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": int(time.time()),
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": self._key or None},
            "type": kind,
            "data": {**data, "previous_attributes": before} if before else data,
        }
        self.events.append(event)

    # Customers and what they pay with ------------------------------------------------------------

    def _customer(self, **given: Any) -> Thing:  # noqa: ANN401 - its parameters
        customer = {"id": self._id("cus"), "object": "customer", "metadata": {}, **given}
        self.customers[customer["id"]] = customer
        return customer

    def _attach(self, name: str, customer: str) -> Thing:
        """https://docs.stripe.com/api/payment_methods/attach: a test method becomes one's own."""
        self._known_customer(customer)
        if name not in CARDS:
            raise missing("payment_method", name, "payment_method")
        card = CARDS[name]
        if not card.attachable:
            raise Refusal(402, "Your card was declined.", **card_error(card))
        method = self._id("pm")
        self.methods[method] = (customer, card)
        return {"id": method, "object": "payment_method", "type": "card", "customer": customer}

    def _known_customer(self, customer: str) -> None:
        if customer not in self.customers:
            raise missing("customer", customer, "customer")

    def _card(self, method: str, customer: str | None) -> Card:
        """What is saved belongs to a customer, and pays for nobody else."""
        if method in CARDS:
            return CARDS[method]
        if method not in self.methods:
            raise missing("PaymentMethod", method, "payment_method")
        owner, card = self.methods[method]
        if owner != customer:
            told = f"The customer does not have a payment method with the ID {method}."
            raise wrong("resource_missing", told, "payment_method")
        return card

    # Payment intents -----------------------------------------------------------------------------

    def _create(self, amount: int = 0, currency: str = "", **given: Any) -> Thing:  # noqa: ANN401 - its parameters
        expand, confirm = given.pop("expand", []), given.pop("confirm", False)
        check_expand(expand, "latest_charge")
        check_amount(amount, currency)
        if "customer" in given:
            self._known_customer(given["customer"])
        card = self._card(given.get("payment_method", ""), given.get("customer"))
        manual = given.get("capture_method") == "manual"
        if manual and card.slow:
            told = "The payment method does not support manual capture."
            raise wrong("payment_intent_invalid_parameter", told, "capture_method")
        if confirm:
            check_way_back(given)
        elif "off_session" in given:
            raise wrong("parameter_unknown", "off_session is only for confirm=true", "off_session")
        intent = {
            "id": self._id("pi"),
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": given.get("capture_method", "automatic_async"),
            "client_secret": "",
            "created": int(time.time()),
            "currency": currency,
            "customer": given.get("customer"),
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": given.get("metadata", {}),
            "next_action": None,
            "payment_method": given.get("payment_method"),
            "status": "requires_confirmation",
            "_card": card,
            "_return": given.get("return_url"),
            "_several": self._several(given, card) and manual,
        }
        intent["client_secret"] = f"{intent['id']}_secret_{self._next()}"
        self.intents[intent["id"]] = intent
        self._tell("payment_intent.created", shown(intent))
        if confirm:
            self._confirm(intent, off_session=given.get("off_session", False))
        return self._rendered(intent, expand)

    def _several(self, given: Thing, card: Card) -> bool:
        """https://docs.stripe.com/payments/multicapture: enabled, asked for, and the card can."""
        asked = given.get("payment_method_options", {}).get("card", {}).get("request_multicapture")
        return self.multicapture and asked == "if_available" and card.brand in MULTICAPTURE

    def _confirm(self, intent: Thing, *, off_session: bool) -> None:
        """https://docs.stripe.com/payments/paymentintents/lifecycle."""
        card: Card = intent["_card"]
        if card.ask and off_session:
            # "the payment fails with authentication_required", and waits for a method to pay with
            asked = Card(code="authentication_required", decline_code="authentication_required")
            self._refuse(intent, asked, "This payment requires authentication.")
        if card.ask:
            intent["status"] = "requires_action"
            intent["next_action"] = sent_away(intent)
            self._tell("payment_intent.requires_action", shown(intent))
        else:
            self._pay(intent)

    def _refuse(self, intent: Thing, card: Card, message: str) -> None:
        """A decline: 402, and the payment intent waits for another method to pay with."""
        facts = card_error(card)
        intent["status"], intent["next_action"] = "requires_payment_method", None
        intent["last_payment_error"] = {"message": message, **facts}
        self._tell("payment_intent.payment_failed", shown(intent))
        raise Refusal(402, message, payment_intent=shown(intent), **facts)

    def _pay(self, intent: Thing) -> None:
        """The bank says yes or no; or, to a debit, that it takes days."""
        card: Card = intent["_card"]
        if card.code:
            self._refuse(intent, card, "Your card was declined.")
        intent["next_action"] = intent["last_payment_error"] = None
        if card.slow and intent["status"] != "processing":
            intent["status"] = "processing"
            self._tell("payment_intent.processing", shown(intent))
            return
        charge = self._charge(intent)
        intent["latest_charge"] = charge["id"]
        if intent["capture_method"] == "manual":
            intent["status"], intent["amount_capturable"] = "requires_capture", intent["amount"]
            self._book("authorize", intent, intent["amount"])
            self._tell("payment_intent.amount_capturable_updated", shown(intent))
            return
        self._take(intent, intent["amount"], "charge")
        intent["status"] = "succeeded"
        self._tell("payment_intent.succeeded", shown(intent))
        if card.disputed:
            self.dispute(intent["id"])

    def _charge(self, intent: Thing) -> Thing:
        manual = intent["capture_method"] == "manual"
        several = {"status": "available" if intent["_several"] else "unavailable"}
        # "Authorization validity windows": seven days for most cards that are not present.
        details = {
            "brand": intent["_card"].brand,
            "capture_before": int(time.time()) + 7 * DAY if manual else None,
            "multicapture": several,
        }
        charge = {
            "id": self._id("ch"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "currency": intent["currency"],
            "disputed": False,
            "metadata": dict(intent["metadata"]),
            "payment_intent": intent["id"],
            "payment_method_details": {"type": "card", "card": details},
            "refunded": False,
            "status": "succeeded",
        }
        self.charges[charge["id"]] = charge
        return charge

    def _take(self, intent: Thing, amount: int, kind: str) -> None:
        intent["amount_received"] += amount
        self.charges[intent["latest_charge"]]["amount_captured"] += amount
        self._book(kind, intent, amount)

    def _known_intent(self, name: str) -> Thing:
        if name not in self.intents:
            raise missing("payment_intent", name, "intent", 404)
        return self.intents[name]

    def _retrieve(self, name: str, expand: list[str] = []) -> Thing:  # noqa: B006 - only read
        check_expand(expand, "latest_charge")
        return self._rendered(self._known_intent(name), expand)

    def _capture(
        self,
        name: str,
        amount_to_capture: int | None = None,
        final_capture: bool | None = None,  # noqa: FBT001 - a parameter of the API
        metadata: dict[str, str] | None = None,
        expand: list[str] = [],  # noqa: B006 - only read
    ) -> Thing:
        """https://docs.stripe.com/api/payment_intents/capture."""
        intent = self._known_intent(name)
        if intent["status"] != "requires_capture":
            raise unexpected(intent, "captured", "requires_capture")
        if final_capture is False and not intent["_several"]:
            # "You can only use this setting when multicapture is available"
            told = "final_capture=false requires multicapture."
            raise Refusal(400, told, code="payment_intent_invalid_parameter", param="final_capture")
        there = intent["amount_capturable"]
        amount = there if amount_to_capture is None else amount_to_capture
        # "less than or equal to the original amount"
        if amount > there:
            told = f"You cannot capture {amount}: {there} can be captured."
            raise Refusal(400, told, code="amount_too_large", param="amount_to_capture")
        last = final_capture is not False or amount == there
        if amount < 0 or (not amount and not (last and intent["amount_received"])):
            raise Refusal(400, "Invalid positive integer", param="amount_to_capture")
        check_fraction(amount, intent["currency"], "amount_to_capture")
        if metadata:
            check_metadata(intent, metadata)
            intent["metadata"].update(metadata)
        if amount:
            self._take(intent, amount, "capture")
        # "Defaults to true": what is left is given back.
        if last and there > amount:
            self._book("release", intent, there - amount)
            self._released(intent, there - amount, balance=True)
        intent["amount_capturable"] = 0 if last else there - amount
        if last:
            intent["status"] = "succeeded"
            self._tell("payment_intent.succeeded", shown(intent))
        else:
            self._tell("payment_intent.amount_capturable_updated", shown(intent))
        self._tell("charge.captured", self.charges[intent["latest_charge"]])
        return self._rendered(intent, expand)

    def _cancel(
        self,
        name: str,
        cancellation_reason: str | None = None,
        expand: list[str] = [],  # noqa: B006 - only read
    ) -> Thing:
        """https://docs.stripe.com/api/payment_intents/cancel: what is capturable is given back."""
        intent = self._known_intent(name)
        may = ("requires_payment_method", "requires_capture", "requires_confirmation")
        if intent["status"] not in (*may, "requires_action") or intent["amount_received"]:
            raise unexpected(intent, "canceled", *may, "requires_action")
        if intent["amount_capturable"]:
            self._book("cancel", intent, intent["amount_capturable"])
            self._released(intent, intent["amount_capturable"])
        self._over(intent, cancellation_reason)
        return self._rendered(intent, expand)

    def _over(self, intent: Thing, reason: str | None) -> None:
        intent["status"], intent["amount_capturable"] = "canceled", 0
        intent["next_action"] = None
        intent["canceled_at"], intent["cancellation_reason"] = int(time.time()), reason
        self._tell("payment_intent.canceled", shown(intent))

    def _list(
        self,
        customer: str = "",
        limit: int = 10,
        starting_after: str = "",
        expand: list[str] = [],  # noqa: B006 - only read
    ) -> Thing:
        """https://docs.stripe.com/api/payment_intents/list: newest first."""
        check_expand(expand, "data.latest_charge")
        if customer:
            self._known_customer(customer)
        found = [one for one in self.intents.values() if customer in ("", one["customer"])]
        inside = [one.removeprefix("data.") for one in expand]
        page = paged(found, limit, starting_after, "/v1/payment_intents")
        return {**page, "data": [self._rendered(one, inside) for one in page["data"]]}

    def _rendered(self, intent: Thing, expand: list[str]) -> Thing:
        found = shown(intent)
        if "latest_charge" in expand and intent["latest_charge"]:
            found["latest_charge"] = self.charges[intent["latest_charge"]]
        return found

    # Refunds -------------------------------------------------------------------------------------

    def _refund(
        self,
        payment_intent: str = "",
        amount: int | None = None,
        metadata: dict[str, str] | None = None,
        reason: str | None = None,
    ) -> Thing:
        """https://docs.stripe.com/api/refunds/create: never more than is left of the charge."""
        if not payment_intent:
            told = "Must provide one of: charge, payment_intent."
            raise wrong("parameter_missing", told, "payment_intent")
        intent = self._known_intent(payment_intent)
        charge = self.charges.get(intent["latest_charge"] or "")
        if charge is None or not intent["amount_received"]:
            told = f"This PaymentIntent ({payment_intent}) does not have a charge to refund."
            raise Refusal(400, told, param="payment_intent")
        if charge["disputed"]:
            told = f"Charge {charge['id']} has been charged back; cannot issue a refund."
            raise Refusal(400, told, code="charge_disputed")
        left = charge["amount_captured"] - charge["amount_refunded"]
        if not left:
            told = f"Charge {charge['id']} has already been refunded."
            raise Refusal(400, told, code="charge_already_refunded")
        wanted = left if amount is None else amount
        if wanted > left:
            told = f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({left})"
            raise Refusal(400, told, param="amount")
        if wanted <= 0:
            raise Refusal(400, "Invalid positive integer", param="amount")
        check_fraction(wanted, intent["currency"], "amount")
        return self._given_back(intent, wanted, metadata or {}, reason)

    def _given_back(
        self, intent: Thing, amount: int, metadata: dict[str, str], reason: str | None
    ) -> Thing:
        card: Card = intent["_card"]
        charge = self.charges[intent["latest_charge"]]
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self._book("refund", intent, amount)
        status = "pending" if card.refunds == "pending" else "succeeded"
        moved = self._id("txn")
        return self._new_refund(
            intent, amount, status, reason=reason, metadata=metadata, balance_transaction=moved
        )

    def _released(
        self, intent: Thing, amount: int, *, balance: bool = False, reason: str | None = None
    ) -> None:
        """What is given back untaken is a refund too, and nobody's metadata are on it.

        https://docs.stripe.com/api/payment_intents/cancel: "the remaining amount_capturable is
        automatically refunded"; https://docs.stripe.com/reports/reporting-categories: what a
        capture leaves is first booked and then reversed; `reason` of
        https://docs.stripe.com/api/refunds/object, where Stripe itself gave it back.
        """
        moved = self._id("txn") if balance else None
        self._new_refund(
            intent, amount, "succeeded", reason=reason, metadata={}, balance_transaction=moved
        )

    def _new_refund(self, intent: Thing, amount: int, status: str, **facts: Any) -> Thing:  # noqa: ANN401 - as Stripe has it
        refund = {
            "id": self._id("re"),
            "object": "refund",
            "amount": amount,
            "charge": intent["latest_charge"],
            "currency": intent["currency"],
            "payment_intent": intent["id"],
            "status": status,
            **facts,
        }
        self.refunds[refund["id"]] = refund
        self._tell("refund.created", refund)
        self._tell("charge.refunded", self.charges[intent["latest_charge"]])
        return dict(refund)

    def trace(self, name: str) -> None:
        """Days later a refund's reference at the bank is known: `destination_details`."""
        with self._by_itself():
            self._tell("refund.updated", self.refunds[name], destination_details=None)

    def _list_refunds(
        self,
        payment_intent: str = "",
        limit: int = 10,
        starting_after: str = "",
        expand: list[str] = [],  # noqa: B006 - only read
    ) -> Thing:
        check_expand(expand)
        found = [
            one for one in self.refunds.values() if payment_intent in ("", one["payment_intent"])
        ]
        return paged(found, limit, starting_after, "/v1/refunds")

    def _retrieve_refund(self, name: str) -> Thing:
        if name not in self.refunds:
            raise missing("refund", name, "id", 404)
        return dict(self.refunds[name])

    # What a test makes happen --------------------------------------------------------------------

    @contextmanager
    def _by_itself(self) -> Iterator[None]:
        with self._lock:
            self._key = ""
            yield

    def reset(self) -> None:
        """Begin anew, with nobody and nothing."""
        kept = {"multicapture": self.multicapture, "secret": self.secret}
        Account.__init__(self, **kept)

    def fail(self, faults: list[Thing]) -> None:
        """Have the next requests go wrong; replaces what was to go wrong before."""
        self.faults = faults

    def forget_keys(self) -> None:
        """A day later: keys "may be removed after they're at least 24 hours old"."""
        with self._by_itself():
            self._keys.clear()

    def authenticate(self, name: str, *, ok: bool = True) -> None:
        """The customer comes back from their bank, or confirms what failed, as often as they like.

        https://docs.stripe.com/payments/paymentintents/lifecycle: what failed may be tried again.
        """
        with self._by_itself():
            intent = self.intents[name]
            assert intent["status"] in ("requires_action", "requires_payment_method")
            failed = Card(code="payment_intent_authentication_failure")
            with suppress(Refusal):  # nobody waits for the answer
                if ok:
                    self._pay(intent)
                else:
                    self._refuse(intent, failed, "We are unable to authenticate your card.")

    def settle(self, name: str, *, ok: bool = True) -> None:
        """What was `processing` is decided."""
        with self._by_itself():
            intent = self.intents[name]
            assert intent["status"] == "processing"
            if ok:
                self._pay(intent)
                return
            intent["_card"] = Card(code="payment_method_provider_decline")
            with suppress(Refusal):  # nobody waits for the answer
                self._pay(intent)

    def expire(self, name: str) -> None:
        """Nobody captured it in time: "the payment's status changes to canceled"."""
        with self._by_itself():
            intent = self.intents[name]
            assert intent["status"] == "requires_capture"
            self._book("expire", intent, intent["amount_capturable"])
            reason = "expired_uncaptured_charge"
            self._released(intent, intent["amount_capturable"], reason=reason)
            self._over(intent, "expired")

    def settle_refund(self, name: str, *, ok: bool = True) -> None:
        """https://docs.stripe.com/refunds#failed-refunds: the money comes back to the account."""
        with self._by_itself():
            refund = self.refunds[name]
            before, refund["status"] = refund["status"], "succeeded" if ok else "failed"
            if not ok:
                refund["failure_reason"] = "lost_or_stolen_card"
                charge = self.charges[refund["charge"]]
                charge["amount_refunded"] -= refund["amount"]
                charge["refunded"] = False
                self._book(
                    "refund_failed", self.intents[refund["payment_intent"]], refund["amount"]
                )
            self._tell("refund.updated", refund, status=before)
            if not ok:
                self._tell("refund.failed", refund)

    def refund_by_hand(self, name: str, amount: int) -> str:
        """Somebody pays money back in the dashboard."""
        with self._by_itself():
            return str(self._refund(payment_intent=name, amount=amount)["id"])

    def dispute(self, name: str, *, inquiry: bool = False) -> str:
        """https://docs.stripe.com/disputes/how-disputes-work: an inquiry takes no money yet."""
        intent = self.intents[name]
        dispute = {
            "id": self._id("du"),
            "object": "dispute",
            "amount": intent["amount_received"],
            "charge": intent["latest_charge"],
            "currency": intent["currency"],
            "payment_intent": name,
            "reason": "fraudulent",
            "status": "warning_needs_response" if inquiry else "needs_response",
        }
        self.disputes[dispute["id"]] = dispute
        self._tell("charge.dispute.created", dispute)
        if not inquiry:
            self.charges[intent["latest_charge"]]["disputed"] = True
            self._book("dispute", intent, dispute["amount"])
            self._tell("charge.dispute.funds_withdrawn", dispute)
        return str(dispute["id"])

    def close_dispute(self, name: str, *, won: bool) -> None:
        """The bank decides."""
        with self._by_itself():
            dispute = self.disputes[name]
            dispute["status"] = "won" if won else "lost"
            self._tell("charge.dispute.closed", dispute)
            if won:
                intent = self.intents[dispute["payment_intent"]]
                self.charges[intent["latest_charge"]]["disputed"] = False
                self._book("dispute_won", intent, dispute["amount"])
                self._tell("charge.dispute.funds_reinstated", dispute)

    def deliveries(self, seed: int = 0, copies: int = 1) -> list[Thing]:
        """What is to be delivered, signed: late (all at once), out of order, and several times.

        https://docs.stripe.com/webhooks/signature: `t=` and `v1=`, an HMAC of "t.payload".
        """
        with self._by_itself():
            events, self.events = self.events * copies, []
        random.Random(seed).shuffle(events)  # noqa: S311 - an order, not a secret
        return [self._signed(json.dumps(event)) for event in events]

    def _signed(self, payload: str) -> Thing:
        at = int(time.time())
        signed = hmac.new(self.secret.encode(), f"{at}.{payload}".encode(), sha256).hexdigest()
        return {"payload": payload, "signature": f"t={at},v1={signed}"}

    def state(self) -> Thing:
        """The books, and every object as it is."""
        with self._by_itself():
            return {
                "books": list(self.books),
                "asked": list(self.asked),
                "intents": {name: shown(one) for name, one in self.intents.items()},
                "refunds": {name: dict(one) for name, one in self.refunds.items()},
                "disputes": {name: dict(one) for name, one in self.disputes.items()},
            }


def _turned_away(fault: str) -> Reply | None:
    """What happens before the request is looked at: it never arrives, or not now.

    https://docs.stripe.com/rate-limits: 429, "rate limiters run before the API's idempotency
    layer"; also an object that is locked. https://docs.stripe.com/error-low-level: 409, 503.
    """
    error: Thing
    if fault == "cut":
        return Reply(0, {}, {}, cut=True)
    if fault == "429":
        error = {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many."}
    elif fault == "locked":
        error = {"type": "invalid_request_error", "code": "lock_timeout", "message": "Locked."}
    elif fault == "in_use":
        refusal = in_use()
        return Reply(refusal.status, refusal.body, {})
    elif fault == "503":
        return Reply(503, {"error": {"type": "api_error", "message": "Unavailable."}}, {})
    else:
        return None
    return Reply(429, {"error": error}, {})
