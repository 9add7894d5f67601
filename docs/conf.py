"""Sphinx settings: everything is built offline and every reference must resolve."""

import builtins
import re
import sys
import tomllib
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

metadata = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text("utf-8"))

project = "orderwright"
author = "The orderwright maintainers"
project_copyright = f"2026, {author}"
release = version = metadata["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"orderwright {release}"
myst_heading_anchors = 3

autodoc_member_order = "bysource"
# The class docstring documents the fields; the generated __init__ would list them again.
autodoc_class_signature = "separated"
autodoc_default_options = {"exclude-members": "__init__, __new__"}

nitpicky = True
# intersphinx would fetch inventories, and the build must work offline; so names of other projects
# cannot be resolved. Ours must be.
OTHERS = set("attr attrs cattrs dbos hypothesis pytest sqlalchemy stripe transitions".split())
FOREIGN = sorted({*sys.stdlib_module_names, *OTHERS})
BUILTIN = sorted(map(re.escape, dir(builtins)))
nitpick_ignore_regex = [
    (r"py:.*", rf"({'|'.join(FOREIGN)})\..*"),
    (r"py:.*", rf"({'|'.join(BUILTIN)})"),
    # Imported by name, the standard library's own are named without their module.
    (r"py:.*", r"datetime|date|timedelta|tzinfo|Decimal|Fraction|Callable|Awaitable"),
    (r"py:.*", r"Sequence|Mapping|Iterable|Iterator|Abstract(Async)?ContextManager"),
    (r"py:.*", r"Connection|Engine|WorkflowHandle|P\.(args|kwargs)|e\.Event"),
    # Short names that are no more than that.
    (
        r"py:.*",
        r"(Async)?Manager|Loop|Notice|_Async\w+|Scene|Random|Along|Pair|.*\.(Payment|Label)Books",
    ),
    # A type variable (T, T_co) is no place to go to.
    (r"py:.*", r"(orderwright\..*\.)?[A-Z](_co|_contra)?"),
]


def resolve_by_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Point a name at the one place where it is documented, however the annotation spells it."""
    if node.get("refdomain") != "py":
        return None
    name = node.get("reftarget", "").rpartition(".")[2]
    domain = env.domains.python_domain
    found = [full for full in domain.objects if full.rpartition(".")[2] == name]
    if len(found) != 1:
        return None
    # "obj" finds whatever it is: an annotation calls a type alias a class.
    made = domain.resolve_xref(env, node["refdoc"], app.builder, "obj", found[0], node, content)
    return made if isinstance(made, nodes.reference) else None


def setup(app: Sphinx) -> None:
    """Register the hook above with Sphinx."""
    app.connect("missing-reference", resolve_by_name)
