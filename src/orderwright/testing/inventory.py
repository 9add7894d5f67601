"""The contract of an inventory repository."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from orderwright.testing.contract import opened_on
from orderwright.testing.inventory_crowding import CrowdClauses
from orderwright.testing.inventory_machine import MachineClauses
from orderwright.testing.inventory_posting import PostingClauses
from orderwright.testing.inventory_racing import RacingClauses
from orderwright.testing.inventory_reading import ReadingClauses

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from orderwright.inventory.guard import Policies
    from orderwright.ports import AsyncInventoryRepository, InventoryRepository

__all__ = ["AsyncInventoryRepositoryContract", "InventoryRepositoryContract"]


class InventoryClauses(PostingClauses, ReadingClauses, CrowdClauses, RacingClauses, MachineClauses):
    """One test for each clause of :class:`~orderwright.ports.InventoryRepository`."""


class InventoryRepositoryContract(InventoryClauses):
    """What an inventory repository has to do: subclass it, and say how a store is made."""

    def make(self) -> AbstractContextManager[Callable[[Policies], InventoryRepository]]:
        """Return a fresh, empty store, as a context manager of what opens an adapter on it.

        Each call of the opener returns an adapter of its own (another connection), all on the one
        store, which is gone when the context ends. It is given the ``policies`` of the stock, the
        same for all adapters of a store.
        """
        raise NotImplementedError

    def opened(self) -> AbstractContextManager[Callable[[Policies], InventoryRepository]]:
        """Return a fresh store."""
        return self.make()


class AsyncInventoryRepositoryContract(InventoryClauses):
    """What an async inventory repository has to do: subclass it, and say how a store is made."""

    def make(
        self,
    ) -> AbstractAsyncContextManager[
        Callable[[Policies], AsyncInventoryRepository | Awaitable[AsyncInventoryRepository]]
    ]:
        """Return a fresh, empty store; see :meth:`InventoryRepositoryContract.make`.

        The opener may be async too. Everything runs on one event loop.
        """
        raise NotImplementedError

    @contextmanager
    def opened(self) -> Generator[Callable[[Policies], InventoryRepository]]:
        """Return a fresh store, on a loop of its own."""
        with self.on_loop(self.make()) as (opener, loop):
            yield lambda policies: cast(
                "InventoryRepository", opened_on(loop, lambda: opener(policies))
            )
