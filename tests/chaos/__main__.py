"""`python -m tests.chaos [--seed N] [--worker-kills N] …`: a long storm, its audit, its figures."""

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields

from tests.chaos.audit import CHECKS, Audit
from tests.chaos.storm import Storm, Weather

LIMIT = (
    "This is the death of processes, not of the power: what the kernel was given stays written.\n"
    "There is no replica, and no failover."
)
GIVEN = (
    "seed",
    "workers",
    "worker_kills",
    "server_kills",
    "provider_kills",
    "answers",
    "seconds",
)


def main() -> int:
    """Storm, tell what was seen, and fail if something does not agree."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))  # and clean up
    storm = Storm(_weather())
    say(str(storm.weather))
    with storm.run() as audit:
        try:
            audit.check()
        finally:
            tell(storm, audit)
    if storm.short:
        say(f"\nnot reached in {storm.weather.seconds:.0f} s: {storm.short}")
        return 1
    say(f"\nChecked: {', '.join(CHECKS)}.")
    say("The books, the ledger, the orders and the journal agree exactly.")
    say(LIMIT)
    return 0


def say(line: str) -> None:
    """Print it now."""
    print(line, flush=True)  # noqa: T201 - whoever runs it reads it


def _weather() -> Weather:
    parser = argparse.ArgumentParser(description=__doc__)
    given = {one.name: one for one in fields(Weather)}
    for name in GIVEN:
        default = given[name].default
        kind = float if name == "seconds" else int
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=default)
    return Weather(**vars(parser.parse_args()))


def tell(storm: Storm, audit: Audit) -> None:
    """Print all figures."""
    _table("What happened", storm.seen)
    _table("Commands acknowledged", Counter(one.command["do"] for one in storm.journal.answered))
    refused = Counter(f"{one['do']}: {why}" for one, why in storm.journal.refused)
    _table("Commands refused", refused)
    _table("Errors that clients met, by name", storm.journal.met)
    _table("Errors in the server's log", storm.told or {"none": 0})
    _table("Unexpected", Counter(storm.journal.wrong) or {"none": 0})
    states = Counter(f"orders {order.state.name}" for order in audit.orders)
    _table("What was audited", {**audit.figures, **dict(states.most_common())})


def _table(title: str, figures: Mapping[str, int]) -> None:
    say(f"\n{title}")
    for name, number in sorted(figures.items(), key=lambda one: -one[1]):
        say(f"{number:9,}  {name}")


if __name__ == "__main__":
    sys.exit(main())
