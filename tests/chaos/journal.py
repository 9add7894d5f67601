"""What the world outside knows: which commands were begun, and what was answered to each.

The parent keeps it. Workers write into a pipe, so what a worker said before it was killed is there.
"""

import json
import os
import select
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.chaos.commands import Command


class Answer(NamedTuple):
    """A command and its reply: the order at a version, as a digest (of no order: 0 and empty)."""

    command: Command
    version: int
    digest: str


@dataclass
class Journal:
    """Reads what workers write to `pen`."""

    answered: list[Answer] = field(default_factory=list)
    refused: list[tuple[Command, str]] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    open: dict[str, Command] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)
    """Keys of commands that were sent again by another life of their worker."""

    def __post_init__(self) -> None:
        """Make the pipe."""
        self._pipe, self.pen = os.pipe()
        os.set_blocking(self._pipe, False)
        self._begun = b""

    def read(self, seconds: float = 0.0) -> None:
        """Take in what was written, waiting so long for something."""
        if seconds > 0:
            select.select([self._pipe], [], [], seconds)
        try:
            while told := os.read(self._pipe, 1 << 16):
                *lines, self._begun = (self._begun + told).split(b"\n")
                for line in lines:
                    self._note(json.loads(line))
        except BlockingIOError:
            pass

    def left_by(self, worker: str) -> Command | None:
        """The command that a worker, now dead, had begun and not been answered."""
        self.read()
        left = self.open.get(worker)
        if left is not None:
            self.again.add(left["key"])
        return left

    def _note(self, line: Command) -> None:
        worker = line.pop("worker")
        if "begun" in line:
            self.open[worker] = line["begun"]
        elif "done" in line:
            command = self.open.pop(worker)
            self.answered.append(Answer(command, line.get("version", 0), line.get("digest", "")))
        elif "refused" in line:
            self.refused.append((self.open.pop(worker), line["refused"]))
        elif "met" in line:
            self.met[line["met"]] += 1
        else:
            self.wrong.append(f"{worker}: {line['wrong']}")

    def close(self) -> None:
        """Put the pen down."""
        os.close(self._pipe)
        os.close(self.pen)
