"""A Python metric of Opik as the code of a rule of ours."""

import ast

from otel_threads.core.errors import InvalidQuery

PACKAGE = "opik"


def code_of(source: str) -> str:
    """Return code with `score(conversation)` that has a metric's source score the conversation.

    What the source imports stands in the code, too, where the sandbox sees what to load.

    Raises:
        InvalidQuery: the source is not Python.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidQuery(f"code.metric is not Python: {error}") from None
    loaded = "".join(f"    import {name}\n" for name in sorted(_imported(tree)))
    return (
        "from otel_threads.vendors.opik.metric_sandbox import scored\n\n"
        f"if False:  # loaded before\n    pass\n{loaded}\n"
        f"SOURCE = {source!r}\n\n\n"
        "def score(conversation):\n"
        '    return scored(SOURCE, conversation.thread["context"])\n'
    )


def _imported(tree: ast.AST) -> set[str]:
    """Return the modules that code imports; of names of a module, they may be modules, too."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{one.name}" for one in node.names if one.name != "*")
    return {name for name in found if name.partition(".")[0] != PACKAGE}
