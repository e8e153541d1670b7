"""A model for tests of who asks: it answers from a list."""

from __future__ import annotations

from atp_ray.play.model_calls import ModelReply


class Answering:
    """A model that answers from a list and remembers what it was asked."""

    def __init__(self, *answers: ModelReply) -> None:
        self.requests, self._answers = [], list(answers)

    async def reply(self, request):
        self.requests.append(request)
        return self._answers.pop(0)
