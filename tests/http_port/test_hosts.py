"""Which names and which pages reach a server, as pure functions."""

import socket

import pytest
from starlette.datastructures import Headers

from otel_threads.http_port.hosts import Authority, allowed_hosts, authority
from otel_threads.http_port.origins import foreign


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("localhost:4320", Authority("localhost", "4320")),
        ("LocalHost.", Authority("localhost", None)),
        ("[::1]:4320", Authority("::1", "4320")),
        ("127.0.0.1", Authority("127.0.0.1", None)),
        ("a:", Authority("a", None)),
        ("", None),
        (":80", None),
        ("a@b", None),
        ("a/b", None),
        ("a b", None),
        ("a:b", None),
        ("localhost:80\x00", None),
        ("a,b", None),
        (".", None),
    ],
)
def test_an_authority_is_a_host_and_a_port_or_none(text, found):
    assert authority(text) == found


LOOPBACK = ("localhost", "127.0.0.1", "127.8.9.1", "::1", "app.localhost")
FOREIGN = ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil-localhost.net")


@pytest.mark.parametrize("bound", ["127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "192.0.2.7"])
def test_loopback_is_always_allowed_and_a_registered_name_never(bound):
    hosts = allowed_hosts((), bound=bound)

    assert all(hosts.allows(host) for host in LOOPBACK)
    assert hosts.allows(bound)
    assert not any(hosts.allows(host) for host in FOREIGN)


def test_bound_to_loopback_no_other_address_or_name_is_allowed():
    hosts = allowed_hosts((), bound="127.0.0.1")
    assert not any(hosts.allows(host) for host in ("192.0.2.7", "::2", "otel-threads"))


def test_bound_beyond_loopback_addresses_this_machine_and_names_without_a_dot_are_allowed():
    hosts = allowed_hosts((), bound="0.0.0.0")
    for host in ("192.0.2.7", "2001:db8::1", "otel-threads", socket.gethostname().lower()):
        assert hosts.allows(host), host


def test_configured_names_are_allowed_beside_loopback():
    hosts = allowed_hosts(("Traces.example.com", ".example.org"), bound="127.0.0.1")
    for host in ("traces.example.com", "example.org", "a.b.example.org", "localhost"):
        assert hosts.allows(host), host
    for host in ("example.com", "a.traces.example.com", "evilexample.org", "evil.example"):
        assert not hosts.allows(host), host


def test_an_asterisk_allows_every_name():
    assert allowed_hosts(("*",), bound="127.0.0.1").allows("evil.example")


def shown(safe: bool = False, named: tuple[str, ...] = (), **headers: str) -> str | None:
    given = {"host": "127.0.0.1:4320", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return foreign(Headers(given), safe=safe, named=frozenset(named))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://127.0.0.1:4320"},
        {"origin": "https://127.0.0.1:4320"},  # a proxy that ends TLS
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"user_agent": "curl/8"},
    ],
)
@pytest.mark.parametrize("safe", [True, False])
def test_programs_and_the_own_page_pass(headers, safe):
    assert shown(safe, **headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:3000"},  # another server of the same machine
        {"origin": "http://127.0.0.1"},
        {"origin": "http://localhost:4320"},  # another origin to a browser
        {"origin": "null"},
        {"origin": "http://127.0.0.1:4320.evil.example"},
        {"origin": "http://evil.example", "sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "what a browser will say one day"},
    ],
)
@pytest.mark.parametrize("safe", [True, False])
def test_pages_of_other_origins_do_not(headers, safe):
    found = shown(safe, **headers)
    assert found
    assert "evil" not in found
    assert "one day" not in found


def test_a_browser_that_says_nothing_of_a_get_must_come_from_the_own_page():
    browser = {"user_agent": "Mozilla/5.0 (X11)"}
    assert shown(True, **browser)
    assert shown(True, **browser, referer="http://evil.example/")
    assert shown(True, **browser, referer="http://127.0.0.1:4320/") is None
    assert shown(False, **browser) is None  # it sends Origin with a POST


def test_a_named_host_may_be_the_origin_of_a_proxys_page_on_its_own_port_alone():
    named = ("traces.example.com",)
    assert shown(named=named, origin="https://traces.example.com") is None
    assert shown(named=named, origin="https://traces.example.com:8443")
    assert shown(named=named, origin="https://example.com")
