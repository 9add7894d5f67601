"""The async ports are the sync ones, awaited; every method numbers its promises."""

import inspect
import re
import typing

import pytest

from orderwright import ports

PAIRS = [
    (ports.OrderRepository, ports.AsyncOrderRepository),
    (ports.InventoryRepository, ports.AsyncInventoryRepository),
    (ports.PaymentPort, ports.AsyncPaymentPort),
    (ports.CarrierPort, ports.AsyncCarrierPort),
]


def methods(port: type) -> dict[str, object]:
    """The methods and properties a port declares itself."""
    return {name: one for name, one in vars(port).items() if name[0] != "_"}


@pytest.mark.parametrize(("sync", "twin"), PAIRS)
def test_the_async_twin_has_the_same_methods(sync: type, twin: type) -> None:
    """Names and their order are equal, so no promise is missing on one side."""
    assert list(methods(sync)) == list(methods(twin))


@pytest.mark.parametrize(
    ("sync", "twin", "name"),
    [(sync, twin, name) for sync, twin in PAIRS for name in methods(sync)],
)
def test_each_async_method_is_the_sync_one_awaited(sync: type, twin: type, name: str) -> None:
    """Parameters and results are equal; the twin is `async def`, except for plain properties."""
    one, other = vars(sync)[name], vars(twin)[name]
    assert type(one) is type(other)
    if isinstance(one, property):
        one, other = one.fget, other.fget
    else:
        assert not inspect.iscoroutinefunction(one)
        assert inspect.iscoroutinefunction(other)
    assert inspect.signature(one) == inspect.signature(other)


@pytest.mark.parametrize(
    ("port", "name"), [(port, name) for port, _ in PAIRS for name in methods(port)]
)
def test_every_promise_is_numbered(port: type, name: str) -> None:
    """A port method's docstring numbers its clauses from where its port's clauses end."""
    method = vars(port)[name]
    own = _clauses(inspect.getdoc(method) or "")
    shared = _clauses(inspect.getdoc(port) or "")
    assert own or shared, name
    if own:
        assert own in (
            list(range(1, len(own) + 1)),
            list(range(len(shared) + 1, len(shared) + 1 + len(own))),
        )


def _clauses(text: str) -> list[int]:
    return [int(one) for one in re.findall(r"(?:^|\s)(\d)\. [A-Z`]", text)]


@pytest.mark.parametrize("twin", [twin for _, twin in PAIRS])
def test_the_twin_refers_to_the_promises(twin: type) -> None:
    """Clauses are written once, on the sync port; the twin points at them."""
    for name, method in methods(twin).items():
        assert re.fullmatch(rf"See :\w+:`\w+\.{name}`\.", inspect.getdoc(method) or ""), name


def test_a_finding_is_an_outcome_or_a_word() -> None:
    """What look-up may answer is a closed choice."""
    for finding, kind in (
        (ports.Finding, ports.PaymentOutcome),
        (ports.LabelFinding, ports.LabelOutcome),
    ):
        outcome, words = typing.get_args(finding)
        assert kind is outcome
        assert ("not_found", "unsure") == typing.get_args(words)
