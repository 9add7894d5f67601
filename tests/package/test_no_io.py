"""The core asks, it never does: no clock, no random values, no I/O, flows that may die anywhere."""

import ast
from collections.abc import Iterator

from tests.helpers import SOURCE, parsed, where

IO_MODULES = frozenset(
    "_thread asyncio concurrent ctypes fileinput ftplib glob http imaplib io logging mmap "
    "multiprocessing os pathlib poplib random sched secrets select selectors shelve shutil signal "
    "smtplib socket socketserver sqlite3 ssl subprocess tempfile threading time urllib "
    "webbrowser".split()
)
IO_CALLS = frozenset({"__import__", "breakpoint", "eval", "exec", "input", "open", "print"})
CLOCKS = frozenset({"now", "today", "utcnow"})
RANDOM_IDS = frozenset({"uuid1", "uuid4", "uuid6", "uuid7", "uuid8"})
# Locks guard what adapters share; the kit races adapters in threads and on loops of its own.
ALLOWED = {
    "adapters": {"asyncio", "threading"},
    "testing": {"asyncio", "concurrent", "random", "threading"},
}
# The one module that is the host's clock and dice, for desks that are to take them by themselves.
HOST = SOURCE / "adapters" / "system.py"


def imported(node: ast.AST) -> list[str]:
    """The top-level modules that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
        return [node.module.partition(".")[0]]
    return []


def reads_clock_or_draws(node: ast.AST) -> bool:
    """Whether this names `datetime.now` and its like, or a random id."""
    if isinstance(node, ast.ImportFrom) and node.module == "uuid":
        return any(alias.name in RANDOM_IDS for alias in node.names)
    if not isinstance(node, ast.Attribute):
        return False
    owner = node.value.attr if isinstance(node.value, ast.Attribute) else ast.unparse(node.value)
    return (owner in {"date", "datetime"} and node.attr in CLOCKS) or (
        owner == "uuid" and node.attr in RANDOM_IDS
    )


def io_faults() -> Iterator[str]:
    """Every place in the source that could touch the outside world."""
    for path, tree in parsed():
        allowed = ALLOWED.get(path.relative_to(SOURCE).parts[0], set())
        for node in ast.walk(tree):
            for module in imported(node):
                if module in IO_MODULES - allowed:
                    yield f"{where(path, node)} imports {module}"
            if reads_clock_or_draws(node) and path != HOST:
                yield f"{where(path, node)} uses {ast.unparse(node)}"
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in IO_CALLS
            ):
                yield f"{where(path, node)} calls {node.func.id}"


def yields(*nodes: ast.AST) -> bool:
    """Whether a request can leave from within these statements."""
    return any(
        isinstance(inner, ast.Yield | ast.YieldFrom) for node in nodes for inner in ast.walk(node)
    )


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether a handler would also stop the closing of a generator."""
    names = {"BaseException", "GeneratorExit"}
    return handler.type is None or any(
        isinstance(inner, ast.Name) and inner.id in names for inner in ast.walk(handler.type)
    )


def outlives_a_crash(node: ast.AST) -> bool:
    """Whether a statement would act while a generator, crashed at a request, is closed."""
    if isinstance(node, ast.Try | ast.TryStar):
        guarded = yields(*node.body, *node.orelse, *node.handlers, *node.finalbody)
        return guarded and (bool(node.finalbody) or any(map(catches_everything, node.handlers)))
    return isinstance(node, ast.With | ast.AsyncWith) and yields(*node.body)


def test_no_request_leaves_a_handler() -> None:
    """A flow never waits inside an except block: that would keep the error alive."""
    faults = [
        where(path, node)
        for path, tree in parsed("flows")
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and yields(*node.body)
    ]
    assert [] == faults


def test_source_touches_nothing_outside() -> None:
    """No module reads a clock, draws random values or does I/O; adapters may only wait."""
    assert [] == list(io_faults())


def test_flows_yield_only_through_ask() -> None:
    """Flows delegate with `yield from`, so that a reply always has its request's type."""
    bare = [
        where(path, node)
        for path, tree in parsed("flows")
        for node in ast.walk(tree)
        if isinstance(node, ast.Yield)
    ]
    assert [] == bare


def test_only_ask_yields_a_request() -> None:
    """The one bare `yield` of the request machinery stands in `ask`."""
    owners = [
        function.name
        for _, tree in parsed("requests.py")
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Yield)
    ]
    assert ["ask"] == owners


def test_flows_do_nothing_while_they_are_closed() -> None:
    """A crash closes the generator: no `finally`, `with` or catch-all stands around a request."""
    faults = [
        where(path, node)
        for path, tree in parsed("flows")
        for node in ast.walk(tree)
        if outlives_a_crash(node)
    ]
    assert [] == faults
