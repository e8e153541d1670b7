"""The line in front of an engine."""

import asyncio

import pytest

from serve_deployments.admission import Admission


class Engine:
    """Is inside as long as it is let: records who came in, in what order, and ends each by hand."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.came: list[int] = []
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.ends: dict[int, asyncio.Event] = {}

    async def ask(self, *numbers: int) -> None:
        for number in numbers:
            self.ends[number] = asyncio.Event()
            self.tasks[number] = asyncio.create_task(self._inside(number))
        await settle()

    async def _inside(self, number: int) -> None:
        async with self.admission.admitted():
            self.came.append(number)
            await self.ends[number].wait()

    async def end(self, *numbers: int) -> None:
        for number in numbers:
            self.ends[number].set()
        await settle()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_first_come_first_served_and_never_more_than_the_engine_decodes() -> None:
    engine = Engine(Admission(2, reported=False))
    await engine.ask(*range(6))
    assert engine.came == [0, 1]
    await engine.end(1)
    assert engine.came == [0, 1, 2]
    await engine.end(0, 2)
    assert engine.came == [0, 1, 2, 3, 4]
    load = engine.admission.load()
    assert (load.in_line, load.inside) == (1, 2)


async def test_one_that_gives_up_in_line_never_comes_in_and_one_inside_makes_room() -> None:
    engine = Engine(Admission(1, reported=False))
    await engine.ask(0, 1, 2)
    engine.tasks[1].cancel()
    await settle()
    engine.tasks[0].cancel()
    await settle()
    assert engine.came == [0, 2]
    await engine.end(2)
    assert engine.admission.load()[:2] == (0, 0)


async def test_one_that_gives_up_as_it_is_let_in_makes_room_for_the_next() -> None:
    engine = Engine(Admission(1, reported=False))
    await engine.ask(0, 1, 2)
    engine.ends[0].set()
    while not engine.tasks[0].done():
        await asyncio.sleep(0)
    engine.tasks[1].cancel()  # let in a moment ago, it has not run since
    await settle()
    assert engine.came == [0, 2]


@pytest.mark.parametrize(("most", "ahead"), [(64, 8), (256, 32)])
async def test_few_wait_inside_an_engine_whose_cache_holds_fewer_than_it_may_decode(most, ahead) -> None:
    engine = Engine(Admission(most))
    await engine.ask(*range(300))
    assert len(engine.came) == ahead  # it has not said yet that it decodes any
    engine.admission.report(5, 0)
    await settle()
    assert len(engine.came) == ahead + 5
    engine.admission.report(most, 0)
    await settle()
    assert len(engine.came) == min(most, 300)


async def test_the_load_is_what_the_engine_reports() -> None:
    admission = Admission(8)
    for decoding, finished in ((3, 0), (7, 1), (2, 5)):
        admission.report(decoding, finished)
    assert admission.load() == (0, 0, 2, 7, 6)
