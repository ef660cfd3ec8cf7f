"""How results cross from the intake's threads to the event loop: each one, and few wakings."""

import asyncio
import threading
from concurrent.futures import Future

import pytest

from otel_threads.core.errors import InvalidPayload
from otel_threads.core.model import Outcome
from otel_threads.receive.loop_bridge import Answers


async def waiting_for(count: int) -> tuple[list[Future], list[asyncio.Future]]:
    """Return futures of the intake, and as many tasks that wait for them."""
    answers, futures = Answers(), [Future() for _ in range(count)]
    for future in futures:
        future.set_running_or_notify_cancel()
    tasks = [asyncio.ensure_future(answers.of(future)) for future in futures]
    await asyncio.sleep(0)  # each begins to wait
    return futures, tasks


def test_a_commit_wakes_the_loop_once():
    async def run() -> None:
        futures, tasks = await waiting_for(64)
        loop, woken = asyncio.get_running_loop(), []
        wake = loop.call_soon_threadsafe
        loop.call_soon_threadsafe = lambda *given: (woken.append(given), wake(*given))
        for n, future in enumerate(futures):  # the loop has no turn meanwhile
            future.set_result(Outcome(accepted=n))
        assert [outcome.accepted for outcome in await asyncio.gather(*tasks)] == list(range(64))
        assert len(woken) == 1

    asyncio.run(run())


def test_every_answer_arrives_whichever_threads_give_them():
    async def run() -> None:
        futures, tasks = await waiting_for(4000)

        def give(part: int) -> None:
            for n in range(part, len(futures), 8):
                futures[n].set_result(Outcome(accepted=n))

        threads = [threading.Thread(target=give, args=(part,)) for part in range(8)]
        for thread in threads:
            thread.start()
        async with asyncio.timeout(60):
            found = await asyncio.gather(*tasks)
        assert [outcome.accepted for outcome in found] == list(range(4000))

    asyncio.run(run())


def test_errors_are_raised_and_what_is_there_comes_at_once():
    async def run() -> None:
        (future,), (task,) = await waiting_for(1)
        future.set_exception(InvalidPayload("no"))
        with pytest.raises(InvalidPayload, match="no"):
            await task
        with pytest.raises(InvalidPayload, match="no"):
            await Answers().of(future)

    asyncio.run(run())


def test_a_sender_that_goes_away_keeps_no_other_waiting():
    async def run() -> None:
        futures, tasks = await waiting_for(2)
        tasks[0].cancel()
        for future in futures:
            future.set_result(Outcome(accepted=2))
        assert (await tasks[1]).accepted == 2
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]

    asyncio.run(run())


def test_an_answer_after_the_end_of_the_loop_is_dropped(caplog):
    async def run() -> Future:
        futures, _ = await waiting_for(1)
        return futures[0]

    asyncio.run(run()).set_result(Outcome())
    assert not caplog.records  # a callback that fails is logged
