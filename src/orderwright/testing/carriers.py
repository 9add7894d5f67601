"""The contract of a carrier port."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from attrs import evolve

from orderwright.testing.carrier_clauses import CarrierClauses
from orderwright.testing.contract import opened_on

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from orderwright.ports import AsyncCarrierPort, CarrierPort
    from orderwright.testing.carrier_bench import CarrierBench

__all__ = ["AsyncCarrierPortContract", "CarrierPortContract"]


class CarrierPortContract(CarrierClauses):
    """What a carrier port has to do: subclass it, and say how an account is made."""

    def make(self) -> AbstractContextManager[CarrierBench[CarrierPort]]:
        """Return a fresh account at the carrier, as a context manager of a bench."""
        raise NotImplementedError

    def opened(self) -> AbstractContextManager[CarrierBench[CarrierPort]]:
        """Return a fresh account."""
        return self.make()


class AsyncCarrierPortContract(CarrierClauses):
    """What an async carrier port has to do: subclass it, and say how an account is made."""

    def make(
        self,
    ) -> AbstractAsyncContextManager[CarrierBench[AsyncCarrierPort | Awaitable[AsyncCarrierPort]]]:
        """Return a fresh account at the carrier; see :meth:`CarrierPortContract.make`.

        ``open`` of the bench may be async too. Everything runs on one event loop; what else is on
        the bench is called from another thread.
        """
        raise NotImplementedError

    @contextmanager
    def opened(self) -> Generator[CarrierBench[CarrierPort]]:
        """Return a fresh account, on a loop of its own."""
        with self.on_loop(self.make()) as (bench, loop):
            yield evolve(
                cast("CarrierBench[CarrierPort]", bench),
                open=lambda: cast("CarrierPort", opened_on(loop, bench.open)),
            )
