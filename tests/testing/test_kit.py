"""The kit itself: what it covers, how it speaks, and that nothing passes unseen."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from threading import Event
from typing import get_args

import pytest
from attrs import evolve

from orderwright import ports
from orderwright.codec import _EVENTS
from orderwright.orders.events import Event as OrderEvent
from orderwright.ports import OrderRepository, PaymentPort
from orderwright.testing import (
    AsyncInventoryRepositoryContract,
    AsyncOrderRepositoryContract,
    AsyncPaymentPortContract,
    CarrierPortContract,
    ClauseBroken,
    Contract,
    ContractBroken,
    InventoryRepositoryContract,
    JointOrderRepositoryContract,
    OrderRepositoryContract,
    PaymentBench,
    PaymentPortContract,
    check,
    check_async_inventory_repository,
    check_async_order_repository,
    check_async_payment_port,
    check_inventory_repository,
    check_order_repository,
    check_payment_port,
    clause,
)
from orderwright.testing.clauses import citation, clauses_of
from orderwright.testing.comparing import raises, require, same
from orderwright.testing.lives import lives
from orderwright.testing.opening import raced
from orderwright.testing.reads import paged
from orderwright.testing.samples import ALIKE, SORTED
from tests.helpers import SOURCE, parsed, where
from tests.testing import hosted
from tests.testing.broken_orders import LossyCodec, LostUpdate, PlainOrders, Store
from tests.testing.hosted import Host, Hosted
from tests.testing.judging import BRIEF, judged
from tests.testing.memory import (
    AsyncInventory,
    AsyncOrders,
    AsyncPayments,
    Provider,
    memory_inventory,
    memory_orders,
    memory_payments,
)

CONTRACTS = {
    ports.OrderRepository: OrderRepositoryContract,
    ports.InventoryRepository: InventoryRepositoryContract,
    ports.JointOrderRepository: JointOrderRepositoryContract,
    ports.PaymentPort: PaymentPortContract,
    ports.CarrierPort: CarrierPortContract,
}


def clause_tests(contract: type) -> dict[str, Callable[..., None]]:
    """The tests of a contract by name."""
    return {name: getattr(contract, name) for name in dir(contract) if name.startswith("test_")}


@pytest.mark.parametrize("port", CONTRACTS, ids=lambda port: port.__name__)
def test_every_clause_has_a_test_and_every_test_a_clause(port: type) -> None:
    """What a port promises is what its contract tests: nothing is left out, nothing made up."""
    cited = {citation(test) for test in clause_tests(CONTRACTS[port]).values()}
    assert set(clauses_of(port)) == cited


@pytest.mark.parametrize("port", CONTRACTS, ids=lambda port: port.__name__)
def test_every_number_in_a_port_is_read_as_a_clause(port: type) -> None:
    """Methods and the port number their clauses from one on, without a gap, each with words."""
    numbers: dict[str, list[int]] = {}
    for name, words in clauses_of(port).items():
        assert len(words) > 10, name
        method, number = name.rsplit(" ", 1)
        numbers.setdefault(method, []).append(int(number))
    shared = len(numbers.get(port.__name__, ()))
    for method, found in numbers.items():
        begin = 1 if found[0] == 1 else shared + 1
        assert list(range(begin, begin + len(found))) == found, method


def test_clauses_named_in_passing_exist() -> None:
    """Whatever clause the machines name when a read differs is one that exists."""
    known = {name for port in CONTRACTS for name in clauses_of(port)}
    for path, tree in parsed("testing"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named = re.fullmatch(r"(Order|Inventory)Repository\.\w+ \d+", node.value)
                assert named is None or node.value in known, where(path, node)


def test_a_test_without_a_clause_is_refused() -> None:
    """Whoever adds a test has to name a clause that exists."""

    def nameless(contract: Contract) -> None:
        """Tests something."""

    def made_up(contract: Contract) -> None:
        """OrderRepository.save 99: tests something else."""

    for test in (nameless, made_up):
        with pytest.raises(ValueError, match=test.__name__):
            clause(test)


def test_the_kit_has_no_assert_statement() -> None:
    """Python leaves asserts out under -O: a contract that used them would pass everything."""
    found = [
        where(path, node)
        for path, tree in parsed("testing")
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
    ]
    assert [] == found


# What a failure says --------------------------------------------------------------------------


class Lost(OrderRepositoryContract):
    """The contract on a repository where the last save wins."""

    durable_on_save = True
    machine_settings = BRIEF

    @contextmanager
    def make(self) -> Iterator[Callable[[], OrderRepository]]:
        """A store."""
        store = Store()
        yield lambda: LostUpdate(store)


def test_a_failure_names_clause_promise_and_what_happened() -> None:
    """All three are in the message, the promise in the words of the port's docstring."""
    with pytest.raises(ClauseBroken) as caught:
        Lost().test_of_concurrent_saves_one_succeeds()
    promise = "Of two concurrent saves with one expected version exactly one succeeds."
    happened = "8 of 8 succeeded"
    failure = caught.value
    assert ("OrderRepository.save 3", promise) == (failure.clause, failure.promise)
    assert happened == failure.happened
    assert f"OrderRepository.save 3: {promise} \N{EM DASH} {happened}" == str(failure)


def test_a_failure_survives_the_way_between_processes() -> None:
    """Tests may run in worker processes, which send their failures as pickles."""
    failure = ClauseBroken("OrderRepository.save 3", "promise", "happened")
    kind, arguments = failure.__reduce__()
    assert str(failure) == str(kind(*arguments))


def test_a_machine_shows_the_steps_that_led_there() -> None:
    """The shortest steps found are part of what happened."""

    class Lossy(Lost):
        @contextmanager
        def make(self) -> Iterator[Callable[[], OrderRepository]]:
            store = Store()
            yield lambda: LossyCodec(store)

    Lossy.machine_settings = OrderRepositoryContract.machine_settings
    with pytest.raises(ClauseBroken) as caught:
        Lossy().test_any_saves_leave_what_the_reference_keeps()
    assert "OrderRepository.events 2" == caught.value.clause
    assert "].by: expected" in caught.value.happened
    told = "\n".join(caught.value.__notes__)
    assert "state.save(" in told
    assert "state.teardown()" in told


def test_the_functions_raise_all_failures_together() -> None:
    """A report of one run: every clause that is broken, one to a line."""
    with pytest.raises(ContractBroken) as caught:
        check(Lost)
    clauses = {failure.clause for failure in caught.value.failures}
    assert {"OrderRepository.save 2", "OrderRepository.save 3"} == clauses
    assert str(caught.value).count("OrderRepository.save 3: ") == 1


def test_the_functions_accept_the_adapters_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sync and async: nothing is broken, and nothing was left out."""
    monkeypatch.setattr(Contract, "machine_settings", BRIEF)

    @asynccontextmanager
    async def async_orders():  # noqa: ANN202 - what an author would write
        with memory_orders() as opener:
            yield lambda: AsyncOrders(opener())

    @asynccontextmanager
    async def async_inventory():  # noqa: ANN202 - as above
        with memory_inventory() as opener:
            yield lambda policies: AsyncInventory(opener(policies))

    @asynccontextmanager
    async def async_payments():  # noqa: ANN202 - as above
        provider = Provider()
        yield provider.bench(lambda: AsyncPayments(provider.port))

    assert () == check_order_repository(memory_orders)
    assert () == check_inventory_repository(memory_inventory)
    assert () == check_payment_port(memory_payments)
    assert () == check_async_order_repository(async_orders)
    assert () == check_async_inventory_repository(async_inventory)
    assert () == check_async_payment_port(async_payments)


def test_the_kit_works_without_pytest() -> None:
    """The functions need no pytest: in an interpreter where it cannot be imported they work."""
    script = """
import sys
sys.modules["pytest"] = None
sys.path.insert(0, sys.argv[1])
from orderwright.testing import ContractBroken, check_payment_port
from tests.testing.broken_payments import NothingIsFound, Till
from contextlib import contextmanager

@contextmanager
def make():
    till = Till()
    yield till.bench(lambda: NothingIsFound(till))

try:
    check_payment_port(make)
except AssertionError as error:
    assert isinstance(error, ContractBroken)
    print(error)
"""
    root = str(SOURCE.parents[1])
    command = [sys.executable, "-O", "-c", script, root]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert (0, "") == (done.returncode, done.stderr)
    assert "PaymentPort.look_up 1: ``not_found`` only if the provider never had it" in done.stdout


def test_without_its_extra_the_kit_says_which() -> None:
    """Importing it without Hypothesis tells what to install."""
    script = "import sys; sys.modules['hypothesis'] = None; import orderwright.testing"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert 1 == done.returncode
    told = "ImportError: orderwright.testing needs hypothesis: install the extra"
    assert f"{told} orderwright[testing]" in done.stderr


# Nothing is left out in silence ---------------------------------------------------------------


def test_a_contract_without_a_port_is_an_error() -> None:
    """Nothing to test is no success."""

    class Nothing(Contract):
        """No clauses."""

    with pytest.raises(ValueError, match="Nothing has no tests"):
        check(Nothing)


def test_what_is_not_declared_fails() -> None:
    """Whoever forgets to declare durability, or to say how a store is made, hears of it."""

    class Undeclared(OrderRepositoryContract):
        @contextmanager
        def make(self) -> Iterator[Callable[[], OrderRepository]]:
            store = Store()
            yield lambda: PlainOrders(store)

    with pytest.raises(ClauseBroken, match="durable_on_save"):
        Undeclared().test_whether_saves_are_durable_is_told()
    with pytest.raises(ClauseBroken, match="NotImplementedError"):
        PaymentPortContract().test_a_charge_has_a_reference()


@pytest.mark.parametrize(
    "contract",
    [
        OrderRepositoryContract,
        AsyncOrderRepositoryContract,
        InventoryRepositoryContract,
        AsyncInventoryRepositoryContract,
        PaymentPortContract,
        AsyncPaymentPortContract,
    ],
)
def test_every_contract_has_to_be_told_how_a_store_is_made(contract: type[Contract]) -> None:
    """The contract alone tests nothing, and says so; so does the class of its clauses."""
    with pytest.raises(NotImplementedError):
        contract().make()
    for base in contract.__mro__[1:3]:
        with pytest.raises(NotImplementedError):
            base().opened()


def test_what_a_provider_has_not_is_told_as_skipped() -> None:
    """Each hook that is declared as absent skips the tests that need it, by name."""
    absent = ("declined", "challenged", "lost_answers", "lost_requests", "postponed")

    class Bare(PaymentPortContract):
        @contextmanager
        def make(self) -> Iterator[PaymentBench[PaymentPort]]:
            with memory_payments() as bench:
                yield evolve(bench, books=None, **dict.fromkeys(absent))

    assert {f"the bench says {name}=None" for name in absent} == set(check(Bare))


@pytest.mark.parametrize(
    ("kind", "durable", "broken"),
    [
        (Hosted, False, set()),
        (hosted.Autocommits, False, {"OrderRepository.save 5"}),
        (hosted.SaysItIsDurable, False, {"OrderRepository.durable_on_save 1"}),
        (Hosted, True, {"OrderRepository.durable_on_save 1"}),
    ],
)
def test_what_is_not_durable_is_held_to_it(
    kind: type[Hosted], *, durable: bool, broken: set[str]
) -> None:
    """Inside a host's transaction a save is gone when that is rolled back; one thread does all."""
    host = Host(kind)

    class InTransaction(OrderRepositoryContract):
        concurrent = False

        def make(self) -> AbstractContextManager[Callable[[], OrderRepository]]:
            return host.make()

        def rolled_back(
            self, opener: Callable[[], OrderRepository]
        ) -> AbstractContextManager[OrderRepository]:
            del opener  # the host knows its store
            return host.rolled_back()

    InTransaction.durable_on_save = durable
    assert broken == set(judged(InTransaction))


def test_a_store_that_is_not_durable_needs_a_way_to_roll_back() -> None:
    """Without it the test of durability says what to override."""

    class Half(Lost):
        durable_on_save = False

    with pytest.raises(ClauseBroken, match="override rolled_back"):
        Half().test_what_was_saved_is_there_for_good()


# Parts ----------------------------------------------------------------------------------------


def test_the_lives_have_every_event() -> None:
    """Every class of event is among what is saved, so that no codec is tested in part."""
    seen = {type(event) for save in lives() for event in save.events}
    assert set() == set(_EVENTS) - seen
    assert all(issubclass(one, OrderEvent) for one in seen)


def test_the_lives_are_orders() -> None:
    """What is saved adds up: each order is what its events say, version by version."""
    versions: dict[str, int] = {}
    for save in lives():
        assert versions.get(save.order.id, 0) == save.expected_version
        versions[save.order.id] = save.order.version
        assert save.order.version == save.expected_version + len(save.events)
    names = "".join(save.order.id for save in lives())
    assert {"\N{SLICE OF PIZZA}", "'", '"', "%", "\\"} <= set(names)


def test_names_are_sorted_and_alike_as_they_say() -> None:
    """The names that tests sort by are sorted, and what looks alike is not equal."""
    assert sorted(SORTED) == list(SORTED)
    assert sorted(SORTED) != sorted(SORTED, key=str.casefold)
    assert sorted(SORTED) != sorted(SORTED, key=lambda one: one.encode("utf-16-be"))
    assert len(ALIKE) == len(set(ALIKE)) > len({one.casefold() for one in ALIKE})


def test_the_first_difference_is_told() -> None:
    """Of large values that differ, only where and how they do."""
    save = lives()[0]
    for expected, actual, told in (
        (1, 2, "it: expected 1, got 2"),
        ([1, 2, 3], [1, 5, 3], r"it\[1\]: expected 2, got 5"),
        ((1, 2), (1,), r"it\[1\]: expected 2, got nothing"),
        ({"a": (1,)}, {"a": (2,)}, r"it\['a'\]\[0\]: expected 1, got 2"),
        ((1,), [1], r"it: expected \(1,\), got \[1\]"),
        (save.order, evolve(save.order, channel="x"), "it.channel: expected .*, got 'x'"),
        ("a" * 600, "", f"it: expected '{'a' * 499}..., got ''"),
    ):
        with pytest.raises(AssertionError, match=f"^{told}$"):
            same(expected, actual, "it")
    same([1], [1], "it")


def test_require_and_raises_say_what_happened() -> None:
    """What did not hold, and what came instead of an error."""
    require(condition=True, happened="nothing")
    with pytest.raises(AssertionError, match=r"^it happened$"):
        require(condition=False, happened="it happened")
    assert "3" == str(raises(ValueError, lambda: int_error("3"), "it"))
    with pytest.raises(AssertionError, match=r"^it: expected ValueError, got 7$"):
        raises(ValueError, lambda: 7, "it")
    with pytest.raises(TypeError):
        raises(ValueError, lambda: sum(["a"]), "it")


def int_error(text: str) -> None:
    """Raise a ValueError."""
    raise ValueError(text)


def test_pages_that_do_not_end_are_an_error() -> None:
    """A cursor that goes in circles does not hang the test."""
    assert [1, 2, 3] == paged(lambda last: [(last or 0) + 1] if last != 3 else [])
    with pytest.raises(AssertionError, match="still no empty page after 1000 pages"):
        paged(lambda _: [1])


def test_a_call_that_hangs_is_an_error() -> None:
    """A deadlock between adapters is told after some time, and does not keep the process."""
    never = Event()
    with pytest.raises(AssertionError, match=r"no answer after 0\.05 seconds"):
        raced([lambda: 1, lambda: never.wait(5)], 0.05)
    never.set()
    with pytest.raises(ZeroDivisionError):
        raced([lambda: 1 // 0, lambda: 1], 5)
    with pytest.raises(TimeoutError, match="the adapter's own"):
        raced([lambda: time_out("the adapter's own")], 5)


def time_out(why: str) -> None:
    """Raise a TimeoutError."""
    raise TimeoutError(why)


def test_an_async_store_is_left_in_the_task_that_entered_it() -> None:
    """Context managers that belong to a task, as those of task groups do, can be used."""
    import asyncio  # noqa: PLC0415 - only this test runs a loop of its own

    tasks: list[object] = []

    class InATask(AsyncOrderRepositoryContract):
        durable_on_save = True

        @asynccontextmanager
        async def make(self):  # noqa: ANN202 - what an author would write
            tasks.append(asyncio.current_task())
            with memory_orders() as opener:
                yield lambda: AsyncOrders(opener())
            tasks.append(asyncio.current_task())

    InATask().test_a_key_belongs_to_one_order()
    begun, left = tasks
    assert begun is left


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_async_store_that_cannot_be_made_is_told(when: str) -> None:
    """What goes wrong in make is raised where the test is, whether it is entered or left."""

    class Unmade(AsyncOrderRepositoryContract):
        durable_on_save = True

        @asynccontextmanager
        async def make(self):  # noqa: ANN202 - what an author would write
            if when == "before":
                raise OSError("no such database")
            with memory_orders() as opener:
                yield lambda: AsyncOrders(opener())
            raise OSError("no such database")

    with pytest.raises(ClauseBroken, match="OSError: no such database"):
        Unmade().test_the_empty_key_finds_nothing()


def test_every_verb_of_a_payment_is_tried() -> None:
    """The kit's list of verbs is the library's."""
    from orderwright.payments.operations import OperationKind  # noqa: PLC0415
    from orderwright.testing.payment_knowing import VERBS  # noqa: PLC0415

    assert get_args(OperationKind) == VERBS
