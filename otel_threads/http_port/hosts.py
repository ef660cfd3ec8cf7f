"""Which names a request may call this server by: no web page may reach it under its own name.

A page of evil.example may have its name point to 127.0.0.1 while it is open (DNS rebinding): to the
browser this server then is evil.example, and the page reads all of it. The header `Host` still says
evil.example. An address is no such name: whoever opened one has asked this server, and nobody else.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

ANY = "*"
_AUTHORITY = re.compile(
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:(?P<port>[0-9]{0,5}))?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Authority:
    """A host, in lower case and without brackets or a last dot, and the port as it was written."""

    host: str
    port: str | None


def authority(text: str) -> Authority | None:
    """Return the parts of `host:port`; None when it is none. Source: RFC 3986, section 3.2."""
    found = _AUTHORITY.fullmatch(text.strip())
    if found is None:
        return None
    host = found["host"].lower().strip("[]").removesuffix(".")
    return Authority(host, found["port"] or None) if host else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedHosts:
    """The names of one port: loopback and the bound address always, and what `allowed_hosts` adds.

    Bound to an address beyond loopback: every address, which covers published ports of containers
    and probes of Kubernetes; this machine's name; and names without a dot, which nobody can
    register, such as a service of Docker Compose.
    """

    names: frozenset[str]
    configured: frozenset[str]  # those of allowed_hosts without a wildcard
    domains: tuple[str, ...]  # `.example.com`: example.com and all below it
    any_name: bool
    any_address: bool

    def allows(self, host: str) -> bool:
        """Return whether a host, as `authority` gives it, is a name of this server."""
        if self.any_name or host in self.names:
            return True
        address = _address(host)
        if address is not None:
            return self.any_address or address.is_loopback
        if host == "localhost" or host.endswith(".localhost"):
            return True
        if self.any_address and "." not in host:
            return True
        return any(host == one[1:] or host.endswith(one) for one in self.domains)


def allowed_hosts(configured: Iterable[str], *, bound: str) -> AllowedHosts:
    """Return the names of a port that is bound to a host or an address."""
    given = [one.lower().removesuffix(".") for one in configured]
    address = _address(bound)
    beyond = not (bound == "localhost" or (address is not None and address.is_loopback))
    own = {bound.lower()}
    if beyond:
        own |= {socket.gethostname().lower()}
    plain = frozenset(one.strip("[]") for one in given if not one.startswith(".") and one != ANY)
    return AllowedHosts(
        names=plain | own,
        configured=plain,
        domains=tuple(one for one in given if one.startswith(".") and len(one) > 1),
        any_name=ANY in given,
        any_address=beyond,
    )


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
