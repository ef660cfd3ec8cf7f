"""What the calls about the server itself answer beyond core/: rebuild, demo."""

from pydantic import BaseModel


class Rebuild(BaseModel):
    """A rebuild has begun; `/status` tells how far it is."""

    committed_sequence: int


class Demo(BaseModel):
    """The recorded conversations are stored; soon they are in the threads."""

    request_count: int
    span_count: int
    projects: list[str]
