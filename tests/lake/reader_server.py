"""A server of its own that reads a lake."""

from conftest import Server


class Reader(Server):
    """`otel-threads serve --from-lake`."""

    PORTS = ("http", "grpc")

    def arguments(self) -> list[str]:
        return ["--from-lake", "--no-supervise"]
