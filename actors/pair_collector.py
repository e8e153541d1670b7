"""Collecting preference pairs from a model: every prompt's two sides, many at once, through the shared deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from atp_ray.alignment.elicitation import Elicitation, elicitation_messages, wished_reply
from atp_ray.alignment.pairs import PairLog, PreferencePair
from atp_ray.costs.usage import Usage
from atp_ray.errors import EngineError, SpendingError
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.teaching import Like, Side, TrainingPrompt
from atp_ray.play.asking import ModelClient, ToolRunner
from atp_ray.play.model_calls import ReplyRequest
from atp_ray.play.prompts import Message, merge_neighbours
from atp_ray.play.randomness import derive_seed
from atp_ray.play.sampling import Sampling


class Collected(NamedTuple):
    """How a collection ended: pairs kept, the prompts for which one side never came, and what was asked this time."""

    pairs: int
    given_up: tuple[str, ...]
    usage: Usage


class _NotBegun(Enum):
    """A prompt that a limit left alone."""

    NOT_BEGUN = "not begun"


NOT_BEGUN = _NotBegun.NOT_BEGUN


class _SideReply(NamedTuple):
    text: str | None
    tries: int


class PairCollector:
    """Asks a model for both sides of each prompt until each reply is the wished one, at most `tries` times.

    Args:
        at_once: prompts in work together; as many as the engine decodes requests keep it busy, as each has two sides.
        most_tokens: once so many are sent and written no further prompt is begun; None is no limit.
        like: what is kept of a reply; the paper's is all of it, thinking and whole solutions included.
        tools: where the tool calls of a solution run, where that is kept.
    """

    def __init__(
        self,
        client: ModelClient,
        checkpoint: str,
        sampling: Sampling,
        elicitation: Elicitation,
        tries: int,
        at_once: int = 256,
        most_tokens: int | None = None,
        like: Like = "ours",
        tools: ToolRunner | None = None,
    ) -> None:
        self._client = client
        self._checkpoint = checkpoint
        self._sampling = sampling
        self._elicitation: Elicitation = elicitation
        self._tries = tries
        self._like: Like = like
        self._tools = tools
        self._slots = asyncio.Semaphore(at_once)
        self._most_tokens = most_tokens
        self._usage = Usage()

    async def collect(
        self, prompts: Sequence[TrainingPrompt], log: PairLog, on_done: Callable[[int], None] = lambda _: None
    ) -> Collected:
        """Collect the pairs of `prompts` that `log` does not hold yet.

        Args:
            on_done: called with the number of prompts finished so far.

        Raises:
            EngineError: the model cannot be reached; what was collected is kept.
            SpendingError: the limit was reached before the last prompt; the prompts begun were finished.
        """
        missing = [prompt for prompt in prompts if prompt.prompt_id not in log.pairs]
        given_up: list[str] = []
        self._usage = Usage()
        left = 0
        done = len(prompts) - len(missing)
        asked = [asyncio.ensure_future(self._pair(prompt)) for prompt in missing]
        try:
            for finished in asyncio.as_completed(asked):
                prompt_id, pair = await finished
                if pair is NOT_BEGUN:
                    left += 1
                    continue
                if pair is None:
                    given_up.append(prompt_id)
                else:
                    log.append(pair)
                done += 1
                on_done(done)
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)  # one error is told; the others would be traces
        if left:
            reached = (
                f"--max-tokens-total {self._most_tokens}: {self._usage.tokens:,} are spent, {left} prompts are left"
            )
            hint = "The pairs collected so far are kept; run the same command again, with a higher limit or none"
            raise SpendingError(f"the collection stopped at {reached}", hint=hint)
        return Collected(len(log.pairs), tuple(sorted(given_up)), self._usage)

    async def _pair(self, prompt: TrainingPrompt) -> tuple[str, PreferencePair | _NotBegun | None]:
        async with self._slots:
            if self._most_tokens is not None and self._usage.tokens >= self._most_tokens:
                return prompt.prompt_id, NOT_BEGUN
            chosen, rejected = await asyncio.gather(self._side(prompt, "chosen"), self._side(prompt, "rejected"))
        if chosen.text is None or rejected.text is None:
            return prompt.prompt_id, None
        system, user = prompt.messages
        pair = PreferencePair(
            pair_id=prompt.prompt_id,
            paradigm=prompt.paradigm,
            scenario=prompt.scenario,
            checkpoint=self._checkpoint,
            system=system["content"],
            prompt=user["content"],
            chosen=chosen.text,
            rejected=rejected.text,
            chosen_tries=chosen.tries,
            rejected_tries=rejected.tries,
        )
        return prompt.prompt_id, pair

    async def _side(self, prompt: TrainingPrompt, side: Side) -> _SideReply:
        messages = merge_neighbours(elicitation_messages(prompt, side, self._elicitation, self._like))
        for attempt in range(1, self._tries + 1):

            async def ask(further: Sequence[Message], attempt: int = attempt) -> str:
                # The first question of an attempt has the seed it always had.
                place = (side, attempt, len(further)) if further else (side, attempt)
                seed = derive_seed("pair", prompt.prompt_id, *place)
                return await self._reply(prompt, (*messages, *further), seed)

            wished = wished_reply(prompt, side, await ask(()), self._like)
            if wished and self._like == "paper":
                wished = await paradigm(prompt.paradigm).teaching.completed(prompt, wished, ask, self._tools)
            if wished:
                return _SideReply(wished, attempt)
        return _SideReply(None, self._tries)

    async def _reply(self, prompt: TrainingPrompt, messages: tuple[Message, ...], seed: int) -> str:
        answer = await self._client.reply(ReplyRequest(messages, self._sampling, seed, prompt.options, prompt.stop))
        self._usage = self._usage.plus(Usage(1, answer.prompt_tokens, answer.completion_tokens))
        if answer.error is not None and not answer.refused:
            hint = "The pairs collected so far are kept; run the same command again"
            raise EngineError(f"the model cannot be asked: {answer.error}", hint=hint)
        return answer.text
