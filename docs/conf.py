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

import orderwright

metadata = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text("utf-8"))

project = "orderwright"
author = "The orderwright maintainers"
project_copyright = f"2026, {author}"
release = version = metadata["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
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
FOREIGN = sorted({*sys.stdlib_module_names, "attr", "attrs", "cattrs", "hypothesis", "pytest"})
BUILTIN = sorted(map(re.escape, dir(builtins)))
nitpick_ignore_regex = [
    (r"py:.*", rf"({'|'.join(FOREIGN)})\..*"),
    (r"py:.*", rf"({'|'.join(BUILTIN)})"),
    # A type variable (T, T_co) is no place to go to.
    (r"py:.*", r"(orderwright\..*\.)?[A-Z](_co|_contra)?"),
]


def resolve_at_root(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Point a public name at the root, where it is documented, wherever it is defined."""
    name = node.get("reftarget", "").rpartition(".")[2]
    if node.get("refdomain") != "py" or name not in orderwright.__all__:
        return None
    found = env.domains.python_domain.resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], f"orderwright.{name}", node, content
    )
    return found if isinstance(found, nodes.reference) else None


def setup(app: Sphinx) -> None:
    """Register the hook above with Sphinx."""
    app.connect("missing-reference", resolve_at_root)
