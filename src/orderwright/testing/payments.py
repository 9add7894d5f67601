"""The contract of a payment port."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from attrs import evolve

from orderwright.testing.contract import opened_on
from orderwright.testing.payment_knowing import KnowingClauses
from orderwright.testing.payment_machine import MachineClauses
from orderwright.testing.payment_moving import MovingClauses

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from orderwright.ports import AsyncPaymentPort, PaymentPort
    from orderwright.testing.payment_bench import PaymentBench

__all__ = ["AsyncPaymentPortContract", "PaymentPortContract"]


class PaymentClauses(MovingClauses, KnowingClauses, MachineClauses):
    """One test for each clause of :class:`~orderwright.ports.PaymentPort`."""


class PaymentPortContract(PaymentClauses):
    """What a payment port has to do: subclass it, and say how an account is made."""

    def make(self) -> AbstractContextManager[PaymentBench[PaymentPort]]:
        """Return a fresh account at the provider, as a context manager of a bench."""
        raise NotImplementedError

    def opened(self) -> AbstractContextManager[PaymentBench[PaymentPort]]:
        """Return a fresh account."""
        return self.make()


class AsyncPaymentPortContract(PaymentClauses):
    """What an async payment port has to do: subclass it, and say how an account is made."""

    def make(
        self,
    ) -> AbstractAsyncContextManager[PaymentBench[AsyncPaymentPort | Awaitable[AsyncPaymentPort]]]:
        """Return a fresh account at the provider; see :meth:`PaymentPortContract.make`.

        ``open`` of the bench may be async too. Everything runs on one event loop; what else is on
        the bench is called from another thread.
        """
        raise NotImplementedError

    @contextmanager
    def opened(self) -> Generator[PaymentBench[PaymentPort]]:
        """Return a fresh account, on a loop of its own."""
        with self.on_loop(self.make()) as (bench, loop):
            yield evolve(
                cast("PaymentBench[PaymentPort]", bench),
                open=lambda: cast("PaymentPort", opened_on(loop, bench.open)),
            )
