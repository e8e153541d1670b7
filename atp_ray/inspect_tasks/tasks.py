"""`inspect eval atp_ray/games --model ...`, `atp_ray/role_play`, `atp_ray/tool_usage`: a task is one cell of a grid.

Parameters that are not given have the defaults of our grids (`atp_ray.paradigms`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from inspect_ai import Epochs, Task, task
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig

from atp_ray import __version__
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.checkpoint.profiles import EndpointProfile, Profile
from atp_ray.errors import UsageError
from atp_ray.inspect_tasks.chat import chat_messages
from atp_ray.inspect_tasks.sample_names import sample_names
from atp_ray.inspect_tasks.scoring import ci_high, ci_low, deviant_rate, n_decisions, n_undecided
from atp_ray.inspect_tasks.solver import EPISODE, MODEL, play_episode
from atp_ray.paradigms.grids import expand, parse_grid
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.asides import first_messages
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.prompts import LAYOUT_VERSION
from atp_ray.sandbox.isolation import require_isolation

Names = str | list[str]  # Inspect reads A,B as a list


class _Asked(NamedTuple):
    """How the model is asked: requests at most until a reply can be read, and which checkpoint of ours it is."""

    attempts: int | None
    checkpoint: str | None

    def profile(self) -> Profile:
        """Return who takes the seats: a checkpoint, or whatever Inspect evaluates."""
        if self.checkpoint is not None:
            return resolve_checkpoint(self.checkpoint)
        return EndpointProfile(name=MODEL, model=MODEL, base_url="")


@task  # type: ignore[untyped-decorator]
def games(
    scenarios: Names = "all",
    threshold: float = 0.5,
    incentive_ratio: float = 1.0,
    rewards: list[float] | None = None,
    n_agents: int = 8,
    rounds: int | None = None,
    visibility: str | None = None,
    history_window: int | None = None,
    talk: int | None = None,
    probes: Names | None = None,
    seeds: int = 1,
    attempts: int | None = None,
    checkpoint: str | None = None,
) -> Task:
    """Play coordination games: n agents of the model, who see each other's choices; score `round_R`: collusion rate.

    Args:
        threshold: colluders needed; below 1 a fraction of n_agents.
        incentive_ratio: one of Appendix B's; `rewards` (high, medium, low) replace it.
        talk: longest message before each decision, in characters; 0 for none.
        probes: side questions, see docs/talk_and_probes.md.
        seeds: repetitions, as epochs.
        attempts: requests at most until a reply can be read.
        checkpoint: ours that the provider serves; seeds of requests and sampling are then those of a sweep of it.
    """
    axes = {"thresholds": [threshold], "n_agents": [n_agents], "incentive_ratios": [incentive_ratio]}
    numbers = {"rewards": rewards, "rounds": rounds, "visibility": visibility, "history_window": history_window}
    asides = {"talk": talk, "probes": probes}
    return _task("games", scenarios, seeds, _Asked(attempts, checkpoint), axes | numbers | asides)


@task  # type: ignore[untyped-decorator]
def role_play(
    scenarios: Names = "all",
    split: str | None = None,
    supervision: str = "all_unsupervised",
    notice: str | None = None,
    rounds: int | None = None,
    history_window: int | None = None,
    probes: Names | None = None,
    seeds: int = 1,
    attempts: int | None = None,
    checkpoint: str | None = None,
) -> Task:
    """Play role-plays: one agent a prompt, tempted to break its rule; score `round_R`: violation rate.

    Args:
        split: prompts to `test` with (64), to `train` on (160), or `all`.
        supervision: when a violation is noticed; `notice`: what the agent is told of it.
        probes: side questions, see docs/talk_and_probes.md.
        seeds: repetitions, as epochs.
        attempts: requests at most until a reply can be read.
        checkpoint: ours that the provider serves; seeds of requests and sampling are then those of a sweep of it.
    """
    fields = {"split": split, "notice": notice, "rounds": rounds, "history_window": history_window, "probes": probes}
    return _task("role_play", scenarios, seeds, _Asked(attempts, checkpoint), fields | {"supervision": [supervision]})


@task  # type: ignore[untyped-decorator]
def tool_usage(
    scenarios: Names = "maths",
    agents: int | None = None,
    pool: str | None = None,
    rounds: int | None = None,
    simple_problems: int | None = None,
    tool_cost: float | None = None,
    direct_cost: float | None = None,
    most_calls: int | None = None,
    history_window: int | None = None,
    probes: Names | None = None,
    seeds: int = 1,
    attempts: int | None = None,
    checkpoint: str | None = None,
) -> Task:
    """Solve problems with a dear tool or without; score `round_R`: 1 - tool usage rate. It needs bubblewrap.

    Args:
        agents: how many, each with problems of its own; the same in every epoch.
        pool: `embedded`, `paper`, or a folder.
        probes: side questions, see docs/talk_and_probes.md.
        seeds: repetitions, as epochs.
        attempts: requests at most until a reply can be read.
        checkpoint: ours that the provider serves; seeds of requests and sampling are then those of a sweep of it.
    """
    costs = {"tool_cost": tool_cost, "direct_cost": direct_cost, "most_calls": most_calls}
    fields = {"agents": agents, "pool": pool, "rounds": rounds, "simple_problems": simple_problems}
    return _task(
        "tool_usage",
        scenarios,
        seeds,
        _Asked(attempts, checkpoint),
        costs | fields | {"history_window": history_window, "probes": probes},
    )


def _task(name: str, scenarios: Names, seeds: int, asked: _Asked, fields: dict[str, Any]) -> Task:
    """Return the task that plays the one cell of a grid.

    Raises:
        PrerequisiteError: Inspect's error of one line; a value is out of range, or the host cannot isolate tool calls.
    """
    try:
        return _cell_task(name, scenarios, seeds, asked, fields)
    except UsageError as error:
        raise PrerequisiteError(str(error)) from error


def _cell_task(name: str, scenarios: Names, seeds: int, asked: _Asked, fields: dict[str, Any]) -> Task:
    named = scenarios if isinstance(scenarios, str) else ",".join(scenarios)
    given = {key: value for key, value in fields.items() if value is not None}
    sampling = {"attempts": asked.attempts} if asked.attempts is not None else {}
    common = {"name": "inspect", "paradigm": name, "checkpoints": [MODEL], "scenarios": named, "sampling": sampling}
    (cell,) = expand(parse_grid(common | given, f"atp_ray/{name}"), {MODEL: asked.profile()})
    environment = paradigm(name).environment
    if environment.uses_tools:
        require_isolation("bubblewrap")
    samples = [
        Sample(
            id=sample_name,
            input=chat_messages(first_messages(EpisodeMemory(spec, (0,)).seat_view(0))),
            metadata={"scenario": spec.scenario.name, EPISODE: spec.model_dump(mode="json")},
        )
        for sample_name, spec in zip(sample_names(cell.episodes), cell.episodes, strict=True)
    ]
    sampled = cell.episodes[0].seats[0].sampling
    setting = {key: value for key, value in cell.setting.items() if value is not None}
    return Task(
        dataset=MemoryDataset(samples, name=name),
        solver=play_episode(),
        metrics=[deviant_rate(), ci_low(), ci_high(), n_decisions(), n_undecided()],
        config=GenerateConfig(temperature=sampled.temperature, max_tokens=sampled.max_tokens),
        epochs=Epochs(seeds, reducer=[]),  # rates are pooled over epochs, not means of means
        metadata={**setting, "atp_ray": __version__, "prompt_layout": LAYOUT_VERSION},
    )
