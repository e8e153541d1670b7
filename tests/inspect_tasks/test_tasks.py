"""Inspect tasks play what our agents play, decision by decision, with a provider that thinks, errs and fails."""

import asyncio
import re
import sys

import pytest
from inspect_runs import needs_inspect
from support import needs_isolation

from actors.players import ModelPlayer
from atp_ray.measures.rates import count
from atp_ray.paradigms.grids import expand, parse_grid
from atp_ray.play.decisions import COUNTS
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.model_calls import ModelReply
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.storage.rows import seat_columns

pytestmark = [needs_inspect, pytest.mark.xdist_group("inspect")]
OPTION = re.compile(r'\{"choice": "([^"]+)"\}')
WORDS = ("<think>\nI use it.\n</think>\n\n<tool>print(6 * 7)</tool>", "By hand: \\boxed{42}", "I do not know.")


def reply_to(question: str, seed: int) -> str:
    """A reply that follows from the seed; one in seven cannot be read."""
    options = OPTION.findall(question)[:2]
    if not options:
        return WORDS[seed % 3]
    decision = f'{{"choice": "{options[seed % 2]}"}}' if seed % 7 else "Hard to say."
    return f"<think>\nIt is {seed}.\n</think>\n\n{decision}" if seed % 5 else decision


class Direct:
    """The same model, asked as our agents ask theirs."""

    async def reply(self, request):
        if request.seed % 13 == 0:
            return ModelReply("", error="turned down", refused=True)
        return ModelReply(reply_to(request.messages[-1]["content"], request.seed), 12, 5, 0.1)


def provider():
    """A provider of Inspect's that is no language model: it answers as `reply_to` says."""
    from inspect_ai.model import (
        ChatCompletionChoice,
        ChatMessageAssistant,
        ContentReasoning,
        ContentText,
        ModelAPI,
        ModelOutput,
        ModelUsage,
        get_model,
        modelapi,
    )

    class Seeded(ModelAPI):
        async def generate(self, input, tools, tool_choice, config):
            del tools, tool_choice
            if config.seed % 13 == 0:
                return ModelOutput(model="seeded", error="turned down")
            text = reply_to(input[-1].text, config.seed)
            thought, closed, said = text.removeprefix("<think>\n").partition("\n</think>\n\n")
            content = [ContentReasoning(reasoning=thought), ContentText(text=said)] if closed else text
            choice = ChatCompletionChoice(message=ChatMessageAssistant(content=content), stop_reason="stop")
            usage = ModelUsage(input_tokens=4, input_tokens_cache_read=8, output_tokens=5, total_tokens=17)
            return ModelOutput(model="seeded", choices=[choice], usage=usage)

    @modelapi(name="seeded")
    def seeded():
        return Seeded

    return get_model("seeded/any", memoize=False)


def evaluated(task, folder, **options):
    from inspect_ai import eval as evaluate

    (log,) = evaluate(task, model=provider(), display="none", log_dir=str(folder), **options)
    assert log.status == "success", log.error
    return log


def played(spec):
    """Rows of an episode as our agents play it, and the rounds they are of."""

    async def rounds():
        player, seats = ModelPlayer(Direct(), alternate_roles=False), range(spec.parameters.n_agents)
        memory, settled = EpisodeMemory(spec, seats), []
        for _ in range(spec.rounds):
            decisions = await player.decide(memory, seats, spec.seats[0].sampling)
            settled.append(settle_round(spec, settled, decisions))
            memory.observe([observe_round(spec, settled[-1], tuple(seats))])
        return settled

    settled, rows = asyncio.run(rounds()), []
    for record in settled:
        columns = seat_columns(spec, record)
        columns |= {name: getattr(record.decisions, f"{name}_A").tolist() for name in COUNTS}
        rows += [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return settled, rows


@pytest.mark.parametrize("name", ["games", "role_play"])
def test_a_task_plays_what_our_agents_play(name, tmp_path) -> None:
    from atp_ray.inspect_tasks import tasks

    given = {
        "games": {"threshold": 2, "n_agents": 4, "scenarios": ["info_sharing", "hunting_game"], "rounds": 4},
        "role_play": {"scenarios": "delivery_worker,baker", "supervision": "alternating", "rounds": 3},
    }[name]
    log = evaluated(getattr(tasks, name)(seeds=2, attempts=2, **given), tmp_path)
    totals = {}
    for sample in log.samples:
        spec = EpisodeSpec.model_validate(sample.metadata["episode"])
        seats = tuple(group.model_copy(update={"checkpoint": "seeded/any"}) for group in spec.seats)
        spec = EpisodeSpec(**(dict(spec) | {"seats": seats, "seed": sample.epoch - 1}))
        settled, rows = played(spec)
        assert sample.store["decisions"] == rows
        for record in settled:
            score, counts = sample.scores[f"round_{record.round}"], count(spec, record.decisions.action_A)
            assert (score.metadata["n_deviant"], score.metadata["n_decisions"]) == counts[:2]
            known = totals.setdefault(f"round_{record.round}", [0, 0, 0])
            totals[f"round_{record.round}"] = [one + two for one, two in zip(known, counts, strict=True)]
        requests = [event for event in sample.events if event.event == "model"]
        assert len(requests) == sum(row["attempts"] for row in rows)
    assert len({(sample.id, sample.epoch) for sample in log.samples}) == len(log.samples) >= 4
    for score in log.results.scores:
        deviant, decided, undecided = totals[score.name]
        assert score.metrics["deviant_rate"].value == pytest.approx(deviant / decided)
        assert (score.metrics["n_decisions"].value, score.metrics["n_undecided"].value) == (decided, undecided)
        assert score.metrics["ci_low"].value < deviant / decided < score.metrics["ci_high"].value
    assert sum(undecided for _, _, undecided in totals.values()) > 0


@needs_isolation
def test_problems_are_solved_with_the_real_sandbox(tmp_path) -> None:
    from atp_ray.inspect_tasks.tasks import tool_usage

    log = evaluated(tool_usage(agents=4, rounds=2, attempts=2), tmp_path)
    calls = [event.data for sample in log.samples for event in sample.events if event.event == "info"]
    assert calls
    assert {(call["code"], call["status"], call["output"].strip()) for call in calls} == {("print(6 * 7)", "ok", "42")}
    for sample in log.samples:
        actions = [row["action"] for row in sample.store["decisions"]]
        assert [score.metadata["actions"] for score in sample.scores.values()] == [[action] for action in actions]
    rates = [score.metrics["deviant_rate"].value for score in log.results.scores]
    assert len(rates) == 2


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("games", {"threshold": 9}, "threshold 9 exceeds n_agents 8"),
        ("games", {"scenarios": "info_sharin"}, "info_sharing"),
        ("games", {"visibility": "all"}, "visibility"),
        ("role_play", {"supervision": "never"}, "supervision"),
        ("tool_usage", {"pool": "/nowhere"}, "/nowhere"),
    ],
)
def test_a_wrong_parameter_is_inspects_one_line(name, given, said) -> None:
    from inspect_ai._util.error import PrerequisiteError

    from atp_ray.inspect_tasks import tasks

    with pytest.raises(PrerequisiteError) as refused:
        getattr(tasks, name)(**given)
    assert said in str(refused.value.message)
    assert "\n" not in str(refused.value.message)


def test_a_named_checkpoint_gets_the_episodes_of_its_sweep(tiny) -> None:
    from atp_ray.inspect_tasks.solver import EPISODE
    from atp_ray.inspect_tasks.tasks import role_play

    task = role_play(scenarios="baker", attempts=2, checkpoint="tiny")
    grid = {
        "name": "any",
        "paradigm": "role_play",
        "scenarios": "baker",
        "sampling": {"attempts": 2},
        "checkpoints": ["tiny"],
    }
    (cell,) = expand(parse_grid(grid, "test"), {"tiny": tiny})
    episodes = [EpisodeSpec.model_validate(sample.metadata[EPISODE]) for sample in task.dataset]
    assert [spec.episode_id for spec in episodes] == [spec.episode_id for spec in cell.episodes]
    assert (task.config.temperature, task.config.max_tokens) == (tiny.sampling.temperature, tiny.sampling.max_tokens)


def test_inspect_finds_the_tasks_by_their_entry_point() -> None:
    from importlib.metadata import entry_points

    points = [point for point in entry_points(group="inspect_ai") if point.name == "atp_ray"]
    if not points:
        pytest.skip("the project was installed before it had this entry point")
    assert points[0].load() is sys.modules["atp_ray.inspect_tasks.tasks"]
