"""What gRPC logs of calls: once a minute, without what a client has sent."""

import logging

from otel_threads.grpc_port import quiet


def test_reports_of_calls_are_one_a_minute_without_their_text(caplog, monkeypatch):
    quiet.install()
    quiet.install()
    logger = logging.getLogger(quiet.LOGGER)
    assert sum(isinstance(one, quiet.OneAMinute) for one in logger.filters) == 1
    filtering = quiet.OneAMinute()
    monkeypatch.setattr(logger, "filters", [filtering])

    for _ in range(50):
        try:
            b"\xff secret".decode()
        except UnicodeDecodeError:
            logger.exception("Invalid encoding on %s", b"secret")
    monkeypatch.setattr(filtering, "_next_s", 0.0)
    logger.error("another")

    assert [record.getMessage() for record in caplog.records] == [
        "gRPC reported on a call: UnicodeDecodeError; 0 such reports before were left out",
        "gRPC reported on a call: no error; 49 such reports before were left out",
    ]
    assert "secret" not in caplog.text
