"""Commands as durable workflows on DBOS: what one process leaves unfinished, another finishes.

Needs the extra ``orderwright[dbos]``. :class:`DurableDesk` has the commands of the
:class:`~orderwright.desk.OrderDesk` it is made of. Each that changes anything runs as a workflow of
your DBOS instance: what its flow asks is one step each, recorded with the answer, so that after a
crash any process replays what was answered and goes on from there. A step may be made twice, once
by the process that died before it could record it; the ids that every posting, payment and save
carries make that one effect. :class:`CodecSerializer` keeps it all as plain JSON.
"""

from orderwright.adapters.dbos.desk import DurableDesk
from orderwright.adapters.dbos.serializer import CodecSerializer

__all__ = ["CodecSerializer", "DurableDesk"]
