"""Who may read and who may write, by bearer token; compared in constant time."""

import hmac
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rights:
    """The tokens of one server; whoever may write may read.

    Without any token everybody may do both. With a read token alone nobody may write: a token that
    protects reading must not leave deleting open.
    """

    read_token: str | None = None
    write_token: str | None = None

    def refusal(self, authorization: str | None, *, writes: bool) -> str | None:
        """Return why a call is refused, None when it is allowed."""
        if self.read_token is None and self.write_token is None:
            return None
        if not writes and self.read_token is None:
            return None
        if writes and self.write_token is None:
            return "writing is off: this server has a read_token and no write_token"
        tokens = [self.write_token] if writes else [self.read_token, self.write_token]
        scheme, _, given = (authorization or "").partition(" ")
        same = [
            hmac.compare_digest(given.strip().encode(), token.encode()) for token in tokens if token
        ]
        if scheme.lower() == "bearer" and any(same):
            return None
        kind = "write_token" if writes else "read_token"
        return f"a bearer token is needed: authorization: Bearer <{kind}>"
