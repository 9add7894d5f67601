"""The contract of carriers: the one in memory keeps it, and whoever breaks it is told how."""

import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from orderwright import Contact
from orderwright.errors import OutcomeUnknown
from orderwright.fulfillment.shipping import LabelOutcome, LabelRequest
from orderwright.ports import CarrierCapabilities, CarrierPort
from orderwright.testing import (
    AsyncCarrierPortContract,
    CarrierBench,
    CarrierPortContract,
    ContractBroken,
    check_carrier_port,
)
from orderwright.testing.clauses import citation, clauses_of
from tests.test_desk import Slow
from tests.testing.broken_carriers import BROKEN, Broken, Honest
from tests.testing.memory_carriers import Depot


class TestMemoryCarrier(CarrierPortContract):
    """The reference keeps every promise."""

    @contextmanager
    def make(self) -> Iterator[CarrierBench[CarrierPort]]:
        """A carrier that can do everything."""
        depot = Depot()
        yield depot.bench(lambda: depot.port)


class TestCarrierThatTakesNothingBack(CarrierPortContract):
    """Declared, it is tested the other way round."""

    @contextmanager
    def make(self) -> Iterator[CarrierBench[CarrierPort]]:
        """A carrier whose labels are bought for good."""
        depot = Depot(CarrierCapabilities(cancels=False, key_retention=timedelta(days=1)))
        yield depot.bench(lambda: depot.port)


class TestAsyncCarrier(AsyncCarrierPortContract):
    """The same behind an async face."""

    @asynccontextmanager
    async def make(self) -> AsyncIterator[CarrierBench[Any]]:
        """The carrier in memory, which gives way at every call."""
        depot = Depot()
        yield depot.bench(lambda: Slow(depot.port))


def put(case: Broken) -> Iterator[CarrierBench[CarrierPort]]:
    """A carrier in memory, behind a broken adapter."""
    depot = Depot()
    yield depot.bench(lambda: case.carrier(depot.port))


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.carrier.__name__)
def test_a_broken_carrier_is_told_what_it_breaks(
    case: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails by the right clause, and by no others than those that go with it."""
    monkeypatch.setattr(CarrierPortContract, "patience", 1.0)
    with pytest.raises(ContractBroken) as caught:
        check_carrier_port(lambda: contextmanager(put)(case))
    failures = caught.value.failures
    assert case.clause in {one.clause for one in failures}
    assert {one.clause for one in failures} <= {case.clause, *case.others}, str(caught.value)
    assert all(one.promise == clauses_of(CarrierPort)[one.clause] for one in failures)


class RaisesSilence(Honest):
    """A lost answer is raised: that is as good as the outcome."""

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """Sell, or raise."""
        outcome = super().book(request, recipient)
        if outcome.outcome == "unknown":
            raise OutcomeUnknown("dhl", outcome.reason)
        return outcome


@pytest.mark.parametrize("kind", [Honest, RaisesSilence])
def test_passing_on_breaks_nothing(kind: type[Honest]) -> None:
    """What the broken ones have in common is none of the faults."""
    assert () == check_carrier_port(lambda: contextmanager(put)(Broken(kind, "")))


def test_every_promise_is_broken_by_somebody() -> None:
    """No clause is only claimed to be tested: for each there is a carrier that fails by it."""
    assert set(clauses_of(CarrierPort)) == {case.clause for case in BROKEN}


def test_every_promise_has_a_test() -> None:
    """Each numbered clause of the port is cited by a test of the contract, and no other is."""
    tests = [one for name, one in inspect.getmembers(CarrierPortContract) if name[:5] == "test_"]
    assert set(clauses_of(CarrierPort)) == {citation(one) for one in tests}


def test_what_a_bench_lacks_is_told() -> None:
    """Nothing is left out silently, and what is left is tested."""
    hooks = ("unserved", "lost_answers", "lost_requests", "postponed", "handed_over")

    @contextmanager
    def bare() -> Iterator[CarrierBench[CarrierPort]]:
        depot = Depot()
        yield evolve(depot.bench(lambda: depot.port), books=None, **dict.fromkeys(hooks))

    assert {f"the bench says {name}=None" for name in hooks} == set(check_carrier_port(bare))
