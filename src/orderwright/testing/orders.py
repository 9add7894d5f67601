"""The contract of an order repository."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from orderwright.testing.contract import opened_on
from orderwright.testing.order_crowding import CrowdClauses
from orderwright.testing.order_finding import FindingClauses
from orderwright.testing.order_machine import MachineClauses
from orderwright.testing.order_naming import NamingClauses
from orderwright.testing.order_racing import RacingClauses
from orderwright.testing.order_saving import SavingClauses

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from orderwright.ports import AsyncOrderRepository, OrderRepository

__all__ = ["AsyncOrderRepositoryContract", "OrderRepositoryContract"]


class OrderClauses(
    SavingClauses, NamingClauses, FindingClauses, CrowdClauses, RacingClauses, MachineClauses
):
    """One test for each clause of :class:`~orderwright.ports.OrderRepository`."""


class OrderRepositoryContract(OrderClauses):
    """What an order repository has to do: subclass it, and say how a store is made."""

    def make(self) -> AbstractContextManager[Callable[[], OrderRepository]]:
        """Return a fresh, empty store, as a context manager of what opens an adapter on it.

        Each call of the opener returns an adapter of its own (another connection), all on the one
        store, which is gone when the context ends.
        """
        raise NotImplementedError

    def opened(self) -> AbstractContextManager[Callable[[], OrderRepository]]:
        """Return a fresh store."""
        return self.make()


class AsyncOrderRepositoryContract(OrderClauses):
    """What an async order repository has to do: subclass it, and say how a store is made."""

    def make(
        self,
    ) -> AbstractAsyncContextManager[
        Callable[[], AsyncOrderRepository | Awaitable[AsyncOrderRepository]]
    ]:
        """Return a fresh, empty store; see :meth:`OrderRepositoryContract.make`.

        The opener may be async too. Everything runs on one event loop.
        """
        raise NotImplementedError

    @contextmanager
    def opened(self) -> Generator[Callable[[], OrderRepository]]:
        """Return a fresh store, on a loop of its own."""
        with self.on_loop(self.make()) as (opener, loop):
            yield lambda: cast("OrderRepository", opened_on(loop, opener))
