"""What an actor was asked ends when the one who asked it is gone."""

import asyncio

import ray
from support import wait_until

from actors.cancelling import Caller, Callers, awaited


@ray.remote(num_cpus=0, max_concurrency=100)
class Worker:
    def __init__(self):
        self._callers = Callers()
        self._seen = {"asked": 0, "cancelled": 0}

    async def work(self, caller):
        return await self._callers.work(caller, self._forever())

    async def noted(self):
        return self._seen

    async def _forever(self):
        self._seen["asked"] += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self._seen["cancelled"] += 1
            raise


@ray.remote(num_cpus=0, max_restarts=1, max_task_retries=1, max_concurrency=100)
class Asker:
    async def ask(self, worker):
        await awaited(worker.work.remote(Caller.here()))


def test_what_a_dead_actor_asked_is_cancelled_also_if_it_is_started_again(local_ray) -> None:
    worker = Worker.remote()
    askers = [Asker.options(name=f"asker-{index}").remote() for index in range(2)]
    for asker in askers:
        asker.ask.remote(worker)
    wait_until(lambda: ray.get(worker.noted.remote())["asked"] == 2, "both to ask")
    ray.kill(askers[0], no_restart=False)
    # Ray repeats its call; what it asked in its first life is cancelled, and nothing else.
    wait_until(lambda: ray.get(worker.noted.remote()) == {"asked": 3, "cancelled": 1}, "the first life's work to end")
    ray.kill(askers[1])
    wait_until(lambda: ray.get(worker.noted.remote()) == {"asked": 3, "cancelled": 2}, "the dead one's work to end")
    for actor in (worker, askers[0]):
        ray.kill(actor)


def test_a_wait_that_is_cancelled_cancels_the_call(local_ray) -> None:
    worker, asker = Worker.remote(), Asker.options(name="asker").remote()
    call = asker.ask.remote(worker)
    wait_until(lambda: ray.get(worker.noted.remote())["asked"] == 1, "the call to arrive")
    ray.cancel(call, recursive=False)
    wait_until(lambda: ray.get(worker.noted.remote())["cancelled"] == 1, "the call to be cancelled")
    for actor in (worker, asker):
        ray.kill(actor)
