"""What is said beside an answer that is right and may not be meant: its project is unknown."""

HEADER = "x-otel-threads-hint"  # of REST's answers, and trailing metadata over gRPC


def header_value(hint: str) -> str:
    """Return a hint as a header may hold it: in ASCII on a line, the rest escaped."""
    return hint.encode("unicode_escape").decode("ascii")
