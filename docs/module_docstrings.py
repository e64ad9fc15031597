"""A griffe extension for mkdocs: docstrings of modules keep the indentation of their examples.

They begin at the left margin, unlike those of classes and functions, so nothing of their indentation comes from the code around them.
"""

import ast
from typing import Any

from griffe import Extension, Module


class ModuleDocstrings(Extension):
    """Restores what `inspect.cleandoc` takes from a module's docstring."""

    def on_module_instance(self, *, node: ast.AST | Any, mod: Module, **kwargs: Any) -> None:
        if mod.docstring is not None and isinstance(node, ast.Module):
            mod.docstring.value = ast.get_docstring(node, clean=False).strip()
