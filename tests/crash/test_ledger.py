"""A ledger finds each kind of loss: else rounds and power cuts would prove nothing."""

import time

from ledger import Ledger


def a_ledger() -> Ledger:
    """Return one with an entry in each part of its life."""
    ledger = Ledger()
    ledger.sent(["sent", "acknowledged", "going", "gone"])
    ledger.acknowledged(["acknowledged", "going", "gone"])
    ledger.delete_sent(["going", "gone"])
    ledger.deleted(["gone"])
    return ledger


def test_what_was_not_acknowledged_or_is_being_deleted_may_be_there_or_not():
    ledger = a_ledger()
    assert not ledger.losses({"acknowledged": 1})
    assert not ledger.losses({"acknowledged": 1, "sent": 1, "going": 1})


def test_each_kind_of_loss_is_found():
    losses = a_ledger().losses({"sent": 2, "gone": 1, "never sent": 1})
    assert losses
    assert losses.missing == ("acknowledged",)
    assert losses.twice == ("sent",)
    assert losses.undeleted == ("gone",)
    assert losses.unknown == ("never sent",)
    assert str(losses).startswith("1 missing (such as acknowledged), 1 twice")


def test_nothing_is_expected_before_its_acknowledgement():
    before = time.monotonic_ns()
    ledger = a_ledger()
    assert ledger.expected(before - 1).present == frozenset()
    assert ledger.expected().present == {"acknowledged"}
    assert ledger.expected().absent == {"gone"}


def test_a_second_sending_keeps_the_first_times():
    ledger = a_ledger()
    first = ledger.entries["acknowledged"].acknowledged_ns
    ledger.sent(["acknowledged"])
    ledger.acknowledged(["acknowledged"])
    assert ledger.entries["acknowledged"].acknowledged_ns == first
