"""The tree of errors drawn at the top of `orderwright.errors` is the real one."""

import importlib
import pkgutil

import orderwright
from orderwright import errors

MARK = "The tree::"


def drawn() -> dict[str, str | None]:
    """Each name in the drawing with the name it hangs from; two spaces are one level."""
    text = (errors.__doc__ or "").partition(MARK)[2]
    parents: dict[str, str | None] = {}
    path: list[str] = []
    margin = None
    for line in text.splitlines():
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        if margin is None:
            margin = indent
        if indent < margin:
            break
        level, odd = divmod(indent - margin, 2)
        name = line.split()[0]
        assert (0, True) == (odd, level <= len(path)), f"{name} hangs from nothing"
        assert name not in parents, f"{name} is drawn twice"
        path[level:] = [name]
        parents[name] = path[level - 1] if level else None
    return parents


def real(root: type[BaseException]) -> dict[str, str | None]:
    """Each error class of the package with its parent: the first base that is one of ours."""
    for module in pkgutil.walk_packages(orderwright.__path__, "orderwright."):
        importlib.import_module(module.name)
    parents: dict[str, str | None] = {}
    waiting: list[type[BaseException]] = [root]
    while waiting:
        error = waiting.pop()
        parent = next((base for base in error.__bases__ if issubclass(base, root)), None)
        parents[error.__name__] = parent.__name__ if parent else None
        ours = (sub for sub in error.__subclasses__() if sub.__module__.startswith("orderwright."))
        waiting.extend(ours)
    return parents


def test_drawn_tree_is_the_real_one() -> None:
    """Every error class is drawn under its parent, and nothing is drawn that is not there."""
    tree = drawn()
    (root,) = (name for name, parent in tree.items() if parent is None)
    assert real(getattr(errors, root)) == tree


def test_every_error_of_the_module_is_in_the_tree() -> None:
    """No exception in `orderwright.errors` stands beside the tree."""
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type)
        and issubclass(value, BaseException)
        and value.__module__ == errors.__name__
    }
    assert classes <= drawn().keys()
