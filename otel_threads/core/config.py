"""Every setting: its name, its unit, its default and its limits, all in one place.

Read once, at start, by cli.py. Everything else is handed the numbers it needs.
Command line > environment `OTEL_THREADS_*` > TOML file > default; an unknown name is an error,
because a typo that is silently a default is the worst kind of configuration.
"""

import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from otel_threads import names
from otel_threads.core.suggestions import did_you_mean

MIB = 1024 * 1024
# DuckDB takes 2,048 values at once, of up to 16 KiB (decode/chunks.py), in each of two threads.
MEMORY_BYTES_MIN = 128 * MIB
PREFIX = "OTEL_THREADS_"
FILE = "otel-threads.toml"
# Settings of other products that people bring along; ours wins when both are set.
ALIASES = {"OPIK_TRACE_THREAD_TIMEOUT_TO_MARK_AS_INACTIVE": "thread_cooldown_s"}
# Of the same prefix, and read elsewhere: by the command line, the clients and the SDK exporter.
NOT_SETTINGS = ("config", "endpoint", "token", "when_served", "otlp")  # the last is a Collector's
# What Kubernetes puts into every pod of a namespace that has a service named otel-threads.
SERVICE_LINKS = re.compile(r"service_(host|port\w*)|port|port_\d+_\w+")
SECRETS = frozenset(
    {"ingest_token", "read_token", "write_token", "quack_token", "judge_api_key", "lake_catalog"}
)


class ConfigError(ValueError):
    """A setting is unknown or its value cannot be used; the message names both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What an operator may choose. docs/configuration.md lists the same, and a test compares."""

    database: str = "otel-threads.duckdb"
    otlp_grpc_endpoint: str = "127.0.0.1:4317"
    otlp_http_endpoint: str = "127.0.0.1:4318"
    http_endpoint: str = "127.0.0.1:4320"
    grpc_endpoint: str = "127.0.0.1:4321"
    request_bytes_max: int = 64 * MIB  # before and after decompression
    inflight_bytes_max: int = 256 * MIB  # accepted and not yet answered; past it senders retry
    spans_per_request_max: int = 100_000  # or log records; as many resources and scopes
    events_per_request_max: int = 200_000
    links_per_request_max: int = 100_000
    values_per_request_max: int = 1_000_000  # attributes, and what is nested in their values
    receiving_bytes_max: int = 128 * MIB  # of unfinished gRPC messages; past it slow senders retry
    grpc_connections_max: int = 1000  # of each gRPC port
    # Of each of the two HTTP ports; http_port/limits.py has what is not for operators.
    http_connections_max: int = 1000
    http_idle_timeout_s: float = 75.0  # longer than the 60 s of common load balancers
    http_header_bytes_max: int = 64 * 1024
    http_header_timeout_s: float = 10.0  # also of a TLS handshake
    http_body_timeout_s: float = 60.0
    http_write_timeout_s: float = 30.0  # a response of which nothing is read for so long is dropped
    allowed_hosts: tuple[str, ...] = ()  # beside loopback and the bound address; `*` allows all
    cors_allowed_origins: tuple[str, ...] = ()  # pages of other origins that may call
    default_project: str = "default"
    project_attribute: str | None = None  # a resource attribute, such as service.name
    thread_id_attributes: tuple[str, ...] = ()  # first in the precedence
    thread_metadata_keys: tuple[str, ...] = ()  # of runs of SDKs; none for the documented order
    thread_cooldown_s: float = 900.0
    scores_on_new_trace: Literal["supersede", "keep"] = "supersede"
    retention_days: float = 0.0  # 0 keeps everything
    retention_bytes: int = 0  # the oldest traces go once all rows take more; 0 keeps everything
    snapshot_every_s: float = 0.0  # a copy for other DuckDB processes; 0 makes none
    snapshot_file: str | None = None  # where; beside the database if not given
    quack_endpoint: str | None = None  # DuckDB's own protocol, loopback only; extra [quack]
    quack_token: str | None = None
    ingest_token: str | None = None
    read_token: str | None = None
    write_token: str | None = None
    tls_cert_file: str | None = None
    tls_key_file: str | None = None
    tls_client_ca_file: str | None = None
    memory_limit_bytes: int = 128 * MIB  # handed to DuckDB, which spills to disk beyond it
    query_timeout_s: float = 30.0  # a reader's question is interrupted after it
    sql_rows_max: int = 1_000_000  # of one answer to SQL from outside
    sql_concurrent_max: int = 4  # such queries at once; past it they are told to come back
    judge_base_url: str | None = None  # any OpenAI-compatible endpoint, such as .../v1
    judge_api_key: str | None = None
    judge_model: str | None = None  # of rules and questions that name none
    judge_budget_usd_per_day: float = 5.0  # of all rules together, days in UTC
    judge_concurrent_max: int = 2  # requests to the model at once
    judge_timeout_s: float = 60.0  # of one request
    python_scorers: bool = False  # rules may run Python, in a process without network and files

    lake_catalog: str | None = None  # postgresql://… or sqlite:FILE; extra [lake]
    lake_data: str | None = None  # a folder, or s3://bucket/prefix
    lake_ship_every_s: float = 5.0
    lake_retention_days: float = 0.0  # of whole conversations in the lake; 0 keeps what nodes keep
    lake_retention_projects: tuple[str, ...] = ()  # project=days, instead
    lake_acknowledge: Literal["local", "lake"] = "local"  # who has it when a sender is answered

    supervise: bool = True  # start the server anew when a signal ended it
    tune_process: bool = True  # of a server and `rebuild`: process.py says what it changes
    log_format: Literal["text", "json"] = "text"
    self_traces_endpoint: str | None = None  # OTLP/HTTP, another server's; extra [tracing]

    def __post_init__(self) -> None:
        if self.database.strip() in ("", ":memory:"):
            raise ConfigError("database must name a file: what is acknowledged is on disk")
        for name in (
            *RECEIVING_LIMITS,
            "query_timeout_s",
            *SQL_LIMITS,
            *HTTP_LIMITS,
            *JUDGE_LIMITS,
            "lake_ship_every_s",
        ):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} must be above zero, not {getattr(self, name)}")
        if self.memory_limit_bytes < MEMORY_BYTES_MIN:
            raise ConfigError(
                f"memory_limit_bytes must be at least {MEMORY_BYTES_MIN}, "
                f"not {self.memory_limit_bytes}"
            )
        for name in NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must not be negative, not {getattr(self, name)}")
        for name in ENDPOINTS:
            endpoint(getattr(self, name), setting=name)
        if 0 < self.retention_bytes < 64 * MIB:
            raise ConfigError(
                f"retention_bytes must be 0 or at least {64 * MIB}, not {self.retention_bytes}"
            )
        if self.request_bytes_max > 1024 * MIB:
            raise ConfigError("request_bytes_max must be at most 1073741824 (1 GiB)")
        self._check_quack()
        self._check_origins()
        self._check_tls()
        self._check_judge()
        self._check_lake()
        if fault := names.fault(self.default_project):
            raise ConfigError(f"default_project {fault}")

    def _check_quack(self) -> None:
        if not self.quack_endpoint:
            return
        host, port = endpoint(self.quack_endpoint, setting="quack_endpoint")
        if host not in ("127.0.0.1", "localhost", "::1") or port == 0:
            raise ConfigError(
                f"quack_endpoint={self.quack_endpoint!r} must be a port of loopback, such as "
                "127.0.0.1:9494: put a proxy with TLS before it to reach it from elsewhere"
            )
        if not self.quack_token or len(self.quack_token) < 16:
            raise ConfigError("quack_endpoint needs a quack_token of at least 16 characters")

    def _check_origins(self) -> None:
        for one in self.cors_allowed_origins:
            if one != "*" and not _ORIGIN.fullmatch(one):
                raise ConfigError(
                    f"cors_allowed_origins has {one!r}, which is no origin: write "
                    "https://app.example.com, https://*.example.com, or a port behind it, no path"
                )
        if "*" in self.cors_allowed_origins and not self.read_token:
            raise ConfigError(
                "cors_allowed_origins=* would let every page that a person opens read all "
                "conversations: name the origins, or set a read_token"
            )

    def _check_judge(self) -> None:
        url = self.judge_base_url
        if url and not url.startswith(("http://", "https://")):
            raise ConfigError(f"judge_base_url={url!r} must begin with http:// or https://")
        if self.judge_concurrent_max > JUDGE_CONCURRENT_MAX:
            raise ConfigError(
                f"judge_concurrent_max must be at most {JUDGE_CONCURRENT_MAX}, "
                f"not {self.judge_concurrent_max}"
            )

    def _check_lake(self) -> None:
        if bool(self.lake_catalog) != bool(self.lake_data):
            raise ConfigError("lake_catalog and lake_data go together: one of them is missing")
        assert self.lake_retention_of_projects is not None  # raises what is wrong
        if self.lake_retention_projects and not self.lake_retention_days:
            raise ConfigError("lake_retention_projects needs lake_retention_days, for the others")

    @property
    def lake_keeps_pruned(self) -> bool:
        """Whether the lake has a retention of its own: what nodes prune stays there."""
        return self.lake_retention_days > 0

    @property
    def lake_retention_of_projects(self) -> dict[str, float]:
        """The days of `lake_retention_projects`, by project.

        Raises:
            ConfigError: one of them is not project=days.
        """
        found = {}
        for given in self.lake_retention_projects:
            project, mark, days = given.rpartition("=")
            try:
                found[project] = float(days)
            except ValueError:
                found[project] = -1.0
            if not mark or not project or not 0 <= found[project] < math.inf:
                raise ConfigError(
                    f"lake_retention_projects {given!r} is not project=days, such as support=30"
                )
        return found

    def _check_tls(self) -> None:
        if bool(self.tls_cert_file) != bool(self.tls_key_file):
            raise ConfigError("tls_cert_file and tls_key_file go together: one of them is missing")
        if self.tls_client_ca_file and not self.tls_cert_file:
            raise ConfigError("tls_client_ca_file needs tls_cert_file and tls_key_file")


# Source: RFC 6454, section 6.2; `*.` before a domain stands for all below it.
_ORIGIN = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:\*\.)?(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?",
    re.ASCII | re.IGNORECASE,
)
RECEIVING_LIMITS = (
    "request_bytes_max", "inflight_bytes_max", "receiving_bytes_max", "grpc_connections_max",
    "spans_per_request_max", "events_per_request_max", "links_per_request_max",
    "values_per_request_max",
)  # fmt: skip
NOT_NEGATIVE = (
    "thread_cooldown_s",
    "retention_days",
    "retention_bytes",
    "lake_retention_days",
    "snapshot_every_s",
    "judge_budget_usd_per_day",
)
JUDGE_LIMITS = ("judge_concurrent_max", "judge_timeout_s")
JUDGE_CONCURRENT_MAX = 100  # each holds a conversation
SQL_LIMITS = ("sql_rows_max", "sql_concurrent_max")
HTTP_LIMITS = (
    "http_connections_max",
    "http_idle_timeout_s",
    "http_header_bytes_max",
    "http_header_timeout_s",
    "http_body_timeout_s",
    "http_write_timeout_s",
)
ENDPOINTS = ("otlp_grpc_endpoint", "otlp_http_endpoint", "http_endpoint", "grpc_endpoint")


def endpoint(text: str, *, setting: str) -> tuple[str, int]:
    """Return host and port of `host:port`; `:port` is loopback, port 0 any free one.

    Raises:
        ConfigError: there is no port, or it is none.
    """
    host, separator, port = text.rpartition(":")
    if not separator or not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"{setting}={text!r} is not host:port with a port of 0 to 65535")
    return host.strip("[]") or "127.0.0.1", int(port)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and where each of its values came from."""

    config: Config
    sources: Mapping[str, str] = field(default_factory=dict)


def load(
    *,
    environ: Mapping[str, str] = os.environ,
    file: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Loaded:
    """Read every source and return the configuration with the source of each value.

    Raises:
        ConfigError: a name is unknown, a value does not parse, or the named file is not there.
    """
    values: dict[str, Any] = {}
    sources = {f.name: "default" for f in fields(Config)}
    for source, given in (
        (file or FILE, _from_file(file)),
        *_from_environ(environ),
        ("command line", overrides or {}),
    ):
        unknown = sorted(given.keys() - sources.keys())
        if unknown:
            hint = did_you_mean(unknown[0], sources)
            raise ConfigError(f"no such setting: {', '.join(unknown)} (from {source}){hint}")
        for name, value in given.items():
            if value is not None:
                values[name] = _parse(name, value, source)
                sources[name] = source
    return Loaded(Config(**values), sources)


def _from_file(file: str | None) -> Mapping[str, Any]:
    path = Path(file or FILE)
    if not path.exists():
        if file:
            raise ConfigError(f"no such configuration file: {file}")
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None


def _from_environ(environ: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    aliases = [(key, {ALIASES[key]: environ[key]}) for key in ALIASES if key in environ]
    ours = {k.removeprefix(PREFIX).lower(): v for k, v in environ.items() if k.startswith(PREFIX)}
    for name in [name for name in ours if name in NOT_SETTINGS or SERVICE_LINKS.fullmatch(name)]:
        del ours[name]
    unknown = sorted(ours.keys() - {f.name for f in fields(Config)})
    if unknown:
        names = ", ".join(PREFIX + name.upper() for name in unknown)
        known = (PREFIX + f.name.upper() for f in fields(Config))
        raise ConfigError(f"no such setting: {names}{did_you_mean(PREFIX + unknown[0], known)}")
    return [*aliases, *((PREFIX + k.upper(), {k: v}) for k, v in ours.items())]


_TYPES: dict[str, Any] = {f.name: f.type for f in fields(Config)}


def _parse(name: str, value: Any, source: str) -> Any:
    kind = _TYPES[name]
    try:
        if kind is bool:
            return _boolean(value)
        if kind is int:
            return _integer(value)
        if kind is float:
            return _number(value, is_seconds=name.endswith("_s"))
        if get_origin(kind) is tuple:
            parts = value.split(",") if isinstance(value, str) else list(value)
            return tuple(str(part).strip() for part in parts if str(part).strip())
        if get_origin(kind) is Literal:
            if value not in get_args(kind):
                raise ValueError(f"one of {', '.join(get_args(kind))}")
            return value
        if not isinstance(value, str):
            raise ValueError("a text")
        return value if kind is str else value or None
    except ValueError as error:
        shown = "***" if name in SECRETS else repr(value)
        raise ConfigError(f"{name}={shown} (from {source}) is not {error}") from None


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise ValueError("true or false")


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("a whole number")
    try:
        return int(value)
    except ValueError:
        raise ValueError("a whole number") from None


# What other products write for a time: 15m, PT15M.
_DURATION = re.compile(r"(?:P?T)?(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", re.ASCII | re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def _number(value: Any, *, is_seconds: bool = False) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a number")
    if is_seconds and isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        return float(match[1]) * _SECONDS[match[2].lower()]
    try:
        number = float(value)
    except ValueError:
        raise ValueError("a number") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError("a finite number")
    return number
