"""One event loop in one thread, on which synchronous tests wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from clustergate.run.loop import LoopThread


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.stop()


async def _here() -> tuple[int, str]:
    return id(asyncio.get_running_loop()), threading.current_thread().name


def test_one_loop_for_all(loop: LoopThread) -> None:
    """All work runs on one loop in one thread: an HTTP client belongs to the loop it was first used on."""
    assert loop.submit(_here()).result(5) == loop.submit(_here()).result(5)
    assert loop.submit(_here()).result(5)[1] == "clustergate"


def test_the_thread_is_a_daemon(loop: LoopThread) -> None:
    """A process that ends does not wait for the loop."""
    [thread] = [thread for thread in threading.enumerate() if thread.name == "clustergate"]
    assert thread.daemon


def test_errors_come_back(loop: LoopThread) -> None:
    """An error in the work is raised where its result is waited for."""

    async def broken() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        loop.submit(broken()).result(5)


def test_work_runs_beside_other_work(loop: LoopThread) -> None:
    """Two pieces of work may wait for each other."""

    async def opened(event: asyncio.Event) -> bool:
        return await event.wait()

    async def made() -> asyncio.Event:
        return asyncio.Event()

    async def set_it(event: asyncio.Event) -> None:
        event.set()

    event = loop.submit(made()).result(5)
    waiting = loop.submit(opened(event))
    loop.submit(set_it(event))
    assert waiting.result(5)


def test_stop_cancels_what_still_runs() -> None:
    """When the loop ends, work under way gets its chance to clean up, and the thread is gone."""
    thread, cleaned = LoopThread(), threading.Event()
    begun = threading.Event()

    async def endless() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.set()

    work = thread.submit(endless())
    assert begun.wait(5)
    thread.stop()
    assert cleaned.is_set()
    assert work.cancelled()
    assert all(other.name != "clustergate" for other in threading.enumerate())
