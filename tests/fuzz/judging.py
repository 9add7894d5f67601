"""What may come of hostile input: success, or one documented error that harmed nothing."""

import json
import signal
import sys
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable
from time import process_time
from types import FrameType
from typing import Any, NamedTuple

from orderwright.codec import Codec
from orderwright.errors import AdapterFault, InvalidInput, OrderwrightError
from tests.fuzz.hostile import Hostile

SECONDS = 1.0
MEGABYTES = 128
"""The largest text handed in has ten million letters; refusing it makes some copies."""
CODEC = Codec()
LONGEST = 1_200
"""So long may one fault be."""
LONGEST_LIST = 10_000
"""So long may the message of an error be that lists facts."""


class Target(NamedTuple):
    """A public entry: `case` makes hostile input and hands it in.

    `harmed` tells whether a refusal changed anything, `accepted` looks at what was accepted. `may`
    are errors that are not meant for callers, but documented for this entry.
    """

    case: Callable[[Hostile], object]
    harmed: Callable[[], bool] = lambda: False
    accepted: Callable[[object], object] = lambda _: None
    may: tuple[type[Exception], ...] = ()
    seconds: float = SECONDS

    @property
    def allowed(self) -> float:
        """The seconds it may take as things are: who counts branches looks at every line."""
        return self.seconds * _slowed()


def _slowed() -> int:
    return 10 if sys.gettrace() else 1


class Hang(BaseException):
    """It took far longer than it may."""


class Tally(NamedTuple):
    """What came of a run: how often each outcome, and what must not be, with its first number."""

    outcomes: Counter[str]
    findings: dict[str, int]
    slowest: float
    largest: float


def run(name: str, target: Target, numbers: Iterable[int], *, weigh: int = 50) -> Tally:
    """Try the cases of these numbers, weighing the memory of one in `weigh`."""
    tally = Tally(Counter(), {}, 0.0, 0.0)
    before = signal.signal(signal.SIGVTALRM, _hang)
    try:
        for number in numbers:
            outcome, took, megabytes = tried(name, target, number, weighed=number % weigh == 0)
            if took > target.allowed:  # or was somebody else at work?
                outcome, took, _ = tried(name, target, number, weighed=False)
            tally.outcomes[outcome.partition(":")[0]] += 1
            if ":" in outcome:
                tally.findings.setdefault(outcome, number)
            tally = tally._replace(
                slowest=max(tally.slowest, took), largest=max(tally.largest, megabytes)
            )
    finally:
        signal.signal(signal.SIGVTALRM, before)
    return tally


def _hang(_: int, frame: FrameType | None) -> None:
    raise Hang(frame)


def tried(name: str, target: Target, number: int, *, weighed: bool) -> tuple[str, float, float]:
    """The outcome of one case (after a colon: what is wrong), its seconds and its megabytes."""
    draw = Hostile(name, number)
    if weighed:
        tracemalloc.start()
    signal.setitimer(signal.ITIMER_VIRTUAL, 20 * _slowed())
    started = process_time()
    result: object = None
    error: BaseException | None = None
    try:
        result = target.case(draw)
    except (Exception, Hang) as raised:  # noqa: BLE001 - whatever it is, it is looked at
        error = raised
    took = process_time() - started
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    megabytes = 0.0
    if weighed:
        megabytes = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
    outcome = "done" if error is None else type(error).__name__
    wrong = _wrong(target, error, result)
    if not wrong and took > target.allowed and not weighed:
        wrong = f"took more than {target.allowed} s"
    if not wrong and megabytes > MEGABYTES:
        wrong = f"took more than {MEGABYTES} MB"
    return (f"{outcome}: {wrong}" if wrong else outcome), took, megabytes


def _wrong(target: Target, error: BaseException | None, result: object) -> str:
    if error is None:
        try:
            target.accepted(result)
        except Exception as later:  # noqa: BLE001 - whatever it is, it is told
            return f"accepted, and then {type(later).__name__} {where(later)}"
        return ""
    if not isinstance(error, OrderwrightError):
        return where(error)
    if isinstance(error, AdapterFault) and not isinstance(error, target.may):
        return f"blames an adapter: {error!s:.200}"
    if target.harmed():
        return "is no refusal: the state changed"
    return _ill_told(error)


def _ill_told(error: OrderwrightError) -> str:
    """What is wrong with how an error tells, so that people, logs and stores can use it."""
    faults: Any = error.faults if isinstance(error, InvalidInput) else ()
    if isinstance(error, InvalidInput) and not faults:
        return "names no fault"
    for fault in faults[:1_000]:
        if not fault.path or not fault.message:
            return f"does not say where: {fault!s:.200}"
        if len(str(fault)) > LONGEST:
            return f"repeats what it was given: {fault!s:.60} {where(error)}"
    if not faults and len(str(error)) > LONGEST_LIST:
        return f"repeats what it was given: {error!s:.60} {where(error)}"
    try:
        text = json.dumps(CODEC.encode_error(error), ensure_ascii=False).encode()
        str(error).encode()
    except (TypeError, ValueError, RecursionError) as unprintable:
        return f"cannot be written: {type(unprintable).__name__} {where(error)}"
    try:
        same = CODEC.decode_error(json.loads(text)) == error
    except InvalidInput:
        same = False
    return "" if same else f"does not survive the codec {where(error)}"


def where(error: BaseException) -> str:
    """The last places in our code that an error came by, whatever its input was."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if "orderwright/" in one.filename]
    told = [f"{one.filename.rsplit('orderwright/', 1)[1]}:{one.lineno}" for one in ours[-3:]]
    return f"{' > '.join(told)} {str(error)[:80]!a}"
