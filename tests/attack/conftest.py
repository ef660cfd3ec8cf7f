"""One server for the attacks of a file; another one once an attack has stopped or bloated it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from attack.target import MIB, Target

RSS_BYTES_FRESH_MAX = 600 * MIB  # above it the next attack starts with a server of its own


class Targets:
    """Starts servers as attacks need them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._target: Target | None = None

    def fit(self) -> Target:
        """Return a server that answers and takes no more memory than it should."""
        if self._target and (
            not self._target.alive() or self._target.rss_bytes() > RSS_BYTES_FRESH_MAX
        ):
            self.stop()
        if self._target is None:
            self._count += 1
            self._target = Target(self._folder / f"server-{self._count}")
        return self._target

    def stop(self) -> None:
        if self._target:
            self._target.kill()
            self._target = None


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    """The servers of a file of attacks."""
    made = Targets(tmp_path_factory.mktemp("attack"))
    yield made
    made.stop()


@pytest.fixture
def target(targets: Targets) -> Target:
    """A server that is fit to be attacked."""
    return targets.fit()
