"""A payment provider in a process of its own, with books on the disk, and the adapter to it.

It knows nothing of orders: it takes each id once, moves no more than there is, and writes down what
it answered before it answers. It is killed like everything else; its books are what counts.
"""

import json
import os
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

from orderwright import AdapterFault, Money, PaymentOutcome, PaymentRequest
from orderwright.adapters.memory import BookEntry
from orderwright.errors import KeyReused, OutcomeUnknown
from orderwright.ports import Finding, PaymentCapabilities

PATIENCE = 2.0
"""Seconds until a caller takes no answer for an answer."""
DROPS = {"before": 0.04, "after": 0.12}
"""How likely a request, or the answer to it, is lost."""

# The provider -------------------------------------------------------------------------------


class Books:
    """What was asked and answered, a line each, flushed to the disk before anybody is told."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        whole = lines_of(path)
        os.ftruncate(self._file, sum(map(len, whole)))  # of what it died writing, nobody was told
        self._known: dict[str, dict[str, Any]] = {}
        self._sums: Counter[tuple[str, str]] = Counter()
        for line in whole:
            self._learn(json.loads(line))

    def _learn(self, page: dict[str, Any]) -> None:
        asked, answer = page["asked"], page["answer"]
        self._known[asked["id"]] = page
        if answer["outcome"] == "succeeded":
            self._sums[answer["reference"], asked["kind"]] += asked["minor"]

    def look_up(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What was answered to that id."""
        page = self._known.get(asked["id"])
        return {"outcome": "not_found"} if page is None else page["answer"]

    def move(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked, once."""
        page = self._known.get(asked["id"])
        if page is None:
            page = {"asked": asked, "answer": self._decided(asked)}
            os.write(self._file, json.dumps(page).encode() + b"\n")
            os.fsync(self._file)
            self._learn(page)
        elif page["asked"] != asked:
            return {"outcome": "reused", "known": page["asked"]}
        answer: dict[str, Any] = page["answer"]
        return answer

    def _decided(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        kind, reference = asked["kind"], asked["reference"] or f"pay-{len(self._known) + 1}"
        there = self._there(kind, reference)
        outcome, reason = "succeeded", ""
        if there is None and crc32(asked["id"].encode()) % 12 == 0:
            outcome, reason = "declined", "the card is refused"
        elif there is not None and asked["minor"] > there:
            outcome, reason = "failed", f"only {there} there"
        return {"outcome": outcome, "reference": reference, "reason": reason}

    def _there(self, kind: str, reference: str) -> int | None:
        sums = {one: self._sums[reference, one] for one in KINDS}
        if kind in ("capture", "void"):
            return sums["authorize"] - sums["capture"] - sums["void"]
        return sums["capture"] + sums["charge"] - sums["refund"] if kind == "refund" else None


KINDS = ("authorize", "capture", "charge", "void", "refund")


def lines_of(path: Path) -> list[bytes]:
    """The lines of a file that were written to their end."""
    return [one for one in path.read_bytes().splitlines(keepends=True) if one.endswith(b"\n")]


def entries(path: Path) -> Iterator[BookEntry]:
    """What really moved, by the books at `path`."""
    for line in lines_of(path):
        page = json.loads(line)
        asked, answer = page["asked"], page["answer"]
        if answer["outcome"] == "succeeded":
            amount = Money(asked["minor"], asked["currency"])
            yield BookEntry(asked["id"], asked["kind"], answer["reference"], amount)


def serve(address: str, path: str, seed: str, *, calm: bool) -> None:
    """Answer one caller after the other for ever; unless it is `calm`, lose some."""
    books, draw = Books(Path(path)), Random(seed)  # noqa: S311
    with suppress(FileNotFoundError):
        Path(address).unlink()  # left by one that was killed
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen(64)
        while True:
            caller, _ = door.accept()
            with caller, suppress(OSError):
                caller.settimeout(PATIENCE)
                _answer(caller, books, 1.0 if calm else draw.random())


def _answer(caller: socket.socket, books: Books, luck: float) -> None:
    line = caller.makefile("rb").readline()
    if not line.endswith(b"\n") or luck < DROPS["before"]:
        return
    asked = json.loads(line)
    answer = books.look_up(asked) if asked.pop("look_up") else books.move(asked)
    if luck >= DROPS["after"]:
        caller.sendall(json.dumps(answer).encode() + b"\n")


# The adapter --------------------------------------------------------------------------------


class PeerPayments:
    """The payment port, over a unix socket: one connection for each question."""

    capabilities = PaymentCapabilities(
        several_captures=True, partial_void=True, key_retention=timedelta(days=1)
    )

    def __init__(self, address: str) -> None:
        self._address = address

    def _move(self, request: PaymentRequest) -> PaymentOutcome:
        return self._outcome(request, self._ask(request, look_up=False))

    authorize = capture = charge = void = refund = _move

    def look_up(self, request: PaymentRequest) -> Finding:
        """See `PaymentPort.look_up`."""
        try:
            answer = self._ask(request, look_up=True)
        except OutcomeUnknown:
            return "unsure"
        return "not_found" if answer["outcome"] == "not_found" else self._outcome(request, answer)

    def _outcome(self, request: PaymentRequest, answer: dict[str, Any]) -> PaymentOutcome:
        if answer["outcome"] == "reused":
            raise KeyReused(request.id, "request", answer["known"], request)
        return PaymentOutcome(amount=request.amount, **answer)

    def _ask(self, request: PaymentRequest, *, look_up: bool) -> dict[str, Any]:
        asked = {
            "id": request.id,
            "kind": request.kind,
            "order": request.order_id,
            "payment": request.payment_id,
            "method": request.method,
            "instrument": request.instrument,
            "reference": request.reference,
            "minor": request.amount.minor,
            "currency": request.amount.currency,
        }
        with self._reached() as line:
            try:
                line.sendall(json.dumps({**asked, "look_up": look_up}).encode() + b"\n")
                said = line.makefile("rb").readline()
            except OSError as error:
                raise OutcomeUnknown("peer", f"no answer: {type(error).__name__}") from error
        if not said.endswith(b"\n"):
            raise OutcomeUnknown("peer", "no answer: hung up")
        answer: dict[str, Any] = json.loads(said)
        return answer

    @contextmanager
    def _reached(self) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENCE)
            try:
                line.connect(self._address)
            except OSError as error:
                raise AdapterFault("peer", "not there", retryable=True) from error
            yield line
