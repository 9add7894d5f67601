"""A payment provider of your own: prepaid wallets behind an HTTP interface.

`WalletPayments` is the adapter to copy. It keeps every promise of its port (the tests prove it with
the contract of `orderwright.testing`), and what makes it safe are four decisions: the id of an
operation is the address it is put under, so that saying it twice is one effect; no answer, or one
that means nothing, is unknown and never a no; a no of the customer's is an outcome; and a look-up
says "not found" only where the provider is sure.

Run it; it needs nothing but orderwright. The wallets themselves are `WalletService`, which stands
for somebody else's server: `over_http` reaches a real one. Three customers pay from their wallets:
one has too little and fills it up, of one payment the answer is lost on the way, and one is asked
to confirm.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPException
from threading import Lock
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote, unquote
from urllib.request import Request, urlopen

from orderwright import (
    AdapterFault,
    DraftLine,
    Location,
    Money,
    OrderDesk,
    PaymentOutcome,
    PaymentRequest,
    Posting,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders
from orderwright.errors import KeyReused, OutcomeUnknown
from orderwright.payments.operations import Outcome
from orderwright.ports import Finding, PaymentCapabilities

# The adapter ----------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What came back over the wire."""

    status: int
    body: Mapping[str, object]


Transport = Callable[[str, str, Mapping[str, object]], Answer]
"""Sends a method, a path and a body, once. Raises OSError (a TimeoutError is one) for no answer."""

OUTCOMES: Mapping[object, Outcome] = {
    "done": "succeeded",
    "no_funds": "declined",
    "impossible": "failed",
    "open": "pending",
    "to_confirm": "requires_action",
}
"""What the service's words mean to us. A word it has not told us of is no answer."""


class WalletPayments:
    """Pays from the wallet that a tender names as its ``instrument``."""

    capabilities = PaymentCapabilities(
        several_captures=True, partial_void=True, key_retention=timedelta(days=30)
    )

    def __init__(self, send: Transport) -> None:
        self._send = send

    def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """Put ``request`` where its id says; what is there already is answered as it stands."""
        said = {
            "kind": request.kind,
            "wallet": request.instrument,
            "hold": request.reference,
            "minor": request.amount.minor,
            "currency": request.amount.currency,
        }
        status, body = self._asked("PUT", request, said)
        if status == HTTPStatus.CONFLICT:
            raise KeyReused(request.id, "request", body.get("known"), said)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise AdapterFault("wallets", f"{request.id}: not now", retryable=True)
        if status not in (HTTPStatus.OK, HTTPStatus.CREATED):
            # Also an error of theirs: it says that something broke, not what was done before.
            raise OutcomeUnknown("wallets", f"{request.id}: status {status}")
        return _outcome(request, body)

    charge = capture = void = refund = authorize

    def look_up(self, request: PaymentRequest) -> Finding:
        """Ask what became of ``request``. That it is nowhere is certain only if they say so."""
        try:
            status, body = self._asked("GET", request, {})
            if status == HTTPStatus.NOT_FOUND and body.get("missing") == request.id:
                return "not_found"
            return _outcome(request, body) if status == HTTPStatus.OK else "unsure"
        except OutcomeUnknown:
            return "unsure"

    def _asked(self, method: str, request: PaymentRequest, said: Mapping[str, object]) -> Answer:
        try:
            return self._send(method, f"/operations/{quote(request.id, safe='')}", said)
        except OSError as error:
            raise OutcomeUnknown("wallets", f"{request.id}: no answer ({error})") from error


def _outcome(request: PaymentRequest, body: Mapping[str, object]) -> PaymentOutcome:
    """What an answer means; one that cannot be understood tells nothing."""
    try:
        expires = body.get("expires_at")
        return PaymentOutcome(
            outcome=OUTCOMES[body["state"]],
            amount=Money(int(str(body["minor"])), request.amount.currency),
            reference=str(body.get("hold", "")),
            reason=str(body.get("reason", "")),
            next_action=str(body.get("confirm_at", "")),
            expires_at=datetime.fromisoformat(str(expires)) if expires else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        told = f"{request.id}: cannot be understood: {error!r}"
        raise OutcomeUnknown("wallets", told) from error


def over_http(address: str, *, timeout_seconds: float = 10) -> Transport:
    """A transport to a server. It asks once: whether to ask again, the desk decides.

    The policy's ``patience`` has to be longer than the time-out.
    """

    def send(method: str, path: str, body: Mapping[str, object]) -> Answer:
        data = json.dumps(body).encode() if method == "PUT" else None
        request = Request(address + path, data, method=method)  # noqa: S310 - the host's own address
        try:
            with urlopen(request, timeout=timeout_seconds) as answer:  # noqa: S310 - as above
                return _read(answer.status, answer.read())
        except HTTPError as error:
            with error:
                return _read(error.code, error.read())
        except HTTPException as error:  # a part of an answer is none
            raise ConnectionError(repr(error)) from error

    return send


def _read(status: int, text: bytes) -> Answer:
    """An answer with what its body says; nothing, if that is no JSON object."""
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    return Answer(status, body if isinstance(body, dict) else {})


# The other side -------------------------------------------------------------------------------


class Hold:
    """What was set aside in a wallet, and what became of it, in minor units."""

    def __init__(self, wallet: str) -> None:
        self.wallet = wallet
        self.held = self.taken = self.refunded = 0


class WalletService:
    """Somebody else's server, as far as it can be seen from outside. It keeps its own books.

    ``confirming`` are wallets whose owners have to `confirm` each payment in their app. While it is
    ``busy`` it only takes requests in, and `decide` decides them.
    """

    def __init__(self, currency: str, balances: Mapping[str, int]) -> None:
        self.currency = currency
        self.balances = dict(balances)
        self.holds: dict[str, Hold] = {}
        self.confirming: set[str] = set()
        self.busy = False
        self._known: dict[str, tuple[Mapping[str, object], dict[str, object]]] = {}
        self._lock = Lock()

    def answer(self, method: str, path: str, body: Mapping[str, object]) -> Answer:
        """Answer a request as the server does."""
        name = unquote(path.removeprefix("/operations/"))
        with self._lock:
            if name in self._known:
                asked, answer = self._known[name]
                if method == "PUT" and asked != body:
                    return Answer(HTTPStatus.CONFLICT, {"known": asked})
                return Answer(HTTPStatus.OK, dict(answer))
            if method == "GET":
                return Answer(HTTPStatus.NOT_FOUND, {"missing": name})
            decided = self._received(name, body)
            self._known[name] = (dict(body), decided)
            return Answer(HTTPStatus.CREATED, dict(decided))

    def decide(self) -> None:
        """Decide what is open."""
        with self._lock:
            for body, answer in self._known.values():
                if answer["state"] == "open":
                    answer.update(self._decided(body, str(answer["hold"])))

    def confirm(self, name: str) -> None:
        """Do what was waiting for the owner of a wallet."""
        with self._lock:
            body, answer = self._known[name]
            if answer["state"] == "to_confirm":
                answer.update(self._decided(body, str(answer["hold"])))
                del answer["confirm_at"]

    def _received(self, name: str, body: Mapping[str, object]) -> dict[str, object]:
        hold = str(body["hold"]) or f"hold-{len(self._known) + 1}"
        told = {"minor": body["minor"], "hold": hold}
        if body["kind"] in ("authorize", "charge") and body["wallet"] in self.confirming:
            return {**told, "state": "to_confirm", "confirm_at": f"https://wallets.test/{name}"}
        if self.busy:
            return {**told, "state": "open"}
        return {**told, **self._decided(body, hold)}

    def _decided(self, body: Mapping[str, object], name: str) -> dict[str, object]:
        """Move the money, or say why not."""
        kind, wallet, minor = body["kind"], str(body["wallet"]), int(str(body["minor"]))
        if body["currency"] != self.currency:
            return {"state": "impossible", "reason": f"wallets hold {self.currency}"}
        hold = self.holds.setdefault(name, Hold(wallet))
        if kind in ("authorize", "charge"):
            if self.balances.get(wallet, 0) < minor:
                return {"state": "no_funds", "reason": "not enough in the wallet"}
            self.balances[wallet] -= minor
            hold.held += minor
        left = hold.taken - hold.refunded if kind == "refund" else hold.held
        to_anybody = kind == "refund" and not body["hold"]
        if minor > left and not to_anybody:
            return {"state": "impossible", "reason": f"only {left} there"}
        if kind in ("capture", "charge", "void"):
            hold.held -= minor
        if kind in ("capture", "charge"):
            hold.taken += minor
        if kind in ("void", "refund"):
            self.balances[hold.wallet] = self.balances.get(hold.wallet, 0) + minor
        if kind == "refund":
            hold.refunded += minor
        return {"state": "done"}


# The story ------------------------------------------------------------------------------------

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Wire:
    """The way to the service, which loses the next answers if it is told to."""

    def __init__(self, service: WalletService) -> None:
        self.service = service
        self.losing = 0

    def __call__(self, method: str, path: str, body: Mapping[str, object]) -> Answer:
        """Ask the service; nobody may hear what it says."""
        answer = self.service.answer(method, path, body)
        if self.losing:
            self.losing -= 1
            raise TimeoutError("timed out")
        return answer


def main() -> None:
    """Sell three lamps."""
    service = WalletService("EUR", {"ada": 5_000, "ben": 1_000, "cleo": 9_000})
    service.confirming.add("cleo")
    wire = Wire(service)
    now = NOON
    desk = OrderDesk(
        orders=MemoryOrders(),
        inventory=MemoryInventory(),
        payments=WalletPayments(wire),
        locations=[Location(id="MAIN")],
        clock=lambda: now,
    )
    desk.post_stock(Posting.receive("delivery-1", "LAMP", "MAIN", 3, at=now))
    lamp = DraftLine(sku="LAMP", quantity=1, unit_price=UnitPrice.of("40.00", "EUR"))

    def place(wallet: str) -> None:
        desk.place([lamp], order_id=wallet, tenders=[Tender(method="wallet", instrument=wallet)])

    def show(order_id: str, what: str) -> None:
        order = desk.order(order_id)
        print(f"{what:<38}{order.state.name:<11}{order.money:<12}{order.goods}")

    place("ben")
    show("ben", "Ben's wallet holds 10.00 EUR:")
    service.balances["ben"] += 4_000
    desk.pay("ben", [Tender(method="wallet", instrument="ben")])
    show("ben", "He fills it up, and pays again:")

    wire.losing = 1
    place("ada")
    show("ada", "Ada pays, and no answer comes:")
    now += timedelta(minutes=2)
    desk.resume()
    show("ada", "Resuming looks it up:")

    place("cleo")
    show("cleo", "Cleo has to confirm in her app:")
    [operation] = desk.order("cleo").payments[0].operations
    service.confirm(operation.id)
    desk.notify_payment(operation.id)
    show("cleo", "She does, and the service calls:")
    desk.cancel("cleo", reason="too bright")
    show("cleo", "She changes her mind:")

    for order_id in ("ada", "ben"):
        desk.ship(order_id, "f1")
        show(order_id, f"The lamp goes to {order_id.title()}:")
    taken = Money(sum(hold.taken for hold in service.holds.values()), "EUR")
    left = ", ".join(f"{name} {Money(minor, 'EUR')}" for name, minor in service.balances.items())
    print(f"\nThe service has taken {taken}. In the wallets: {left}.")


if __name__ == "__main__":
    main()
