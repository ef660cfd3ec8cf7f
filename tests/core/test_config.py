"""Settings: precedence, limits, and typos that stop the start."""

import pytest

from otel_threads.core.config import Config, ConfigError, endpoint, load


def test_the_command_line_beats_the_environment_beats_the_file(tmp_path):
    file = tmp_path / "x.toml"
    file.write_text('database = "file"\ndefault_project = "file"\nthread_cooldown_s = 1\n')
    environ = {"OTEL_THREADS_DEFAULT_PROJECT": "env", "OTEL_THREADS_DATABASE": "env"}
    loaded = load(environ=environ, file=str(file), overrides={"database": "line"})
    assert (loaded.config.database, loaded.config.default_project) == ("line", "env")
    assert loaded.config.thread_cooldown_s == 1
    assert loaded.sources["database"] == "command line"
    assert loaded.sources["default_project"] == "OTEL_THREADS_DEFAULT_PROJECT"
    assert loaded.sources["thread_cooldown_s"] == str(file)


def test_opiks_name_for_the_cooldown_is_an_alias():
    name = "OPIK_TRACE_THREAD_TIMEOUT_TO_MARK_AS_INACTIVE"
    assert load(environ={name: "60"}).config.thread_cooldown_s == 60
    for text in ("15m", "PT15M", "900s"):  # as Opik's own server takes it
        assert load(environ={name: text}).config.thread_cooldown_s == 900
    both = {name: "60", "OTEL_THREADS_THREAD_COOLDOWN_S": "70"}
    assert load(environ=both).config.thread_cooldown_s == 70


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"OTEL_THREADS_DATABSE": "x"}, "no such setting: OTEL_THREADS_DATABSE"),
        ({"OTEL_THREADS_REQUEST_BYTES_MAX": "many"}, "request_bytes_max='many' .* a whole number"),
        ({"OTEL_THREADS_REQUEST_BYTES_MAX": "0"}, "request_bytes_max must be above zero, not 0"),
        ({"OTEL_THREADS_RETENTION_DAYS": "-1"}, "retention_days must not be negative, not -1"),
        ({"OTEL_THREADS_THREAD_COOLDOWN_S": "nan"}, "a finite number"),
        ({"OTEL_THREADS_HTTP_ENDPOINT": "localhost"}, "http_endpoint='localhost' is not host:port"),
        ({"OTEL_THREADS_HTTP_ENDPOINT": "x:70000"}, "port of 0 to 65535"),
        ({"OTEL_THREADS_SCORES_ON_NEW_TRACE": "drop"}, "one of supersede, keep"),
        ({"OTEL_THREADS_TLS_CERT_FILE": "x"}, "go together"),
        ({"OTEL_THREADS_MEMORY_LIMIT_BYTES": "5"}, "at least 134217728, not 5"),
        ({"OTEL_THREADS_DATABASE": ":memory:"}, "database must name a file"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value(environ, message):
    with pytest.raises(ConfigError, match=message):
        load(environ=environ)


def test_a_secret_is_not_in_an_error():
    with pytest.raises(ConfigError) as caught:
        load(environ={}, overrides={"read_token": 5})
    assert "5" not in str(caught.value)


def test_a_file_that_is_not_there_or_not_toml_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no such configuration file: nope"):
        load(environ={}, file="nope")
    bad = tmp_path / "bad.toml"
    bad.write_text("= 5")
    with pytest.raises(ConfigError, match="is not TOML"):
        load(environ={}, file=str(bad))


def test_endpoints_are_host_and_port():
    assert endpoint(":4318", setting="x") == ("127.0.0.1", 4318)
    assert endpoint("[::1]:0", setting="x") == ("::1", 0)
    assert Config().http_endpoint == "127.0.0.1:4320"


@pytest.mark.parametrize(
    "origin",
    [
        "app.example.com",
        "https://app.example.com/",
        "https://a b",
        "https://*",
        "https://a.*.b",
        "null",
    ],
)
def test_an_origin_that_is_none_is_named(origin):
    with pytest.raises(ConfigError, match=r"cors_allowed_origins.*no origin"):
        Config(cors_allowed_origins=(origin,))


def test_any_origin_needs_a_read_token():
    with pytest.raises(ConfigError, match="read_token"):
        Config(cors_allowed_origins=("*",))
    assert Config(cors_allowed_origins=("*",), read_token="secret").cors_allowed_origins == ("*",)
