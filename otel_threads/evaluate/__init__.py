"""Judging conversations: a model's judge, Python code in a sandbox, scorers, offline evaluation.

`otel_threads.evaluate(...)` runs scorers: the package is called as the function of its name, which
stands in `sdk/evaluation.py`. Python binds a package's name over whatever had it before.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    def __call__(self, *given: Any, **named: Any) -> Any:
        return import_module("otel_threads.sdk.evaluation").evaluate(*given, **named)


sys.modules[__name__].__class__ = _Callable
