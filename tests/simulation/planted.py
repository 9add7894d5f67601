"""Bugs as people make them, planted one at a time: each has to be found by storms."""

import inspect
import textwrap
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from orderwright.adapters import memory
from orderwright.flows import deciding, settling
from orderwright.flows import stocking as stocking_flows
from orderwright.inventory import guard, ledger
from orderwright.orders import axes, labelling, paying, processing, stocking
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
    "the provider is given another id at each try": Bug(
        settling,
        "_call",
        "CallProvider(request)",
        'CallProvider(evolve(request, id=f"{request.id}x"))',
    ),
    "no answer is taken for a refusal": Bug(
        settling, "_called", 'outcome="unknown", amount', 'outcome="declined", amount'
    ),
    "an outcome is told although it was told before": Bug(
        settling, "_if_open", "if any(one.id == intent_id for one in order.intents) else ()", ""
    ),
    "a refused posting can still be written later": Bug(
        settling, "_posted", "yield from ask(PostStock(Posting.refused(posting)))", "pass"
    ),
    "a posting that was written before is taken for refused": Bug(
        settling, "_posted", "pass  # somebody else", "return _refused(intent, (), at)  #"
    ),
    "a lost race ends a command that has begun": Bug(
        settling, "carry_on", "(AdapterFault, Conflict, KeyReused)", "(AdapterFault, KeyReused)"
    ),
    "a fault is raised after the order was saved": Bug(
        settling, "carry_on", "(AdapterFault, Conflict, KeyReused)", "(Conflict, KeyReused)"
    ),
    "a known key is not looked for": Bug(deciding, "decide", "if before:", "if before and False:"),
    "what was loaded before the key is returned": Bug(
        deciding,
        "decide",
        "return (yield from load(order_id))  # loaded before, it may lack what the key did",
        "return order.after(())",
    ),
    "a transfer is taken over again": Bug(
        settling, "_transferred", "if not before:", "if not before or True:", Restaurant
    ),
    "the loser of a race overwrites": Bug(
        memory,
        "MemoryOrders.save",
        "if version != expected_version:",
        "if version < expected_version:",
    ),
    # Stock
    "the last unit is sold once more": Bug(
        guard, "changes_of", "if now + lowest < 0:", "if now + lowest < -1:"
    ),
    "a posting is written again": Bug(
        ledger, "InventoryLedger.post", "if known is not None:", "if known is not None and False:"
    ),
    "what lapsed is free and still held": Bug(
        ledger, "InventoryLedger.post", "self._write(lapse, freed)", "pass"
    ),
    "what is under way is claimed again": Bug(
        stocking, "_reserved", " or any(one.claims for one in order.intents)", ""
    ),
    "who is served stays in the queue": Bug(
        stocking, "_claim_posting", "if less:", "if less and more:"
    ),
    "what is confirmed still lapses": Bug(processing, "_confirm", " or lapsing(order)", ""),
    "the queue is settled while it moves": Bug(
        stocking, "_settle_claims", '("claim", "reserve")', '("reserve",)'
    ),
    "a cancelled order keeps its stock": Bug(stocking, "_owed", 'else "release"', "else None"),
    "stock is given back twice": Bug(stocking, "settle_stock", "and not order.busy(one)", ""),
    "what left stays reserved": Bug(
        stocking, "_owed", 'return "commit" if one.stock == "held" else "hand_over"', "return None"
    ),
    "a dish uses its ingredients twice": Bug(
        stocking,
        "_use_up",
        'intent.purpose == "consume" and one.id in intent.fulfillments',
        'intent.purpose == "consumed" and one.id in intent.fulfillments',
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
    "the sisters of a declined tender are kept": Bug(
        processing,
        "_void_failed",
        "if one.batch in failed] if failed else ()",
        "if not failed] if failed else ()",
    ),
    "a chargeback is forgotten": Bug(
        payment,
        "PaymentSums.refundable",
        "+ self.refunding + max(0, self.charged_back)",
        "+ self.refunding",
    ),
    "a capture counts for what was asked": Bug(
        paying,
        "report_payment",
        "amount=outcome.amount if state",
        "amount=outcome.amount + outcome.amount if state",
    ),
    "an older report overrules": Bug(
        paying,
        "report_payment",
        "if outcome.outcome in lifecycle.allowed(operation.state):",
        "if outcome.outcome in (*lifecycle.allowed(operation.state),) or operation.in_flight:",
    ),
    # Labels
    "a label is not given back": Bug(
        labelling, "_unwanted", 'return "nothing to ship any more"', 'return ""'
    ),
    "a label stays on a parcel that changed": Bug(
        labelling, "_unwanted", "if _units(one) != shipment.units:", "if not _units(one):"
    ),
}
