"""Positions that rise in the order in which rows become visible, whenever they were written.

A number drawn while writing may become visible after a higher one, when its transaction commits
later; who has read past it never sees it. So writers leave the position open, and whoever reads
gives positions to what has been committed, under a lock: nothing is skipped, no writer waits, and
an open transaction only delays what it wrote itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from sqlalchemy import BigInteger, ColumnElement, Table, bindparam, func, select, update

from orderwright.errors import AdapterFault

if TYPE_CHECKING:
    from orderwright.adapters.sqlalchemy.running import Work
    from orderwright.adapters.sqlalchemy.tables import Tables

__all__ = ["Positions"]

_BATCH = 10_000
"""So many rows get a position at once, in one transaction."""


@final
class Positions:
    """Gives positions to rows of ``table``, ascending by ``key``, each taking ``width`` of them.

    The position of a row is its last one. ``name`` is that of the counter whose row is the lock.
    """

    def __init__(
        self,
        tables: Tables,
        name: str,
        table: Table,
        key: ColumnElement[int],
        width: ColumnElement[int],
    ) -> None:
        counter = tables.counters
        mine = counter.c.name == name
        self._last = select(counter.c.value).where(mine).with_for_update()
        self._new = select(key).where(table.c.position.is_(None)).limit(1)
        waiting = select(key.label("key"), width.label("width"))
        waiting = waiting.where(table.c.position.is_(None)).order_by(key).limit(_BATCH)
        rows = waiting.subquery()
        behind = bindparam("behind", type_=BigInteger)
        running = func.sum(rows.c.width).over(order_by=rows.c.key)
        given = select(rows.c.key, (behind + running).label("position")).subquery()
        self._give = (
            update(table)
            .where(key == given.c.key)
            .values(position=given.c.position)
            .returning(table.c.position)
        )
        self._note = update(counter).where(mine).values(value=bindparam("now"))

    def give(self, work: Work) -> bool:
        """Give positions to committed rows without one; return whether there were any.

        To be asked before a page is read: what another reader gives meanwhile is in it then. In a
        transaction of the host's other readers wait until it ends.
        """
        run = work.connection
        if run.scalar(self._new) is None:
            return False
        with work.transaction():
            last = run.scalar(self._last)
            if last is None:
                raise AdapterFault("SQL", "the counters are not there (call upgrade_schema first)")
            given = run.scalars(self._give, {"behind": last}).all()
            if given:
                run.execute(self._note, {"now": max(given)})
        return True
