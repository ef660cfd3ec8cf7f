"""A bounded run of power_cut.py: a recorded session, and states that a power cut may leave of it."""

import os
from pathlib import Path

import power_cut
import pytest
import recording
from disk import FileSystem
from ledger import Ledger
from power_cut import Restarts, Session
from recording import Record, Recorder

pytestmark = pytest.mark.skipif(
    recording.compiler() is None and not os.environ.get("CI"), reason="no C compiler: cc is missing"
)
STATES = 60  # of each file system: some seconds
SEED = 1


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, list[Record], Path]:
    """A session with everything that writes, and its records, which tell what is in the files."""
    folder = tmp_path_factory.mktemp("power")
    library = recording.build(folder / "recorder.so")
    session = power_cut.record(folder, library, SEED)
    records = session.recorder.records()
    power_cut.check_recording(session, records)
    return session, records, folder


@pytest.mark.slow
@pytest.mark.parametrize("file_system", FileSystem)
def test_a_power_cut_loses_nothing_that_was_acknowledged(recorded, file_system):
    session, records, folder = recorded
    states = folder / file_system.value
    states.mkdir()
    checked, losses = power_cut.check(session, records, states, [file_system], STATES, SEED)
    assert [power_cut.told(loss, records) for loss in losses] == []
    assert checked >= STATES // 2
    assert session.ledger.acknowledged_count() > 100


@pytest.mark.slow
def test_an_fsync_that_was_left_out_is_found(recorded, tmp_path):
    """The check checks: without the fsyncs of its files the same session loses what it acknowledged."""
    session, records, _ = recorded
    without = [one for one in records if one.call is not recording.Call.SYNC]
    checked, losses = power_cut.check(session, without, tmp_path, [FileSystem.ORDERED], 12, SEED)
    assert checked
    assert any("missing" in loss.reason for loss in losses)


def test_a_state_that_does_not_open_is_a_loss(tmp_path):
    ledger = Ledger()
    session = Session(Recorder(tmp_path, tmp_path, tmp_path / "log"), ledger, 0)
    state = power_cut.State("made up", {power_cut.DATABASE: b"no database"}, frozenset())
    cut = power_cut.Cut(index=0, time_ns=0, file_system=FileSystem.STRICT, state=state)
    restarts = Restarts(tmp_path)
    (loss,) = restarts.losses(session, cut, rebuild=False)
    restarts.close()
    assert loss.reason.startswith("it does not start")
