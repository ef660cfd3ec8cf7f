"""Every family of conventions, in the order in which they are asked; the first that knows wins.

Each module here has one `FAMILY`, and is found by being here. The lists below only say who comes
first where two know the same; tests/derive/test_conventions.py pins what follows from them.
"""

import pkgutil
from collections.abc import Iterable
from importlib import import_module

from otel_threads.derive.family import Family

# Asked first: families whose own attributes say what a span is.
FIRST = (
    "openinference",
    "langfuse",
    "langsmith",
    "mlflow",
    "laminar",
    "langwatch",
    "mastra",
    "gen-ai-kind",
    "genkit",
    "vercel-ai",
    "litellm",
    "livekit",
    "strands",
    "claude-code",
)
# Asked last: common conventions, and those who look at names that others use, too.
LAST = (
    "otel-genai",
    "openlit",
    "pydantic-ai",
    "traceloop",
    "google-adk",
    "haystack",
    "plain",
)
# Whose attribute counts where several of one rank (ranks.py) hold ids, or words. The reason is in
# docs/conventions.md where there is one; else it is the order in which they came to be known.
TIES = (
    "langsmith",
    "otel-genai",
    "haystack",
    "pydantic-ai",
    "langfuse",
    "vercel-ai",
    "google-adk",
    "livekit",
    "openinference",
    "traceloop",
    "mlflow",
    "laminar",
    "spring-ai",
    "claude-code",
    "langwatch",
    "azure-ai-agents",
    "weave",
    "mastra",
    "genkit",
    "plain",
)


def in_order(families: Iterable[Family]) -> tuple[Family, ...]:
    """Return families in the order in which they are asked; those without a place by name.

    Raises:
        ValueError: a list names a family that is not there.
    """
    named = {family.name: family for family in families}
    if missing := sorted({*FIRST, *LAST, *TIES} - named.keys()):
        raise ValueError(f"no module has the family {', '.join(missing)}, which a list here names")
    between = sorted(named.keys() - {*FIRST, *LAST})
    return tuple(named[name] for name in (*FIRST, *between, *LAST))


FAMILIES: tuple[Family, ...] = in_order(
    import_module(f"{__name__}.{module.name}").FAMILY for module in pkgutil.iter_modules(__path__)
)
