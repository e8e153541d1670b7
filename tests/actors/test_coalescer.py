import asyncio

import pytest

from actors.coalescer import Coalescer


async def test_what_is_asked_in_one_moment_travels_together() -> None:
    calls = []

    async def send(items):
        calls.append(list(items))
        return [item * 10 for item in items]

    coalescer = Coalescer(send, size=3)
    assert await asyncio.gather(*(coalescer.ask(i) for i in range(7))) == [0, 10, 20, 30, 40, 50, 60]
    assert calls == [[0, 1, 2], [3, 4, 5], [6]]
    assert await coalescer.ask(9) == 90


async def test_an_error_reaches_every_asker_of_its_call_and_nobody_else() -> None:
    async def send(items):
        if 0 in items:
            raise ValueError("broken")
        return items

    coalescer = Coalescer(send, size=2)
    answers = await asyncio.gather(*(coalescer.ask(i) for i in range(4)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ValueError, ValueError, int, int]


async def test_too_few_answers_are_an_error_not_a_hang() -> None:
    async def send(items):
        return items[:-1]

    with pytest.raises(ValueError, match="0 answers to 1 requests"):
        await asyncio.wait_for(Coalescer(send, size=2).ask(1), 1)


async def test_a_call_nobody_waits_for_is_cancelled_and_one_that_somebody_waits_for_goes_on() -> None:
    ended: dict[int, bool] = {}
    go_on = asyncio.Event()

    async def send(items):
        try:
            await go_on.wait()
        finally:
            ended[items[0]] = go_on.is_set()
        return items

    coalescer = Coalescer(send, size=2)
    asked = [asyncio.create_task(coalescer.ask(i)) for i in range(4)]
    while len(coalescer._calls) < 2:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    for index in (0, 1, 2):
        asked[index].cancel()
    while not ended:
        await asyncio.sleep(0)
    go_on.set()
    assert await asked[3] == 3
    assert ended == {0: False, 2: True}


async def test_what_is_given_up_before_it_is_sent_is_not_sent() -> None:
    sent = []

    async def send(items):
        sent.extend(items)
        return items

    coalescer = Coalescer(send, size=4)
    asked = [asyncio.create_task(coalescer.ask(i)) for i in range(2)]
    await asyncio.sleep(0)
    asked[0].cancel()
    assert await asked[1] == 1
    assert sent == [1]
