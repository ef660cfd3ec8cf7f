"""How open files are shared among the ports."""

import resource
import subprocess
import sys

from otel_threads import descriptors


def test_what_is_left_is_shared():
    budget = descriptors.descriptor_budget(1024, opened=28)
    assert (budget.otlp_grpc, budget.otlp_http, budget.http, budget.grpc) == (288, 288, 288, 96)
    split = budget.otlp_grpc + budget.otlp_http + budget.http + budget.grpc
    assert split + 28 + descriptors.HEADROOM <= 1024


def test_few_descriptors_are_shared_and_said(caplog):
    budget = descriptors.descriptor_budget(64, opened=28)
    assert (budget.http, budget.grpc) == (5, 4)
    assert "64 files may be open and 28 are" in caplog.text


def test_the_soft_limit_is_raised_to_the_hard_one():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = min(hard, 500) if hard != resource.RLIM_INFINITY else 500
    code = (
        "import resource; from otel_threads.descriptors import open_count, raise_limit;"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, (100, {wanted}));"
        "before = open_count(); kept = open('/dev/null');"
        "print(raise_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0], open_count() - before)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == [str(wanted), str(wanted), "1"]
