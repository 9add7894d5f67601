"""The durable driver: performs each request of a flow as a step of the workflow it is in."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast, final

from orderwright.adapters.system import pause
from orderwright.drivers import known
from orderwright.errors import (
    AdapterFault,
    BrokenPromise,
    CodecError,
    Conflict,
    OrderwrightError,
    OutcomeUnknown,
)
from orderwright.fulfillment.shipping import LabelRequest
from orderwright.requests import (
    CallCarrier,
    CallProvider,
    LoadContact,
    LookUp,
    PostStock,
    SaveOrder,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from dbos import DBOS

    from orderwright.adapters.dbos.serializer import CodecSerializer
    from orderwright.flows.settling import Setting
    from orderwright.orders.events import Event
    from orderwright.payments.operations import PaymentRequest
    from orderwright.requests import Flow, Ports, Request

__all__ = ["Driver"]

T = TypeVar("T")

_LEFT_OUT = frozenset({"order", "recipient", "contacts"})
_LATE = 100
"""A command is late when this part of the time for which ids are remembered has passed."""


@final
class Driver:
    """Runs flows in workflows of ``dbos``, with the adapters and the setting of a desk."""

    def __init__(
        self,
        dbos: DBOS,
        serializer: CodecSerializer,
        ports: Ports,
        setting: Setting,
        pauses: Sequence[timedelta],
    ) -> None:
        self._dbos = dbos
        self._serializer = serializer
        self._ports = ports
        self._setting = setting
        self._pauses = tuple(pauses)

    def run(self, flow: Flow[T], since: datetime | None) -> T:
        """Run ``flow``, a command given at ``since``, to its end and return its result.

        Only a step that comes right after replayed ones may have been performed before, by whoever
        died before it was recorded. Raises AdapterFault when what was recorded answers something
        else than is asked now.
        """
        replayed = False
        try:
            request = flow.send(None)
            while True:
                answer = self._answered(request, since, again=replayed)
                replayed = not answer.fresh
                if answer.error is None:
                    request = flow.send(answer.reply)
                else:
                    request = flow.throw(answer.error)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def stored(self, value: T) -> T:
        """Return ``value`` as whoever replays will find it."""
        return cast("T", self._serializer.deserialize(self._serializer.serialize(value)))

    def digest(self, value: object) -> str:
        """Return what is the same for equal values and no others; a mapping has no order."""
        plain: object = json.loads(self._serializer.serialize(value))
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:32]

    def _answered(
        self, request: Request[object], since: datetime | None, *, again: bool
    ) -> _Answer:
        """Return the answer to ``request``, recorded or new; ask again if it failed in passing."""
        if isinstance(request, LoadContact):
            return _Answer(*self._read(request), fresh=not again)
        asked = self.digest(_content(request))
        answer = self._step(request, asked, since, again=again)
        for span in self._pauses:
            if not _worth_asking_again(request, answer.error):
                break
            again = again or isinstance(answer.error, OutcomeUnknown)
            self._dbos.sleep(span.total_seconds())
            answer = self._step(request, asked, since, again=again)
        return answer

    def _read(self, request: LoadContact) -> tuple[object, OrderwrightError | None]:
        """Read personal data, whenever it is needed: what is recorded of it nobody could forget.

        Nor is it recorded how often that failed in passing, or was waited for.
        """
        reply, error = self._tried(request, None, again=False)
        for span in self._pauses:
            if not _worth_asking_again(request, error):
                break
            pause(span)
            reply, error = self._tried(request, None, again=False)
        return reply, error

    def _step(
        self, request: Request[object], asked: str, since: datetime | None, *, again: bool
    ) -> _Answer:
        fresh = False

        def perform() -> dict[str, object]:
            nonlocal fresh
            fresh = True
            reply, error = self._tried(request, since, again=again)
            return {"asked": asked, "reply": reply, "error": error}

        name = type(request).__name__
        try:
            found = self._dbos.run_step({"name": name}, perform)
        except CodecError as wrong:
            raise BrokenPromise("port", f"{name} was answered with {wrong}") from wrong
        if found["asked"] != asked:
            told = f"{name} was recorded with other content: by other code, or for another desk"
            raise AdapterFault("dbos", f"{self._dbos.workflow_id}: {told}; resume carries on")
        error = cast("OrderwrightError | None", found["error"])
        return _Answer(found["reply"], error, fresh)

    def _tried(
        self, request: Request[object], since: datetime | None, *, again: bool
    ) -> tuple[object, OrderwrightError | None]:
        """Return the reply, or else the error."""
        try:
            return self._performed(request, since, again=again), None
        except Exception as error:  # noqa: BLE001 - it is the flow's to handle
            return None, known(request, error)

    def _performed(
        self, request: Request[object], since: datetime | None, *, again: bool
    ) -> object:
        """Ask the port; ``again`` if that may have been done before, and the answer lost."""
        if again and isinstance(request, CallProvider | CallCarrier):
            return self._called_again(request, since)
        if isinstance(request, LookUp):
            return self._looked_up(request, since)
        try:
            return request.perform(self._ports)
        except Conflict:
            if again and isinstance(request, SaveOrder) and self._has_saved(request):
                return None
            raise

    def _has_saved(self, request: SaveOrder) -> bool:
        """Whether it was this very save that made the version it was to make."""
        saved = self._ports.orders.events(request.order.id, after=request.expected_version)
        return cast("tuple[Event, ...]", saved)[: len(request.events)] == request.events

    def _called_again(self, request: CallProvider | CallCarrier, since: datetime | None) -> object:
        """Look a call up that may have been made; make it only if it is sure that it was not.

        After its id may have been forgotten, nothing is: resume has it looked into.
        """
        asked = request.request
        found = LookUp(asked).perform(self._ports)
        if found == "not_found":
            if self._is_recent(since, self._retention(asked)):
                return request.perform(self._ports)
        elif found != "unsure":
            return found
        raise OutcomeUnknown("dbos", f"{asked.id} was interrupted")

    def _looked_up(self, request: LookUp, since: datetime | None) -> object:
        """Look a call up; whether its id is remembered still, the flow judges by its own time.

        So to a command that waited long, what nobody knows is unsure: it is for a later resume.
        """
        found = request.perform(self._ports)
        retention = self._retention(request.request)
        if found == "not_found" and self._setting.clock is not None and retention is not None:
            return found if self._is_recent(since, retention / _LATE) else "unsure"
        return found

    def _retention(self, asked: PaymentRequest | LabelRequest) -> timedelta | None:
        label = isinstance(asked, LabelRequest)
        return self._setting.label_retention if label else self._setting.key_retention

    def _is_recent(self, since: datetime | None, retention: timedelta | None) -> bool:
        clock = self._setting.clock
        if since is None or retention is None or clock is None:
            return False
        return clock() - since <= retention


@final
class _Answer(NamedTuple):
    """What a port answered, or the error that it raised; ``fresh`` if it was asked just now."""

    reply: object
    error: OrderwrightError | None
    fresh: bool


def _content(request: Request[object]) -> list[object]:
    """Return all that ``request`` asks; an order to save is what its events make of it.

    Less personal data, which the ids of contacts stand for: whoever guesses it right would see so
    by a digest, also when it has been forgotten.
    """
    names: tuple[str, ...] = tuple(request.__slots__)
    facts = (getattr(request, one) for one in names if one not in _LEFT_OUT)
    return [type(request).__name__, *facts]


def _worth_asking_again(request: Request[object], error: OrderwrightError | None) -> bool:
    """Whether another try may help: nothing happened, or the repository knows what did."""
    if isinstance(error, OutcomeUnknown):
        return isinstance(request, SaveOrder | PostStock)
    return isinstance(error, AdapterFault) and error.retryable
