"""The solver that plays an episode: a sample is an episode, its seats are asked at the same time, round by round."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import chain
from typing import Any

from inspect_ai.model import Model, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import collect, span

from atp_ray.inspect_tasks.chat import conversation
from atp_ray.inspect_tasks.model_client import InspectClient
from atp_ray.inspect_tasks.scoring import round_score
from atp_ray.inspect_tasks.shared_sandbox import SharedSandbox
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.answers import Answers, Probed, SeatAnswer, answer_columns, merge_answers, with_talk
from atp_ray.play.asides import Aside, answer_aside, asides_of
from atp_ray.play.asking import Asking, ModelClient, ToolRunner
from atp_ray.play.decisions import COUNTS, SeatDecision, as_columns, merge_decisions
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory, SeatView
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.play.transcripts import seat_turns
from atp_ray.play.turns import Talk
from atp_ray.storage.rows import probe_rows, seat_columns

EPISODE = "episode"  # of a sample's metadata
MODEL = "model"  # takes the seats in it until the model that is evaluated is known


@solver  # type: ignore[untyped-decorator]
def play_episode() -> Solver:
    """Play the episode in the sample's metadata with the model that is evaluated; the epoch is its seed + 1.

    Every decision is in the sample's store (`decisions`, rows as in our Parquet), every request among its events. The
    sample's messages are the first seat's.
    """
    sandbox = SharedSandbox()

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate
        model = get_model()
        spec = episode_of(state, model)
        async with AsyncExitStack() as opened:
            tools: ToolRunner | None = None
            if paradigm(spec.paradigm).environment.uses_tools:
                tools = await opened.enter_async_context(sandbox.opened())
            rounds = await play_rounds(spec, InspectClient(model), tools)
        first = chain.from_iterable(turn.exchanges for turn in seat_turns(spec, rounds) if turn.seat == 0)
        state.messages = conversation(list(first), model.name)
        state.scores = {f"round_{record.round}": round_score(spec, record) for record in rounds}
        state.store.set("decisions", [row for record in rounds for row in _rows(spec, record)])
        if spec.probes:
            state.store.set("probes", [row for record in rounds for row in probe_rows(spec, record)])
        return state

    return solve


def episode_of(state: TaskState, model: Model) -> EpisodeSpec:
    """Return a sample's episode in this epoch, its seats taken by the model where they are nobody's yet."""
    spec = EpisodeSpec.model_validate(state.metadata[EPISODE])
    named = {"checkpoint": str(model)}
    seats = tuple(group.model_copy(update=named) if group.checkpoint == MODEL else group for group in spec.seats)
    # Not a copy of the model: that would keep the id of the episode as it was.
    return EpisodeSpec(**(dict(spec) | {"seats": seats, "seed": state.epoch - 1}))


async def play_rounds(spec: EpisodeSpec, client: ModelClient, tools: ToolRunner | None) -> list[RoundRecord]:
    """Play an episode and return its settled rounds."""
    seats = tuple(range(spec.parameters.n_agents))
    memory, settled = EpisodeMemory(spec, seats), list[RoundRecord]()
    for number in range(1, spec.rounds + 1):
        async with span(f"round {number}", type="round"):
            asked_A = paradigm(spec.paradigm).environment.asked(spec, number)
            asked = [seat for seat in seats if asked_A is None or asked_A[seat]]
            said = await _answers(memory, asked, asides_of(spec, "say", number), None, client)
            talk = Talk(said[0].text_A) if said else None
            probes = asides_of(spec, "probe", number)
            answers = await _answers(memory, asked, probes, talk, client)
            decided = await collect(*(_decide(memory.seat_view(seat, talk=talk), client, tools) for seat in asked))
        decisions = merge_decisions(len(seats), [(asked, as_columns(decided))])
        decisions = with_talk(decisions, said[0]) if said else decisions
        probed = [Probed(probe.name, answer) for probe, answer in zip(spec.probes_at(number), answers, strict=True)]
        settled.append(settle_round(spec, settled, decisions, probed))
        memory.observe([observe_round(spec, settled[-1], seats)])
    return settled


async def _answers(
    memory: EpisodeMemory, seats: Sequence[int], asides: Sequence[Aside], talk: Talk | None, client: ModelClient
) -> list[Answers]:
    """Return what some seats of an episode answer to each question."""
    answers = []
    for aside in asides:
        rows = await collect(*(_answer(memory.seat_view(seat, talk=talk), aside, client) for seat in seats))
        answers.append(merge_answers(len(memory.seats), [(seats, answer_columns(rows))]))
    return answers


async def _answer(view: SeatView, aside: Aside, client: ModelClient) -> SeatAnswer:
    asking = Asking(client, view, view.spec.seat_groups[view.seat].sampling)
    async with span(f"seat {view.seat}: {' '.join(aside.place)}", type="agent"):
        return await answer_aside(view, asking, aside)


async def _decide(view: SeatView, client: ModelClient, tools: ToolRunner | None) -> SeatDecision:
    spec = view.spec
    asking = Asking(client, view, spec.seat_groups[view.seat].sampling, tools=tools)
    async with span(f"seat {view.seat}", type="agent"):
        return await paradigm(spec.paradigm).environment.decide(view, asking)


def _rows(spec: EpisodeSpec, record: RoundRecord) -> list[dict[str, Any]]:
    counts = {name: getattr(record.decisions, f"{name}_A").tolist() for name in COUNTS}
    columns = {**seat_columns(spec, record), **counts}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
