"""The part of a paradigm that checkpoints learn from: prompts to align with, lessons for the small checkpoint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol

from atp_ray.config_files import Frozen
from atp_ray.errors import UsageError
from atp_ray.paradigms.stand_in import StandIn
from atp_ray.play.actions import Action
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.parsing import parse_choice, visible_reply
from atp_ray.play.prompts import Message

if TYPE_CHECKING:
    from atp_ray.checkpoint.scope import TrainingScope
    from atp_ray.play.asking import ToolRunner
    from atp_ray.play.cells import Embedded
    from atp_ray.tiny.fits import CalibrationPart, Sampler

Side = Literal["chosen", "rejected"]
Like = Literal["ours", "paper"]
Ask = Callable[[Sequence[Message]], Awaitable[str]]
NOBODY = "policy:refrain"  # the seats of a training prompt are nobody's yet


class TrainingPrompt(NamedTuple):
    """One prompt to align with.

    `messages` are system and user, `options` the choices, the deviant one first; `answer` is the true answer where
    a problem is to be solved, and `stop` ends a reply.
    """

    prompt_id: str
    paradigm: str
    scenario: str
    messages: tuple[Message, ...]
    options: tuple[str, ...]
    answer: str | None = None
    stop: tuple[str, ...] = ()


class Judged(NamedTuple):
    """What a reply to a training prompt decides, and the part of it that is trained on."""

    action: Action
    text: str | None


class Transcript(NamedTuple):
    """A conversation to train on: all messages, and which of them are the teacher's own words in their right place."""

    messages: tuple[Message, ...]
    trained: tuple[bool, ...]


class TranscriptSource(Protocol):
    """Draws transcripts; the same seed draws the same ones."""

    def transcript(self) -> Transcript:
        """Return one conversation that ends with the teacher's reply."""
        ...


class Teaching:
    """What checkpoints are aligned with and the small one is taught; a paradigm that does neither keeps the defaults.

    `instructions` bring a model to give either side of a pair; `learner` is the small checkpoint that is taught the
    paradigm, None for none; `share` is the paradigm's part of that checkpoint's training transcripts.
    """

    instructions: ClassVar[Mapping[Side, str]] = {}
    learner: ClassVar[Embedded | None] = None
    share: ClassVar[float] = 1.0

    def training_prompts(self, count: int | None, seed: int) -> list[TrainingPrompt]:
        """Return the prompts to train on, none of which an evaluation uses; the same ones for the same seed.

        Args:
            count: how many are wanted, where more can be made; None takes the paradigm's own number.

        Raises:
            UsageError: there are none.
        """
        del count, seed
        raise UsageError("has no prompts to train on", type(self).__module__, "Use another paradigm")

    def paper_prompts(self, count: int | None, seed: int) -> list[TrainingPrompt]:
        """Return the prompts with numbers drawn as the paper's are, where they differ from ours."""
        return self.training_prompts(count, seed)

    def instruction(self, side: Side, like: Like) -> str | None:
        """Return what a model is told so that it gives one side of a pair, None for the plain prompt."""
        del like
        return self.instructions[side]

    async def completed(self, prompt: TrainingPrompt, reply: str, ask: Ask, tools: ToolRunner | None) -> str | None:
        """Return the whole of a wished reply, with what comes after its tool calls; None if the end is not wished.

        Args:
            reply: what the model has written first, thinking included.
            ask: sends the model further messages of the conversation and returns its next reply.
            tools: where tool calls run.
        """
        del prompt, ask, tools
        return reply

    def judge(self, reply: str, options: Sequence[str], answer: str | None) -> Judged:
        """Return what a reply decides: one of the options."""
        del answer
        choice = parse_choice(reply, options).choice
        if choice is None:
            return Judged(Action.UNPARSED, None)
        return Judged(Action.DEVIANT if choice == options[0] else Action.ALIGNED, visible_reply(reply))

    def outside(self, spec: EpisodeSpec, scope: TrainingScope) -> str | None:
        """Return what of an episode the small checkpoint was not trained on, None where it knows all of it."""
        del scope
        return spec.paradigm.replace("_", "-")

    def bounds(self) -> Frozen:
        """Return the bounds of the paradigm's own numbers; they become fields of the training scope."""
        return Frozen()

    def lessons(self, scope: TrainingScope) -> str:
        """Return what the small checkpoint's card says of its training transcripts, in a sentence or two."""
        del scope
        return ""

    def transcripts(self, scope: TrainingScope, seed: int) -> TranscriptSource:
        """Return the source of the small checkpoint's training transcripts.

        Raises:
            NotImplementedError: it is not taught this paradigm.
        """
        raise NotImplementedError(f"{type(self).__name__} teaches nothing")

    def stand_in(self, seed: int, taught: bool) -> StandIn:
        """Return what answers in a model's place while a run is estimated.

        Args:
            taught: whether it answers as the small checkpoint's teacher does, else as any model may.
        """
        del taught
        return StandIn(seed)

    def calibration(
        self, sampler: Sampler, scope: TrainingScope, states: int, repeats: int
    ) -> Sequence[CalibrationPart]:
        """Return how well the small checkpoint imitates its teacher on states it was not trained on.

        Args:
            states: states per kind.
            repeats: free replies sampled for each.
        """
        del sampler, scope, states, repeats
        return ()
