"""Looking for cycles rests during a pass, in processes that are ours alone."""

import gc

import pytest

from otel_threads import process


@pytest.fixture(autouse=True)
def thresholds():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_it_rests_and_goes_on_also_after_an_error():
    gc.set_threshold(*process.GARBAGE_THRESHOLDS)
    with process.without_garbage():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), process.without_garbage():
        raise KeyError
    assert gc.isenabled()


def test_nothing_changes_in_the_process_of_somebody_else():
    gc.set_threshold(700, 10, 10)
    with process.without_garbage():
        assert gc.isenabled()
