"""What the call about the server itself answers beyond core/: rebuild."""

from pydantic import BaseModel


class Rebuild(BaseModel):
    """A rebuild has begun; `/status` tells how far it is."""

    committed_sequence: int
