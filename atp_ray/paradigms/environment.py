"""The part of a paradigm that is played: what is observed before a decision, and what a decision leads to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from atp_ray.errors import UsageError
from atp_ray.play.actions import Action
from atp_ray.play.asking import Asking
from atp_ray.play.capital import FloatArray
from atp_ray.play.chances import of_two_options
from atp_ray.play.decisions import BoolArray, IntArray, SeatDecision
from atp_ray.play.episodes import EpisodeSpec, Reading
from atp_ray.play.exchanges import Exchange
from atp_ray.play.first_choice import parse_first_choice
from atp_ray.play.memory import EpisodeMemory, SeatRound, SeatView
from atp_ray.play.parsing import ParsedChoice, parse_choice
from atp_ray.play.played import Outcome, PlayedRound
from atp_ray.play.problems import Solution
from atp_ray.play.prompts import Message, build_messages
from atp_ray.play.scenario import Numbers, Scenario

_READERS: Mapping[Reading, Callable[[str, Sequence[str]], ParsedChoice]] = {
    "last": parse_choice,
    "first": parse_first_choice,
}


class Environment(ABC):
    """Observe (`system`, `question`, `feedback`), decide and settle.

    Everything but `decide` is pure. `decide` and `messages` fit any paradigm in which a reply names one option.
    `remembers_replies` says whether an agent is shown its own past replies; what is not shown cannot be edited.
    `remembers_own_turns` says that an agent knows of no round in which it was not asked, so that its window holds its
    own last rounds.
    `tells_shares` says that no option is deviant in itself, so that results are told as the share of each option; they
    are wherever there are more than two.
    `unreadable_as` is what an unreadable reply counts as where it is counted: the action that was not seen to be taken.
    """

    scenario_models: ClassVar[tuple[type[Scenario], ...]]
    numbers_model: ClassVar[type[Numbers]]
    uses_tools: ClassVar[bool] = False
    remembers_replies: ClassVar[bool] = True
    remembers_own_turns: ClassVar[bool] = False
    tells_shares: ClassVar[bool] = False
    unreadable_as: ClassVar[Action] = Action.ALIGNED

    @abstractmethod
    def system(self, spec: EpisodeSpec) -> str:
        """Return the system message, the same in every round."""

    @abstractmethod
    def question(self, spec: EpisodeSpec, round_number: int) -> str:
        """Return what is asked in a round."""

    @abstractmethod
    def feedback(self, spec: EpisodeSpec, past: SeatRound, seat: int) -> Sequence[str]:
        """Return what `seat` is told after its reply in a past round, one text per message."""

    @abstractmethod
    def settle(self, spec: EpisodeSpec, played: PlayedRound) -> Outcome:
        """Return what a round led to."""

    def partners(self, spec: EpisodeSpec, round_number: int) -> IntArray | None:
        """Return whom each seat meets in a round, [A], -1 for nobody; None where all play with one another.

        It depends on the seed, never on what was decided.
        """
        del spec, round_number
        return None

    def asked(self, spec: EpisodeSpec, round_number: int) -> BoolArray | None:
        """Return which seats decide in a round, [A]; None for all. Of the others, what they decided last stands.

        It depends on the seed, never on what was decided. Where pairs meet, those who meet somebody are asked.
        """
        partner_A = self.partners(spec, round_number)
        return None if partner_A is None else partner_A >= 0

    def n_turns(self, spec: EpisodeSpec, first_round: int = 1) -> int:
        """Return how many decisions an episode takes from a round on."""
        rounds, n_agents = range(first_round, spec.rounds + 1), spec.parameters.n_agents
        if type(self).asked is Environment.asked and type(self).partners is Environment.partners:
            return n_agents * len(rounds)
        asked = (self.asked(spec, number) for number in rounds)
        return sum(n_agents if asked_A is None else int(asked_A.sum()) for asked_A in asked)

    def rehearsed(self, spec: EpisodeSpec) -> EpisodeSpec:
        """Return an episode whose prompts are as long, but whose windows fill as soon as can be: to estimate it."""
        return spec

    def messages(self, view: SeatView) -> list[Message]:
        """Return the chat messages with which a seat's next round begins."""
        return build_messages(view)

    async def decide(self, view: SeatView, asking: Asking) -> SeatDecision:
        """Return what a seat decides, asking its model until a reply can be read."""
        options, read = view.spec.scenario.options, _READERS[view.spec.reading]
        reply = await asking.reply(self.messages(view), lambda text: read(text, options).reason)
        choice = read(reply, options).choice if reply is not None else None
        if reply is None:
            action = Action.MISSING
        elif choice is None:
            action = Action.UNPARSED
        else:
            action = Action.DEVIANT if choice == options[0] else Action.ALIGNED
        option = options.index(choice) if choice is not None and len(options) > 2 else None
        return asking.decision(action, reply, option=option)

    def exchanges(self, view: SeatView, reply: str | None, solutions: Sequence[Solution]) -> list[Exchange]:
        """Return what a seat was sent and replied in the round it had to decide, from what is kept of that round."""
        del solutions
        return [Exchange(self.messages(view), reply)]

    @property
    def has_policy(self) -> bool:
        """Whether there is an analytic policy."""
        own = type(self)
        return (
            own.deviant_chances is not Environment.deviant_chances
            or own.option_chances is not Environment.option_chances
        )

    def option_chances(self, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
        """Return the analytic policy's probability of each option, [S, K], in the order of the scenario's options.

        Raises:
            UsageError: the paradigm has no analytic policy.
        """
        return of_two_options(self.deviant_chances(memory, indices))

    def deviant_chances(self, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
        """Return the analytic policy's probability of the deviant action for each index into `memory.seats`, [S].

        Raises:
            UsageError: the paradigm has no analytic policy.
        """
        del indices
        raise UsageError("has no analytic policy", memory.spec.paradigm, "Use tiny or a real checkpoint")
