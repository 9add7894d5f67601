"""Whatever crashes, is lost, repeated or late, and whoever is first: the laws hold."""

import inspect
import os
import subprocess
import sys
import textwrap
from collections import Counter
from types import ModuleType

import pytest

from orderwright.flows import settling
from orderwright.orders import stocking
from tests.simulation.storm import FAULTS, Storm

SEEDS = 50
"""So many storms are in each block."""


def weathered(seeds: range, steps: int = 60) -> Counter[str]:
    """What was seen in the storms of these seeds."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        storm = Storm(seed, steps)
        storm.run()
        seen += storm.seen
    return seen


@pytest.mark.parametrize("block", range(8))
def test_storms_break_no_law(block: int) -> None:
    """In the storm after every few steps, and in the calm after it, when nothing is in flight."""
    seen = weathered(range(block * SEEDS, (block + 1) * SEEDS))
    weather = {"moody provider", "deliveries", "short authorizations", "long wait"}
    assert set(FAULTS) - weather <= set(seen)
    assert seen["place done"] > SEEDS


@pytest.mark.long
@pytest.mark.parametrize("block", range(100, 160))
def test_long_storms_break_no_law(block: int) -> None:
    """The same, twice as long and with other seeds."""
    weathered(range(block * SEEDS, (block + 1) * SEEDS), 120)


def test_a_seed_is_one_story_everywhere() -> None:
    """Another process, with another order of its sets, lives through the same."""
    storm = Storm(7)
    storm.run()
    said = (
        "from tests.simulation.storm import Storm; s = Storm(7); s.run(); print(*s.trace, sep='|')"
    )
    for hash_seed in ("1", "2"):
        told = subprocess.run(
            [sys.executable, "-c", said],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
            text=True,
        )
        assert "|".join(storm.trace) == told.stdout.strip()


PLANTED = {
    "what is under way is claimed again": (
        stocking,
        "_reserved",
        " or any(one.claims for one in order.intents)",
        "",
    ),
    "a cancelled order keeps its stock": (stocking, "_owed", 'else "release"', "else None"),
    "no answer is taken for a refusal": (
        settling,
        "_called",
        'PaymentOutcome(outcome="unknown"',
        'PaymentOutcome(outcome="declined"',
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_bug_that_is_planted_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Storms see: each of these bugs breaks a law within the seeds of a normal run."""
    module, function, right, wrong = PLANTED[name]
    monkeypatch.setattr(module, function, planted(module, function, right, wrong))
    with pytest.raises(AssertionError, match=r"Storm\(\d+, 60\)"):
        weathered(range(8 * SEEDS))


def planted(module: ModuleType, name: str, right: str, wrong: str) -> object:
    """A function with one thing wrong in it."""
    source = textwrap.dedent(inspect.getsource(getattr(module, name)))
    assert 1 == source.count(right)
    made: dict[str, object] = {}
    code = compile(
        "from __future__ import annotations\n" + source.replace(right, wrong),
        module.__file__ or name,
        "exec",
    )
    exec(code, vars(module) | {"__name__": module.__name__}, made)  # noqa: S102 - our own text
    return made[name]
