"""Scores that need no model and no rule: `builtin.NAME` in filters of threads.

`evaluate/builtin.py` counts them and has their definitions; a test compares the names.
"""

from collections.abc import Mapping

BUILTIN_SCORES: Mapping[str, str] = {
    "repeated_question": "Turns that ask what an earlier turn asked.",
    "repeated_answer": "Turns that give an answer that an earlier turn gave.",
    "repeated_tool_call": "Tool calls that repeat one of the same turn.",
    "unrecovered_tool": "Tools that failed and did not succeed later.",
    "ended_in_error": "1 where the last turn ended in an error, else 0.",
    "unanswered": "1 where the last turn has no answer, else 0.",
    "language_changed": "Answers in another language than the question.",
    "slow": "1 where a turn took longer than is usual in the project.",
    "costly": "1 where it cost more than is usual in the project.",
}
