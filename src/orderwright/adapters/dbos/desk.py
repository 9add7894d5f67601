"""DurableDesk: submits commands as workflows, and has them run."""

from __future__ import annotations

from copy import copy
from itertools import count
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast, final

from dbos import SetWorkflowID, error

from orderwright.adapters.dbos.driving import Driver
from orderwright.adapters.dbos.serializer import CodecSerializer
from orderwright.adapters.system import new_id
from orderwright.desk import Commands
from orderwright.drivers import WAITS
from orderwright.errors import InvalidInput
from orderwright.flows.command import SyncRunner, commands
from orderwright.flows.placing import named
from orderwright.values import identifier, quantity, several

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from dbos import DBOS, WorkflowHandle, WorkflowStatus

    from orderwright.desk import OrderDesk
    from orderwright.flows.command import command
    from orderwright.flows.resuming import Resumed
    from orderwright.flows.settling import Setting
    from orderwright.requests import Flow

__all__ = ["DurableDesk"]

P = ParamSpec("P")
T = TypeVar("T")

_COMMANDS = commands(Commands)
# What only tells something: no workflow is needed for it.
_READS = frozenset({"as_of", "contact", "find", "history", "order", "promised", "rates"})
# What makes the same call the same command, besides its content.
_KEYS = ("key", "count_id", "notice_id", "posting")
# When it is said is no part of what is said.
_MOMENTS = ("at", "now")
_TOLD = frozenset({*_MOMENTS, "by", "occurred_at"})
"""When it was and by whom: not what is said. But a hold is of whoever it is by."""
_FAILED = frozenset({"ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})
_ENDED = ["SUCCESS", *_FAILED]
_ACTIVE = ["PENDING", "ENQUEUED", "DELAYED"]
_MOVING = "orderwright.moving"
_PAGE = 8
_LAST_STEP = 2**31 - 1


class _Submits(SyncRunner):
    """Base of a class whose commands are told to ``_call`` by name instead of being run."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        for name, value in commands(cls).items():
            setattr(cls, name, _calling(name, value))

    def _call(self, name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> object:
        raise NotImplementedError


def _calling(name: str, value: command[..., Any]) -> Callable[..., object]:
    def method(desk: _Submits, *args: object, **kwargs: object) -> object:
        return desk._call(name, args, kwargs)  # noqa: SLF001 - a method of it

    return value.dressed(method)


@final
class DurableDesk(Commands, _Submits):
    """An :class:`~orderwright.desk.OrderDesk` whose commands are workflows of ``dbos``.

    Make it before DBOS is launched, in every process that may run its workflows, and always alike.
    A command called is run here, and waited for; :meth:`submit` puts it on the ``queue`` for
    whoever works on that. The workflows are named ``<name>.<command>``, and their ids begin with
    ``<name>/<order id>/``. What the desk's clock, ids and policy give is settled when a command is
    submitted, and stored with it.

    A command with a key (for :meth:`place`, the order id) is one workflow however often it is
    submitted with the same content, and answers what it answered first; one that failed may be
    submitted again. What fails in passing is tried again after each of the ``pauses``, as is a save
    or posting that may or may not have happened. Raises InvalidInput for orders whose saves are not
    durable, for a desk that only previews, and for a DBOS without a :class:`CodecSerializer`.
    """

    __slots__ = (
        "_dbos",
        "_desk",
        "_driver",
        "_name",
        "_queue",
        "_replaying",
        "_resume_at",
        "_workflows",
        "setting",
    )

    def __init__(
        self,
        desk: OrderDesk,
        dbos: DBOS,
        *,
        queue: str = "orderwright",
        name: str = "orderwright",
        pauses: Sequence[timedelta] = WAITS,
    ) -> None:
        serializer: object = getattr(dbos, "_serializer", None)
        if not isinstance(serializer, CodecSerializer):
            raise InvalidInput.at("dbos", 'give it the "serializer" CodecSerializer(Codec())')
        if desk.previewing:
            raise InvalidInput.at("desk", "it only previews, which needs no workflow")
        if not desk.setting.durable:
            raise InvalidInput.at("desk", "its orders are not durable when they are saved")
        self.setting: Setting = desk.setting
        self._desk = desk
        self._dbos = dbos
        self._driver = Driver(dbos, serializer, desk.ports, desk.setting, pauses)
        self._queue = queue
        self._name = identifier(name, "name")
        # A workflow must not ask what time it is: whoever replays it has to find the same.
        self._replaying = copy(desk)
        self._replaying.setting = desk.setting._replace(clock=None, ids=None)
        self._workflows: dict[str, Callable[[dict[str, Any]], object]] = {
            each: self._registered(each, value)
            for each, value in _COMMANDS.items()
            if each not in _READS
        }
        self._resume_at = dbos.workflow(name=f"{name}.scheduled_resume")(self._scheduled())

    def preview(self) -> OrderDesk:
        """See :meth:`.OrderDesk.preview`: it needs no workflow."""
        return self._desk.preview()

    def run(self, flow: Flow[T]) -> T:
        """Run ``flow``, one of your own, with the desk's adapters; it is no workflow."""
        return self._desk.run(flow)

    def submit(
        self, command: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> WorkflowHandle[T]:
        """Put a ``command`` of this desk on its queue; ``handle.get_result()`` waits for it.

        ``desk.submit(desk.place, lines, order_id="A-1")``. The order's id is its partition, for
        queues that are registered with ``partition_concurrency``. It is taken up by workers of the
        latest application version. Raises InvalidInput for anything but a command that changes
        something.
        """
        name: str = getattr(command, "__name__", "")
        if getattr(command, "__self__", None) is not self or name not in self._workflows:
            raise InvalidInput.at("command", "expected a command of this desk that is no mere read")
        told, workflow_id = self._settled(name, args, kwargs)
        handle = self._dbos.enqueue_workflow_with_options(
            {
                "workflow_name": f"{self._name}.{name}",
                "queue_name": self._queue,
                "workflow_id": workflow_id,
                "queue_partition_key": workflow_id.split("/")[1],
            },
            told,
        )
        return cast("WorkflowHandle[T]", handle)

    def take_over(self, executor_ids: Collection[str]) -> tuple[str, ...]:
        """Have what dead executors left unfinished carried on by the living; return what that is.

        DBOS itself takes up only what an executor of the same id and application version left.
        One that is alive after all loses what it is doing to whoever takes it up: that is safe, as
        everything that was begun may be begun again, but no use.
        """
        dead = cast("tuple[str, ...]", several(executor_ids, "executor_ids"))
        if not dead:  # to DBOS that would be everybody
            return ()
        left = self._dbos.list_workflows(
            executor_id=list(dead),
            status=["PENDING", "ENQUEUED", "CANCELLED"],
            name=[f"{self._name}.{each}" for each in (*self._workflows, "scheduled_resume")],
            load_input=False,
            load_output=False,
        )
        return tuple(one.workflow_id for one in left if self._taken(one))

    def _taken(self, one: WorkflowStatus) -> bool:
        """Give it back to the living; False where it waits for them, or somebody was faster."""
        version = self._dbos.application_version
        if one.status == "CANCELLED" and not (one.attributes or {}).get(_MOVING):
            return False
        try:
            if one.app_version not in {None, version}:
                self._move(one, version)
            elif one.status == "PENDING":
                self._dbos.resume_workflow(one.workflow_id, queue_name=one.queue_name)
            else:
                return False
        except error.DBOSException:
            return False
        return True

    def _move(self, one: WorkflowStatus, version: str) -> None:
        """Have another version carry on; marked, so that one half moved is found again.

        Only what has been cancelled can be moved, and by that it leaves its queue.
        """
        mark = self._dbos.update_workflow_attributes
        mark(one.workflow_id, {_MOVING: True}, merge=True)
        self._dbos.cancel_workflow(one.workflow_id)
        submitted = self._queue if one.queue_partition_key else None
        self._dbos.rewind_workflow(
            one.workflow_id,
            start_step=_LAST_STEP,
            application_version=version,
            queue_name=one.queue_name or submitted,
            queue_partition_key=one.queue_partition_key,
        )
        mark(one.workflow_id, {_MOVING: False}, merge=True)

    def schedule_resume(self, cron: str = "* * * * *", *, limit: int = 100) -> None:
        """Have :meth:`resume` run at the times ``cron`` names, once for all machines together.

        Call it after DBOS is launched, in any process; the last call counts. What each did, and
        which orders raised, is the output of its workflow, ``<name>.scheduled_resume``.
        """
        quantity(limit, "limit")
        self._dbos.apply_schedules(
            [
                {
                    "schedule_name": f"{self._name}.resume",
                    "workflow_fn": cast("Callable[[datetime, int], None]", self._resume_at),
                    "schedule": cron,
                    "context": limit,
                }
            ]
        )

    def _scheduled(self) -> Callable[[datetime, int], Resumed]:
        def resume_at(now: datetime, limit: int) -> Resumed:
            flow = Commands.resume.flow(self._replaying, now=now, limit=limit)
            return self._driver.run(flow, since=now)

        return resume_at

    def _call(self, name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> object:
        if name in _READS:
            return getattr(self._desk, name)(*args, **kwargs)
        told, workflow_id = self._settled(name, args, kwargs)
        with SetWorkflowID(workflow_id):
            return self._workflows[name](told)

    def _settled(
        self, name: str, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> tuple[dict[str, Any], str]:
        """Return all that a command is told, and the id of the workflow that it is.

        What is asked on the way is asked in steps, for where your own workflow submits it.
        """
        bound = _COMMANDS[name].signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        told: dict[str, Any] = dict(bound.arguments)
        del told["self"]
        for moment in _MOMENTS:
            if moment in told and told[moment] is None:
                told[moment] = self._dbos.run_step({"name": "now"}, self.setting.moment, None)
        if "order_id" in told and told["order_id"] is None and not told.get("key"):
            told["order_id"] = self._dbos.run_step({"name": "id"}, named, self.setting, None)
        if "policy" in told and told["policy"] is None:
            told["policy"] = self.setting.policy
        told = self._driver.stored(told)  # what is read only once included
        start = f"{self._name}/{_subject(told)}/{name}"
        if name != "place" and not any(told.get(key) for key in _KEYS):
            return told, f"{start}/{self._dbos.run_step({'name': 'id'}, new_id)}/1"
        unsaid = _TOLD - {"by"} if name == "hold" else _TOLD
        said = {key: value for key, value in told.items() if key not in unsaid}
        start = f"{start}/{self._driver.digest(said)}"
        return told, self._dbos.run_step({"name": "attempt"}, self._attempt, start)

    def _attempt(self, start: str) -> str:
        """Return the id of the last attempt at a command, or of the next one if that failed."""
        for first in count(1, _PAGE):
            ids = [f"{start}/{number}" for number in range(first, first + _PAGE)]
            known = self._dbos.list_workflows(workflow_ids=ids, load_input=False, load_output=False)
            failed = {one.workflow_id for one in known if one.status in _FAILED}
            vacant = next((one for one in ids if one not in failed), None)
            if vacant is not None:
                return vacant
        raise AssertionError("unreachable")  # pragma: no cover - there is always a next number

    def _registered(
        self, name: str, value: command[..., Any]
    ) -> Callable[[dict[str, Any]], object]:
        def run(told: dict[str, Any]) -> object:
            since = next((told[one] for one in _MOMENTS if one in told), None)
            done = self._driver.run(value.flow(self._replaying, **told), since)
            if name == "forget":
                own = self._dbos.workflow_id
                self._dbos.run_step({"name": "erase"}, self._erase, told["order_id"], own)
            return done

        return self._dbos.workflow(name=f"{self._name}.{name}")(run)

    def _erase(self, order_id: str, but: str | None) -> None:
        """Delete what is recorded of the order's other workflows that have ended.

        Not of those which belong to a workflow that goes on: replayed, it would wait for them.
        """
        start = f"{self._name}/{order_id}/"
        ended = self._dbos.list_workflows(
            workflow_id_prefix=start, status=_ENDED, load_input=False, load_output=False
        )
        parents = {one.parent_workflow_id for one in ended if one.parent_workflow_id}
        going_on = self._dbos.list_workflows(
            workflow_ids=[but or "", *parents], status=_ACTIVE, load_input=False, load_output=False
        )
        kept = {one.workflow_id for one in going_on}
        self._dbos.delete_workflows(
            [
                one.workflow_id
                for one in ended
                if one.workflow_id.startswith(start)
                and one.workflow_id != but
                and one.parent_workflow_id not in kept
            ]
        )


def _subject(told: Mapping[str, Any]) -> str:
    """Return the id of the order that a command is about, or "-": its part of the workflow's id."""
    operation = str(told.get("operation_id", "-"))
    found: object = told.get("order_id", operation.split("/", maxsplit=1)[0])
    try:
        return identifier(found, "order_id")
    except InvalidInput:
        return "-"
