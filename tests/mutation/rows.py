"""Every row of every lifecycle dropped once, and redirected once to another state of its table."""

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.mutation.mutants import Living, Mutant


@dataclass(frozen=True)
class Row(Mutant):
    """A fault in one row of the lifecycle that the module calls `variable`.

    `other` is where it leads instead; where that is empty, the row is missing.
    """

    variable: str
    source: str
    action: str
    other: str

    @property
    def living(self) -> bool:
        """Tables live."""
        return True

    def plant(self, living: Living) -> None:  # noqa: ARG002 - no function is changed
        """Put the fault into the living table, which then is checked as if it were new."""
        from orderwright import lifecycles  # noqa: PLC0415 - imported by those who hold it

        module = vars(lifecycles)
        lifecycle = module[self.variable]
        key = (module[self.source], self.action)
        if self.other:
            lifecycle.table[key] = module[self.other]
        else:
            del lifecycle.table[key]
        vars(lifecycle).pop("_next", None)
        lifecycle.__attrs_post_init__()


def known() -> dict[str, list[tuple[str, str, str]]]:
    """The rows of all lifecycles, states by the names the module gives them; asked of a child."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        from orderwright import lifecycles  # noqa: PLC0415 - only here: faults come by importing

        module = vars(lifecycles)
        named = {one: name for name, one in module.items() if isinstance(one, lifecycles.State)}
        found = {
            name: [(named[key[0]], key[1], named[target]) for key, target in one.table.items()]
            for name, one in module.items()
            if isinstance(one, lifecycles.Lifecycle)
        }
        with os.fdopen(writes, "wb") as out:
            pickle.dump(found, out)
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as told:
        rows: dict[str, list[tuple[str, str, str]]] = pickle.load(told)  # noqa: S301 - our child's
    os.waitpid(child, 0)
    return rows


def rows(path: Path, seed: int) -> list[Row]:
    """Each row dropped, and each redirected to a state that the seed draws."""
    random = Random(seed)  # noqa: S311 - no secret
    found: list[Row] = []
    for variable, given in known().items():
        states = sorted({state for source, _, target in given for state in (source, target)})
        for source, action, target in given:
            other = random.choice([one for one in states if one != target])
            for kind, to in (("row dropped", ""), ("row redirected", other)):
                name = f"{path.name} {variable}: ({source}, {action!r}): {target} => {to or '-'}"
                place = (path, len(found), 1, range(1, 1))
                row = (variable, source, action, to)
                found.append(Row(*place, kind, name, None, *row))
    return found
