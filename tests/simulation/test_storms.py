"""Whatever crashes, is lost, repeated or late, and whoever is first: the laws hold."""

import subprocess
import sys
from collections import Counter

import pytest

from tests.simulation.storm import FAULTS, Storm

BLOCKS = 10
SEEDS = 40
"""So many storms in each block of a normal run."""


def weathered(seeds: range) -> Counter[str]:
    """What was seen in the storms of these seeds."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        storm = Storm(seed)
        storm.run()
        seen += storm.seen
    return seen


@pytest.mark.parametrize("block", range(BLOCKS))
def test_storms_break_no_law(block: int) -> None:
    """In the storm after every few steps, and in the calm after it, when nothing is in flight."""
    weathered(range(block * SEEDS, (block + 1) * SEEDS))
