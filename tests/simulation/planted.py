"""Bugs as people make them, planted one at a time: each has to be found by storms."""

import inspect
import os
import shutil
import subprocess
import sys
import textwrap
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from orderwright.adapters import memory
from orderwright.flows import deciding, settling
from orderwright.flows import stocking as stocking_flows
from orderwright.inventory import guard, ledger
from orderwright.orders import axes, folding, labelling, processing, stocking
from orderwright.payments import payment
from orderwright.testing.simulation import LawBroken, Restaurant, Retail, Scenario, Storm


class Bug(NamedTuple):
    """In a function of a module, what is right, and what somebody might have written instead."""

    where: types.ModuleType
    name: str
    right: str
    wrong: str
    scenario: type[Scenario] = Retail

    @property
    def function(self) -> types.FunctionType:
        """The function, method or property it is in."""
        found = self.where
        for part in self.name.split("."):
            found = inspect.getattr_static(found, part)
        return found.fget if isinstance(found, property) else found

    def source(self) -> str:
        """The function with the bug in it."""
        source = textwrap.dedent(inspect.getsource(self.function))
        assert 1 == source.count(self.right), (self.name, self.right, source.count(self.right))
        return source.replace(self.right, self.wrong)

    @property
    def indent(self) -> str:
        """How far the function stands from the margin."""
        line = inspect.getsource(self.function).splitlines()[0]
        return line[: len(line) - len(line.lstrip())]

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Have the bug in the running program, wherever the function is used."""
        function, made = self.function, {}
        source = "from __future__ import annotations\n" + self.source()
        code = compile(source, self.where.__file__ or self.name, "exec")
        exec(code, vars(self.where) | {}, made)  # noqa: S102 - our own text
        (wrong,) = (
            one for one in made.values() if hasattr(one, "__code__") or hasattr(one, "fget")
        )
        right, function.__code__ = function.__code__, getattr(wrong, "fget", wrong).__code__
        try:
            yield
        finally:
            function.__code__ = right

    def found(self, seeds: range, *, turns: int = 40) -> tuple[int, str]:
        """After how many storms it is found, and by which law; (0, "") if it is not."""
        with self.planted():
            for number, seed in enumerate(seeds, 1):
                try:
                    Storm(self.scenario(), seed, turns=turns).run()
                except LawBroken as broken:
                    return number, broken.law
        return 0, ""


BUGS: dict[str, Bug] = {
    # Intents, keys and crashes
    "a void is sent under an id that no order knows": Bug(
        settling,
        "_call",
        "CallProvider(request)",
        'CallProvider(evolve(request, id=f"{request.id}x") if request.kind == "void" else request)',
    ),
    "what the stock refused is saved as if it had not": Bug(
        settling,
        "save",
        "pass  # it may only be the stock that fails: nothing else is lost for that",
        "after, events = posted, every",
    ),
    "who is late posts all the same": Bug(
        memory,
        "MemoryOrders._save",
        "raise Conflict(order_id",
        "post()\n            raise Conflict(order_id",
    ),
    "no answer is taken for a refusal": Bug(
        settling, "_called", 'outcome="unknown", amount', 'outcome="declined", amount'
    ),
    "an outcome is told although it was told before": Bug(
        settling, "_if_open", "if any(one.id == intent_id for one in order.intents) else ()", ""
    ),
    "a fault is raised after the order was saved": Bug(
        settling, "carry_on", "(AdapterFault, Conflict, KeyReused)", "(Conflict, KeyReused)"
    ),
    "a known key is not looked for": Bug(deciding, "decide", "if before:", "if before and False:"),
    "what was loaded before the key is returned": Bug(
        deciding,
        "decide",
        "order, before = yield from load_with_key(order_id, call.key)",
        "order, before = (yield from load_with_key(order_id, ''))[0], "
        "(yield from load_with_key(order_id, call.key))[1]",
    ),
    "an intent is dropped before its outcome is final": Bug(
        folding,
        "_payment_reported",
        "if event.due_at is None:",
        "if event.due_at is None or event.due_at > event.at:",
    ),
    "what was decided before somebody else saved is saved after it": Bug(
        deciding,
        "decide",
        "if call.final(attempt, durable=setting.durable):\n                raise",
        "if call.final(attempt, durable=setting.durable):\n                raise\n"
        "            def again(_: Order, first: Sequence[Event] = decided) -> Sequence[Event]:\n"
        "                return first\n"
        "            decision = again",
    ),
    "the loser of a race overwrites": Bug(
        memory,
        "MemoryOrders._save",
        "if version != expected_version:",
        "if version < expected_version:",
    ),
    "a key is not stored with what it did": Bug(
        deciding, "decide", "_stamped(decided, call)", "decided"
    ),
    "the timer of an order stays where it was": Bug(
        memory,
        "MemoryOrders._save",
        "if due is not kept.due:",
        "if due is not kept.due and kept.due is None:",
    ),
    "the feed skips what was saved together": Bug(
        memory,
        "MemoryOrders._save",
        "self._feed += repeat(order_id, len(written))",
        "self._feed += repeat(order_id, len(written[:1]))",
    ),
    # Stock
    "what is shipped was reserved, and stays so": Bug(
        stocking,
        "_owed",
        '"commit" if one.stock == "held" else "hand_over"',
        '"hand_over" if one.stock == "held" else "hand_over"',
    ),
    "who gave up stays in the queue": Bug(
        stocking,
        "_settle_claims",
        "if not claims or any(",
        "if not claims or not order.due or any(",
    ),
    "the last unit is sold once more": Bug(
        guard, "changes_of", "if now + lowest < 0:", "if now + lowest < -1:"
    ),
    "a posting is written again": Bug(
        ledger, "InventoryLedger.post", "if known is not None:", "if known is not None and False:"
    ),
    "what lapsed is free and still held": Bug(
        ledger, "InventoryLedger.post", "self._write(lapse, freed)", "pass"
    ),
    "the queue is settled while it moves": Bug(
        stocking, "_settle_claims", '("claim", "reserve")', '("reserve",)'
    ),
    "stock is given back twice": Bug(stocking, "settle_stock", "and not order.busy(one)", ""),
    "what left stays reserved": Bug(
        stocking, "_owed", 'return "commit" if one.stock == "held" else "hand_over"', "return None"
    ),
    "a dish uses its ingredients twice": Bug(
        stocking,
        "_use_up",
        'intent.purpose == "consume" and one.id in intent.fulfillments',
        'intent.purpose == "consume" and one.id in intent.replaces',
        Restaurant,
    ),
    "a count misses what is being reserved": Bug(
        stocking_flows, "_told_missing", "(Phase.PLANNED, Phase.WAITING", "(Phase.WAITING"
    ),
    # Money
    "what is being refunded is refunded again": Bug(
        axes, "MoneyFigures.payout", "- self.refunding - self.due", "- self.due"
    ),
    "refunds are bounded by what was captured": Bug(
        payment, "PaymentSums.returnable", "self.captured - self.received - gone", "self.captured"
    ),
    "a cancelled order keeps its authorization": Bug(
        processing, "_void_all", "order.payments", "order.payments[1:]"
    ),
    "what is being captured is captured again": Bug(
        processing, "_capture", "figures.kept - figures.capturing", "figures.kept"
    ),
    "what a bank fetched back is kept": Bug(axes, "MoneyFigures.kept", " - self.charged_back", ""),
    # Labels
    "a label is not given back": Bug(
        labelling, "_unwanted", 'return "nothing to ship any more"', 'return ""'
    ),
}


STORMS = 2_000
"""So many are weathered in search of each: fewer than in every normal run without a bug."""
STARTS = range(5)
"""A report begins to search at so many places, far from each other."""


def noticed(bug: Bug, folder: Path) -> str:
    """What else sees a bug, planted into a copy of the source: types or an example; or nothing."""
    copy = folder / "src"
    shutil.copytree("src", copy, dirs_exist_ok=True)
    module = copy / Path(bug.where.__file__ or "").relative_to(Path("src").resolve())
    right = textwrap.indent(textwrap.dedent(inspect.getsource(bug.function)), bug.indent)
    wrong = textwrap.indent(bug.source(), bug.indent)
    text = module.read_text("utf-8")
    assert 1 == text.count(right), bug.name
    module.write_text(text.replace(right, wrong), "utf-8")
    checks = [["-m", "mypy", "--strict", "-m", bug.where.__name__]]
    checks += [[str(one.resolve())] for one in sorted(Path("examples").glob("*.py"))]
    env = {**os.environ, "PYTHONPATH": str(copy), "MYPYPATH": str(copy)}
    for check in checks:
        if Path(check[0]).name not in NOT_ALONE:
            done = subprocess.run(
                [sys.executable, *check], cwd=folder, env=env, capture_output=True, check=False
            )
            if done.returncode:
                return Path(check[-1]).name
    return ""


NOT_ALONE = {
    *("replay_history.py", "replenish_parts.py", "pizza_year.py", "chipotle.py"),  # ask for data
    "fastapi_app.py",  # is served
}


def report() -> int:
    """Print after how many storms each bug is found, and by which law: medians of searches.

    And what else notices it: type checks and examples should not. Returns how many were not found
    from everywhere, or noticed.
    """
    every, wrong = [], 0
    for name, bug in BUGS.items():
        found = [bug.found(range(start * 100_000, start * 100_000 + 5_000)) for start in STARTS]
        counts = sorted(count or 5_000 for count, _ in found)
        every.append(counts[len(counts) // 2])
        law = found[0][1] or "nothing"
        with TemporaryDirectory() as folder:
            also = noticed(bug, Path(folder))
        wrong += bool(also) or not all(count for count, _ in found)
        told = f"{counts[0]:5} {every[-1]:5} {counts[-1]:5}  {name}: {law}"
        print(told, *([f"(noticed by {also})"] if also else []), flush=True)
    print(f"{len(BUGS)} bugs; median of the medians {sorted(every)[len(every) // 2]}")
    return wrong


if __name__ == "__main__":
    sys.exit(report())
