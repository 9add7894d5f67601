"""The benchmarks work, and what ours is compared with does the same duties."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.baselines.dicts import ConflictError, DictOrders, DictShop, RefusedError
from bench.baselines.eventsourced import EventsourcedShop
from bench.baselines.stores import OutOfStockError, Provider, Request, Stock
from bench.cases import CASES, TINY, growth, history, import_cost, same_end
from bench.ours import OurShop
from bench.postgres import POSTGRES, tiny
from bench.story import Figures, baskets
from bench.timing import Result, best, table
from orderwright import Order
from tests.postgres import Server


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(CASES))
def test_every_case_measures_both_sides(name: str) -> None:
    """Each case runs and comes back with times of both sides and what it counted."""
    result = CASES[name](TINY)
    assert result.ours > 0
    assert result.theirs > 0
    assert result.operations > 0
    assert name in {"cached", "ledger"} or result.bar is not None
    assert result.name in table([result])


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(POSTGRES))
def test_every_case_on_postgresql_measures_both_sides(name: str, pg_server: Server) -> None:
    """Each case runs on a server, ends where its baseline ends, and has its bars."""
    for result in POSTGRES[name](pg_server, tiny):
        assert result.ours > 0
        assert result.theirs > 0
        assert result.bar is not None
        assert result.name in table([result])


def test_growth_measures_each_size() -> None:
    """A life is timed at each number of orders in one repository."""
    assert list(TINY.growth) == [count for count, seconds in growth(TINY) if seconds > 0]


@pytest.mark.parametrize("shop", [DictShop, EventsourcedShop])
def test_a_baseline_ends_where_ours_ends(shop: type[DictShop | EventsourcedShop]) -> None:
    """A baseline makes as many saves and calls as ours, and agrees on every figure at the end."""
    assert "save 7" in same_end(shop, 20)


def test_lives_end_well() -> None:
    """The orders compared are complete, paid in full and delivered, with nothing left to do."""
    shop = OurShop()
    for basket in baskets(5):
        shop.live(basket)
    figures = shop.figures()
    assert {("completed", "delivered"): 5} == figures.states
    assert figures.total == figures.captured > 0
    assert 0 == figures.unfinished
    assert 10 == sum(figures.books.values())


def test_a_difference_is_found() -> None:
    """A baseline that skips a duty is not compared but refused."""

    class Lazy(DictShop):
        def figures(self) -> Figures:
            return replace(super().figures(), postings=0)

    with pytest.raises(AssertionError, match="the baseline at"):
        same_end(Lazy, 1)


def test_what_the_dict_baseline_saves_is_its_own() -> None:
    """Changing a loaded order changes nothing in the baseline's store until it is saved."""
    shop = DictShop()
    (basket,) = baskets(1)
    shop.live(basket)
    loaded = shop.orders.load(basket.order_id)
    assert loaded is not None
    loaded["payment"]["operations"][0]["state"] = "failed"
    loaded["fulfillments"][0]["state"] = "planned"
    loaded["intents"]["x"] = {}
    again = shop.orders.load(basket.order_id)
    assert again is not None
    assert "succeeded" == again["payment"]["operations"][0]["state"]
    assert "delivered" == again["fulfillments"][0]["state"]
    assert {} == again["intents"]


@pytest.mark.parametrize("shop", [DictShop(), EventsourcedShop(), OurShop()])
def test_a_repeated_life_changes_nothing(shop: DictShop | EventsourcedShop | OurShop) -> None:
    """Every contender recognises a placement, hand-over and arrival it has had before."""
    (basket,) = baskets(1)
    shop.live(basket)
    before = shop.figures()
    shop.live(basket)
    assert before == shop.figures()


def test_the_dict_baseline_refuses_what_ours_refuses() -> None:
    """Stale versions, other content under a known id and missing stock are refused by hand too."""
    shop = DictShop()
    (basket,) = baskets(1)
    shop.live(basket)
    stale = {"id": basket.order_id, "version": 3}
    with pytest.raises(ConflictError):
        shop.orders.save(stale, [])
    with pytest.raises(ValueError, match="other content"):
        shop.live(replace(basket, shipping=1))
    with pytest.raises(RefusedError, match="short"):
        shop.live(replace(basket, order_id="other", units=(("SKU-1", 10**9),)))
    assert 0 == len(DictOrders().feed)


def test_the_shared_stores_guard_and_repeat() -> None:
    """The baselines' ledger and provider are guarded, balanced and idempotent."""
    stock = Stock()
    receipt = (("A", "MAIN", "supplier", "", -2), ("A", "MAIN", "available", "", 2))
    stock.post("receipt", receipt)
    stock.post("receipt", receipt)
    assert {("A", "MAIN"): 2} == stock.supply(["A"])
    with pytest.raises(OutOfStockError):
        stock.post("3", (("A", "MAIN", "available", "", -3), ("A", "MAIN", "customer", "", 3)))
    with pytest.raises(ValueError, match="does not balance"):
        stock.post("4", (("A", "MAIN", "available", "", -1),))
    with pytest.raises(ValueError, match="another posting"):
        stock.post("receipt", ())
    provider = Provider()
    request = Request("a", "authorize", 5, "card", "")
    assert provider.authorize(request) == provider.authorize(request)
    assert 1 == len(provider.books)
    with pytest.raises(ValueError, match="another request"):
        provider.authorize(request._replace(amount=6))
    outcome, _ = provider.capture(Request("c", "capture", 6, "card", "pay_a"))
    assert "failed" == outcome


def test_the_replayed_history_is_ours() -> None:
    """The history that is replayed has the length asked for and adds up to an order."""
    events = history(40)
    assert 40 == len(events) == Order.replay(events).version
    assert {"OrderPlaced", "HoldPlaced", "HoldReleased", "Intended", "PaymentReported"} <= {
        type(event).__name__ for event in events
    }


def test_an_import_is_counted(tmp_path: Path) -> None:
    """The import is timed in a fresh interpreter, with its bytecode cached and classes counted."""
    cost = import_cost("orderwright", tmp_path)
    assert 0 < cost.attrs <= cost.own < cost.every
    assert list(tmp_path.rglob("desk.*.pyc"))


def test_a_ratio_stands_beside_its_bar() -> None:
    """The table tells a pass from a miss, and the best round of each side counts."""
    rows = table([Result("slow", 3e-6, 1e-6, 2, 1, ""), Result("quick", 1e-9, 1e-3, 2, 1, "")])
    assert "MISS" in rows.splitlines()[1]
    assert "pass" in rows.splitlines()[3]
    times = iter([3.0, 5.0, 2.0, 9.0])
    assert (2.0, 5.0) == best(2, lambda: next(times), lambda: next(times))


def test_an_unknown_case_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The command names the case it does not know."""
    with pytest.raises(SystemExit):
        main(["nonsense"])
    assert "no case nonsense" in capsys.readouterr().err
