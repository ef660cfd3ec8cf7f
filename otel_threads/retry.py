"""Asks once more what could not be answered just now.

What arrives may take the memory for a moment, and a database that was given up is soon open again.
"""

import functools
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from otel_threads.core.errors import Unavailable

AFTER_S = 0.25
Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def retried(ask: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """Make a question that changes nothing be asked twice where it is Unavailable."""

    @functools.wraps(ask)
    def asking(*given: Given.args, **named: Given.kwargs) -> Answer:
        try:
            return ask(*given, **named)
        except Unavailable:
            time.sleep(AFTER_S)
            return ask(*given, **named)

    return asking
