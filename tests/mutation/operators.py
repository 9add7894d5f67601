"""What is done to the source: every small fault that somebody could have written.

Left out, since no test can or should see it: docstrings, annotations, decorators, imports,
`__all__`, asserts, what only a type checker reads, and the texts of errors (any string with a
space in it, apart from tables of words).
"""

import ast
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitOr,
}
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}
# The first of so many words of a table is dropped: one word is like another.
WORDS = 25
# Their first argument is a name that only a type checker reads.
TYPED = {"TypeVar", "NewType", "ParamSpec", "cast"}


@dataclass
class Change:
    """Put `new` where `old` stands in `parent`."""

    parent: ast.AST
    field: str
    index: int | None
    old: ast.AST
    new: ast.AST | None
    operator: str
    place: str
    function: tuple[str, int] | None
    line: int

    def apply(self) -> None:
        """Change the tree; where there is no `new`, drop what is there."""
        if self.new is not None:
            ast.copy_location(self.new, self.old)
        if self.index is None:
            setattr(self.parent, self.field, self.new)
        elif self.new is None:
            del getattr(self.parent, self.field)[self.index]
        else:
            getattr(self.parent, self.field)[self.index] = self.new


def number(value: int) -> ast.expr:
    """A whole number as it is written."""
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def without(items: list[ast.expr], index: int) -> list[ast.expr]:
    """All but one."""
    return items[:index] + items[index + 1 :]


def is_text(node: ast.AST) -> bool:
    """Whether this is a sentence for people."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value
        for part in parts
    )


def constants(node: ast.Constant) -> Iterator[ast.expr]:
    """Other values for a literal."""
    match node.value:
        case bool():
            yield ast.Constant(not node.value)
        case int():
            yield number(node.value + 1)
            yield number(node.value - 1)
        case str() if not is_text(node):
            yield ast.Constant(f"{node.value}XX")
        case str() if len(words := node.value.split()) > WORDS:
            for start in range(0, len(words), WORDS):
                yield ast.Constant(" ".join(words[:start] + words[start + 1 :]))
        case None:
            yield ast.Constant(0)
        case _:
            pass


class Walk:
    """A walk through a module that finds all changes, with the names of what they stand in."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.function: tuple[str, int] | None = None
        self.inside: list[ast.AST] = []

    def module(self, tree: ast.Module) -> Iterator[Change]:
        """Find all changes of a module."""
        yield from self.body(tree, "body")

    def change(
        self, slot: tuple[ast.AST, str, int | None], old: ast.AST, new: ast.AST | None, name: str
    ) -> Change:
        """Note a change at the present place."""
        line: int = getattr(old, "lineno", 0)
        return Change(*slot, old, new, name, ".".join(self.names), self.function, line)

    # Statements ---------------------------------------------------------------------------------

    def body(self, parent: ast.AST, field: str) -> Iterator[Change]:
        """Go through a list of statements."""
        for index, statement in enumerate(getattr(parent, field)):
            slot = (parent, field, index)
            if not self.silent(statement):
                yield from self.dropped(slot, statement)
                yield from self.statement(statement)

    def silent(self, node: ast.stmt) -> bool:
        """Whether a statement is for readers and type checkers only."""
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Assert() | ast.Pass():
                return True
            case ast.Expr(ast.Constant()):
                return True
            case ast.Expr(ast.Call(ast.Name("assert_never"))):
                return True
            case ast.If(ast.Name("TYPE_CHECKING")):
                return True
            case ast.Assign([ast.Name("__all__" | "__slots__")]):
                return True
            case _:
                return False

    def dropped(self, slot: tuple[ast.AST, str, int], node: ast.stmt) -> Iterator[Change]:
        """Leave a statement out, where the rest still makes sense without it."""
        match node:
            case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
                fits = True
            case ast.Return(value):
                fits = value is None
            case ast.Delete():
                fits = True
            case ast.Assign([target]) | ast.AnnAssign(target, value=ast.expr()):
                fits = self.function is not None and (
                    self.assigned(target.id) > 1
                    if isinstance(target, ast.Name)
                    else not isinstance(target, ast.Tuple)
                )
            case _:
                fits = False
        if fits:
            yield self.change(slot, node, ast.Pass(), "statement dropped")

    def assigned(self, name: str) -> int:
        """How often a name is bound in the present function."""
        function = next(
            (one for one in reversed(self.inside) if isinstance(one, ast.FunctionDef)), None
        )
        return sum(
            (isinstance(one, ast.Name) and one.id == name and isinstance(one.ctx, ast.Store))
            or (isinstance(one, ast.arg) and one.arg == name)
            for one in (ast.walk(function) if function else ())
        )

    def statement(self, node: ast.stmt) -> Iterator[Change]:  # noqa: C901 - one case for each
        """Go through one statement."""
        self.inside.append(node)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self.defined(node)
            case ast.ClassDef():
                self.names.append(node.name)
                yield from self.body(node, "body")
                self.names.pop()
            case ast.Match():
                yield from self.expression(node, "subject")
                yield from self.cases(node)
            case ast.AnnAssign():
                if node.value is not None:
                    yield from self.expression(node, "value")
            case ast.Raise():
                yield from self.expression(node, "exc")
            case ast.Return(ast.expr() as value):
                if not (isinstance(value, ast.Constant) and value.value is None):
                    nothing = ast.Constant(None)
                    yield self.change((node, "value", None), value, nothing, "nothing returned")
                yield from self.expression(node, "value")
            case ast.AugAssign():
                if other := COMPUTED.get(type(node.op)):
                    new = copy(node)
                    new.op = other()
                    yield self.change(self.slot(node), node, new, "other arithmetic")
                yield from self.expression(node, "value")
            case _:
                yield from self.children(node)
        self.inside.pop()

    def slot(self, node: ast.AST) -> tuple[ast.AST, str, int | None]:
        """Where a node hangs in the one around it."""
        for parent in reversed(self.inside):
            for field, value in ast.iter_fields(parent):
                if value is node:
                    return parent, field, None
                if isinstance(value, list) and any(one is node for one in value):
                    return parent, field, [one is node for one in value].index(True)
        return self.inside[0], "", None

    def children(self, node: ast.AST) -> Iterator[Change]:
        """Go through all parts of a node."""
        for field, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield from self.body(node, field)
            elif isinstance(value, list):
                for index, one in enumerate(value):
                    if isinstance(one, ast.expr):
                        yield from self.expression(node, field, index)
                    elif isinstance(one, ast.AST):
                        yield from self.within(one)
            elif isinstance(value, ast.expr):
                if field == "test":
                    yield from self.forced(node, value)
                yield from self.expression(node, field)

    def within(self, node: ast.AST) -> Iterator[Change]:
        """Go through what is neither statement nor expression: handlers, items, generators."""
        self.inside.append(node)
        if isinstance(node, ast.comprehension):
            for index, test in enumerate(node.ifs):
                slot = (node, "ifs", index)
                yield self.change(slot, test, ast.Constant(value=True), "condition forced")
                yield self.change(slot, test, ast.Constant(value=False), "condition forced")
        yield from self.children(node)
        self.inside.pop()

    def forced(self, node: ast.AST, test: ast.expr) -> Iterator[Change]:
        """Take a branch always, and never; a loop for ever is no fault worth planting."""
        slot = (node, "test", None)
        if not isinstance(node, ast.While):
            yield self.change(slot, test, ast.Constant(value=True), "condition forced")
        yield self.change(slot, test, ast.Constant(value=False), "condition forced")

    def defined(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Change]:
        """Go through a function: its defaults belong to what is around it."""
        arguments = node.args
        for field in ("defaults", "kw_defaults"):
            for index, default in enumerate(getattr(arguments, field)):
                if default is not None:
                    yield from self.expression(arguments, field, index)
        before = self.function
        self.names.append(node.name)
        if before is None:
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            self.function = (".".join(self.names), first)
        yield from self.body(node, "body")
        if before is None:
            self.function = None
        self.names.pop()

    def cases(self, node: ast.Match) -> Iterator[Change]:
        """Go through the cases of a match; all but the last can be left out."""
        for index, case in enumerate(node.cases):
            self.inside.append(case)
            never = isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
            if not never and len(node.cases) > 1:
                yield self.change((node, "cases", index), case, None, "case dropped")
            if case.guard is not None:
                slot = (case, "guard", None)
                yield self.change(slot, case.guard, ast.Constant(value=True), "condition forced")
                yield self.change(slot, case.guard, ast.Constant(value=False), "condition forced")
                yield from self.expression(case, "guard")
            yield from self.body(case, "body")
            self.inside.pop()

    # Expressions --------------------------------------------------------------------------------

    def expression(  # noqa: C901 - one case for each
        self, parent: ast.AST, field: str, index: int | None = None
    ) -> Iterator[Change]:
        """Go through an expression and all within it."""
        node = getattr(parent, field)
        node = node if index is None else node[index]
        if node is None:
            return
        slot = (parent, field, index)
        for name, new in self.others(node, parent):
            yield self.change(slot, node, new, name)
        self.inside.append(node)
        match node:
            case ast.JoinedStr() | ast.Lambda(args=ast.arguments(defaults=[_, *_])):
                pass  # what is shown to people; what a lambda keeps
            case ast.Subscript(ast.Name("Literal" | "Mapping" | "Callable" | "dict" | "tuple")):
                if isinstance(node.value, ast.Name) and node.value.id == "Literal":
                    yield from self.expression(node, "slice")
            case ast.Call(ast.Name("isinstance")):
                yield from self.expression(node, "args", 0)
            case ast.Call(ast.Name(name)) if name in TYPED:
                for position in range(1, len(node.args)):
                    yield from self.expression(node, "args", position)
            case ast.Call():
                yield from self.expression(node, "func")
                for position in range(len(node.args)):
                    yield from self.expression(node, "args", position)
                for keyword in node.keywords:
                    yield from self.expression(keyword, "value")
            case _:
                yield from self.children(node)
        self.inside.pop()

    def others(self, node: ast.expr, parent: ast.AST) -> Iterator[tuple[str, ast.expr]]:
        """What could stand in place of an expression."""
        match node:
            case ast.Constant(None) if isinstance(parent, ast.Compare | ast.Subscript | ast.Slice):
                pass
            case ast.Constant():
                yield from (("other constant", new) for new in constants(node))
            case ast.JoinedStr() if not is_text(node):
                yield "other constant", ast.JoinedStr([*node.values, ast.Constant("XX")])
            case ast.Compare():
                yield from compared(node)
            case ast.BoolOp() | ast.UnaryOp() | ast.BinOp():
                yield from combined(node)
            case ast.Call():
                yield from called(node)
            case ast.Dict() | ast.Tuple() | ast.List() | ast.Set():
                key = isinstance(parent, ast.Dict | ast.GeneratorExp | ast.Subscript)
                yield from listed(node, module=self.function is None and not key)
            case ast.Slice():
                yield from sliced(node)
            case _:
                pass


def compared(node: ast.Compare) -> Iterator[tuple[str, ast.expr]]:
    """Each comparison of a chain turned into its neighbours."""
    for index, op in enumerate(node.ops):
        for other in COMPARED[type(op)]:
            new = copy(node)
            new.ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
            yield "other comparison", new


def combined(node: ast.BoolOp | ast.UnaryOp | ast.BinOp) -> Iterator[tuple[str, ast.expr]]:
    """`and` for `or`, an operand left out, `not` and minus left out, other arithmetic."""
    if isinstance(node, ast.BoolOp):
        other_op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield "and/or", ast.BoolOp(other_op, node.values)
        for index in range(len(node.values)):
            rest = without(node.values, index)
            yield "operand dropped", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.Not | ast.USub):
            yield "not/minus dropped", node.operand
    elif not isinstance(node.left, ast.JoinedStr) and (other := COMPUTED.get(type(node.op))):
        yield "other arithmetic", ast.BinOp(node.left, other(), node.right)


def called(node: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """Keywords left out; the smallest for the largest, any for all."""
    if isinstance(node.func, ast.Name) and node.func.id in CALLED:
        other = ast.Name(CALLED[node.func.id], ast.Load())
        yield "other function", ast.Call(other, node.args, node.keywords)
    for index, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            rest = node.keywords[:index] + node.keywords[index + 1 :]
            yield "keyword dropped", ast.Call(node.func, node.args, rest)


def listed(
    node: ast.Dict | ast.Tuple | ast.List | ast.Set, *, module: bool
) -> Iterator[tuple[str, ast.expr]]:
    """Entries left out: of every table, of each mapping, and what is unpacked into a list."""
    if isinstance(node, ast.Dict):
        for index, key in enumerate(node.keys):
            if module or key is None:
                keys = node.keys[:index] + node.keys[index + 1 :]
                yield "entry dropped", ast.Dict(keys, without(node.values, index))
        yield from swapped(node)
    elif not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
        for index, one in enumerate(node.elts):
            if isinstance(one, ast.Starred) or (module and len(node.elts) > 1):
                fewer = copy(node)
                fewer.elts = without(node.elts, index)
                yield "entry dropped", fewer


def swapped(node: ast.Dict) -> Iterator[tuple[str, ast.expr]]:
    """Each name a table leads to replaced by the next other one of that table."""
    names = [one for one in node.values if isinstance(one, ast.Name)]
    for index, one in enumerate(node.values):
        if isinstance(one, ast.Name) and node.keys[index] is not None:
            other = next((name for name in names if name.id > one.id), None) or next(
                (name for name in names if name.id < one.id), None
            )
            if other is not None:
                new = copy(node)
                new.values = [*node.values[:index], other, *node.values[index + 1 :]]
                yield "entry altered", new


def sliced(node: ast.Slice) -> Iterator[tuple[str, ast.expr]]:
    """A computed bound off by one; written ones are constants."""
    for field in ("lower", "upper"):
        bound = getattr(node, field)
        if bound is not None and not isinstance(bound, ast.Constant | ast.UnaryOp):
            new = copy(node)
            setattr(new, field, ast.BinOp(bound, ast.Add(), ast.Constant(1)))
            yield "slice off by one", new
