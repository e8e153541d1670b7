"""What is rebuilt of an episode is what was sent: every request of a played one is recorded and compared."""

import asyncio
import itertools
import re

import pytest
from support import make_spec, role_play_spec, tool_spec

from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.tool_usage.exchanges import split_reply
from atp_ray.paradigms.tool_usage.prompts import ToolStep
from atp_ray.play.actions import Action
from atp_ray.play.asking import Asking
from atp_ray.play.decisions import as_columns
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.model_calls import ModelReply, ReplyRequest
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.play.sampling import Sampling
from atp_ray.play.transcripts import seat_turns
from atp_ray.sandbox.results import ToolResult

SAMPLING = Sampling(attempts=2)
OPTION = re.compile(r'\{"choice": "([^"]+)"\}')
TOOL_REPLIES = (
    "<tool>print(6 * 7)</tool>",
    "<think>Shall I?</think>Let me see.\n<tool>\nprint(1)\n</tool> It prints 1.",
    "<think>By hand.</think>\\boxed{42}",
    "So it is \\boxed{7}.",
    "I do not know.",
)
OUTPUTS = ("42\n", "", "two\nlines", "a <output> of its own")


class Recorded:
    """A model whose replies follow from the seed, some of which cannot be read, some lost; it keeps what it was asked.

    Its tool prints what follows from the code.
    """

    def __init__(self) -> None:
        self.sent: dict[tuple, list] = {}
        self.now = ()
        self.tools = self

    async def reply(self, request: ReplyRequest) -> ModelReply:
        self.sent.setdefault(self.now, []).append([dict(message) for message in request.messages])
        if request.seed % 3 == 0:
            return ModelReply("", error="gone")
        options = OPTION.findall(request.messages[-1]["content"])[:2]
        if not options:
            return ModelReply(TOOL_REPLIES[request.seed % 5], 9, 4, 0.5)
        decision = f'{{"choice": "{options[request.seed % 2]}"}}' if request.seed % 7 else "Hard to say."
        return ModelReply(f"<think>It is {request.seed}.</think>\n{decision}", 9, 4, 0.5)

    async def run(self, session: str, code: str) -> ToolResult:
        return ToolResult("ok" if len(code) % 2 else "error", OUTPUTS[len(session) % 4], 0.0, False)

    async def end(self, session: str) -> None:
        pass


def play_recorded(spec):
    """Settled rounds of an episode, and the requests of each round and seat without those that were asked again."""
    model, environment = Recorded(), paradigm(spec.paradigm).environment
    seats = tuple(range(spec.parameters.n_agents))
    memory, settled = EpisodeMemory(spec, seats), []
    for number in range(1, spec.rounds + 1):
        rows = []
        for seat in seats:
            model.now = (number, seat)
            view = memory.seat_view(seat)
            asking = Asking(model, view, SAMPLING, tools=model)
            rows.append(asyncio.run(environment.decide(view, asking)))
        settled.append(settle_round(spec, settled, as_columns(rows)))
        memory.observe([observe_round(spec, settled[-1], seats)])
    sent = {
        place: [one for one, last in zip(of, [*of[1:], None], strict=True) if one != last]
        for place, of in model.sent.items()
    }
    return settled, sent


SPECS = [
    *(
        make_spec(n=4, threshold=2, rounds=5, history_window=2, visibility=seen)
        for seen in ("choices", "replies", "counts")
    ),
    role_play_spec(rounds=6, history_window=3),
    *(tool_spec(rounds=4, seed=seed) for seed in range(6)),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.paradigm}-{spec.visibility}-{spec.seed}")
def test_rebuilt_prompts_are_the_ones_that_were_sent(spec) -> None:
    settled, sent = play_recorded(spec)
    rebuilt = {(turn.record.round, turn.seat): turn.exchanges for turn in seat_turns(spec, settled)}
    assert {place: [exchange.messages for exchange in of] for place, of in rebuilt.items()} == sent
    for (number, seat), exchanges in rebuilt.items():
        decisions = settled[number - 1].decisions
        if spec.paradigm != "tool_usage":
            assert [exchange.reply for exchange in exchanges] == [decisions.reply_A[seat]]
            continue
        statuses = [exchange.tool.status for exchange in exchanges if exchange.tool]
        assert statuses == [status for solution in decisions.solutions_A[seat] for status in solution.tool_statuses]
        for exchange, following in itertools.pairwise(exchanges):
            if exchange.tool is not None:
                assert exchange.reply.endswith("</tool>")
                assert exchange.tool.code in exchange.reply
                assert following.messages[-1]["content"] == exchange.tool.told


def test_the_episodes_above_hold_every_case() -> None:
    played = [(spec, play_recorded(spec)[0]) for spec in SPECS]
    actions = {action for _, settled in played for record in settled for action in record.decisions.action_A.tolist()}
    assert actions == set(Action) - {Action.IDLE}  # of which no request is made
    calls = [
        len(solution.tool_statuses)
        for spec, settled in played
        if spec.paradigm == "tool_usage"
        for record in settled
        for solution in record.decisions.solutions_A[0]
    ]
    assert {0, 1, 2, 3} <= set(calls)


@pytest.mark.parametrize(
    ("reply", "calls", "steps", "last"),
    [
        ("\\boxed{7}", 0, [], "\\boxed{7}"),
        ("A <tool>1</tool>\n<output>\n1\n</output>\nB", 1, [ToolStep("A <tool>1</tool>", "1")], "B"),
        ("A <tool>1</tool>\n<output>\n1\n</output>", 1, [ToolStep("A <tool>1</tool>", "1")], None),
        # What says that it called more often than it shows is left whole.
        ("A <tool>1</tool>\n<output>\n1\n</output>\nB", 2, [ToolStep("A <tool>1</tool>", "1")], "B"),
        ("A", 1, [], "A"),
    ],
)
def test_a_solutions_reply_is_split_where_the_tool_answered(reply, calls, steps, last) -> None:
    assert split_reply(reply, calls) == (steps, last)
