"""Games for tests, played by the analytic policy in plain Python."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import os
import re
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atp_ray.alignment.learning_curve import METRICS_FILE, log_rows, write_metrics
from atp_ray.alignment.pairs import PreferencePair
from atp_ray.alignment.profiles import DpoProfile
from atp_ray.errors import UsageError
from atp_ray.paradigms.games.payoffs import Payoffs
from atp_ray.paradigms.games.quantal import GameResponse, QuantalResponse
from atp_ray.paradigms.games.scenario_files import load_game
from atp_ray.paradigms.games.scenarios import GameNumbers
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.role_play.prompt_sets import RolePlayPrompt
from atp_ray.paradigms.role_play.scenario_files import load_role_play
from atp_ray.paradigms.role_play.scenarios import RolePlayNumbers
from atp_ray.paradigms.tool_usage.problem_pools.pools import deal_problems, load_pools
from atp_ray.paradigms.tool_usage.scenario_files import load_tool_scenario
from atp_ray.paradigms.tool_usage.scenarios import ToolNumbers
from atp_ray.play.actions import Action
from atp_ray.play.cells import CellSpec
from atp_ray.play.decisions import Decisions, SeatDecision, plain_decisions
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import settle_round
from atp_ray.sandbox.isolation import require_isolation


class Late:
    """A module that is imported when a test first uses it: every worker collects every test, few need torch.

    Args:
        name: the module's full name.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        # pytest asks every name in a test file whether it is a test.
        if attribute.startswith("__") and attribute != "__file__":
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self._name), attribute)


def measured_slowness() -> float:
    """Return how many times longer a fixed piece of work takes here and now than on an idle machine; at least 1."""
    start = time.perf_counter()
    sum(hashlib.sha256(number.to_bytes(4, "big")).digest()[0] for number in range(100_000))
    return max(1.0, (time.perf_counter() - start) / 0.08)


torch, transformers, peft = Late("torch"), Late("transformers"), Late("peft")
dpo = Late("atp_ray.alignment.dpo")

# How long a test waits for what takes seconds to minutes on an idle machine: only what hangs takes longer.
PATIENCE_S = 600 * measured_slowness()


def wait_until(condition: Callable[[], object], what: str, pause_s: float = 0.05) -> None:
    """Wait for something to happen, and fail with `what` where it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(pause_s)


async def happens(condition: Callable[[], object], what: str) -> None:
    """Wait as `wait_until` does, while the event loop goes on."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        await asyncio.sleep(0.001)


@contextmanager
def full_disk_at(n_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond `n_bytes`: a write there stops in the middle, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def can_isolate() -> bool:
    """Return whether this host can run the sandbox; a few containers forbid user namespaces."""
    try:
        require_isolation("bubblewrap")
    except UsageError:
        return False
    return True


# What a process needs to know of the fourth paradigm.
TOY = {
    "ATP_RAY_PARADIGMS": "toy=toy_paradigm",
    "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
}
UPSTREAM = Path(__file__).resolve().parents[2] / "shared" / "upstream_data" / "ma_llm"
needs_isolation = pytest.mark.skipif(not can_isolate(), reason="this host cannot run bubblewrap")
needs_upstream = pytest.mark.skipif(not UPSTREAM.is_dir(), reason="the reference's data files are not here")


def make_spec(
    n: int = 8,
    threshold: int = 4,
    rounds: int = 3,
    scenario: str = "info_sharing",
    checkpoint: str = "policy:quantal",
    seats: Sequence[SeatGroup] | None = None,
    rewards: tuple[float, float, float] = (1.2, 1.0, 0.8),
    **fields: Any,
) -> EpisodeSpec:
    """Build an episode; every argument has a default."""
    payoffs = Payoffs(high=rewards[0], medium=rewards[1], low=rewards[2])
    return EpisodeSpec(
        scenario=load_game(scenario),
        parameters=GameNumbers(n_agents=n, threshold=threshold, payoffs=payoffs),
        seats=tuple(seats) if seats else (SeatGroup(checkpoint=checkpoint, count=n),),
        rounds=rounds,
        **fields,
    )


def make_cell(
    *episodes: EpisodeSpec, cell_id: str = "cell", checkpoint: str = "policy:quantal", kind: Any = "policy"
) -> CellSpec:
    """Build a cell around episodes that share their numbers."""
    game = episodes[0].parameters
    return CellSpec(
        cell_id=cell_id,
        grid="test",
        checkpoint=checkpoint,
        checkpoint_kind=kind,
        n_agents=game.n_agents,
        setting=paradigm(episodes[0].paradigm).design.setting(game),
        episodes=episodes,
    )


def record_round(spec: EpisodeSpec, settled: Sequence[RoundRecord], actions: Sequence[int]) -> RoundRecord:
    """Settle one round in which the seats acted as given."""
    deviant, aligned = (f'{{"choice": "{option}"}}' for option in spec.scenario.options[:2])
    said = {int(Action.DEVIANT): deviant, int(Action.ALIGNED): aligned}
    replies = tuple(said.get(int(action)) for action in actions)
    actions_A = np.array(actions, dtype=np.int8)
    return settle_round(spec, settled, plain_decisions(actions_A, replies))


def rows_of(decisions: Decisions) -> list[SeatDecision]:
    """Return columns as one decision a seat; failures are given to the seats without a decision, in their order."""
    failures = iter(decisions.failures)
    columns = (decisions.attempts_A, decisions.prompt_tokens_A, decisions.completion_tokens_A, decisions.latency_A)
    rows = []
    for index, action in enumerate(map(Action, decisions.action_A.tolist())):
        failure = next(failures, None) if not action.is_decision else None
        solutions = decisions.solutions_A[index] if decisions.solutions_A else ()
        spent = (column[index].item() for column in columns)
        rows.append(SeatDecision(action, decisions.reply_A[index], *spent, failure, solutions))
    return rows


def prompt_lines(prompts: Sequence[RolePlayPrompt]) -> str:
    """Return prompts as JSON lines (environment, system, question, options, incomes), for other tools and for diff."""
    lines = []
    for prompt in prompts:
        parameters = RolePlayNumbers(low=prompt.low, high=prompt.high)
        entry = {
            "scenario": prompt.scenario.name,
            "system": prompt.scenario.system(parameters),
            "question": prompt.scenario.question(parameters, 1),
            "required": prompt.scenario.required,
            "rewarded": prompt.scenario.rewarded,
            "low": prompt.low,
            "high": prompt.high,
        }
        lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
    return "".join(lines)


def scenario_names(paradigm_name: str = "games") -> list[str]:
    """Return the scenarios a paradigm ships."""
    return paradigm(paradigm_name).design.scenario_names()


def play(spec: EpisodeSpec, seed: int = 0, policy: GameResponse | None = None) -> list[RoundRecord]:
    """Play an episode with the probabilities of the analytic policy, or of another response, without Ray."""
    rng, policy = np.random.default_rng(seed), policy or QuantalResponse()
    settled: list[RoundRecord] = []
    n = spec.parameters.n_agents
    for _ in range(spec.rounds):
        if settled:
            deviant_A = settled[-1].decisions.action_A == Action.DEVIANT
            others_A = (deviant_A.sum() - deviant_A).astype(float)
            chance_A = policy.collude_probability(spec.parameters, others_A, np.full(n, n - 1.0), settled[-1].success)
        else:
            chance_A = policy.collude_probability(spec.parameters)
        settled.append(record_round(spec, settled, (rng.random(n) < chance_A).astype(int).tolist()))
    return settled


def role_play_spec(
    supervision: str = "all_unsupervised", rounds: int = 6, checkpoint: str = "policy:quantal", **fields: Any
) -> EpisodeSpec:
    """Build a role-play episode of the delivery worker: $2 for keeping the rule, $2.50 for breaking it."""
    return EpisodeSpec(
        scenario=load_role_play("delivery_worker"),
        parameters=RolePlayNumbers(low=2, high=2.5, supervision=supervision, rounds=rounds),
        seats=(SeatGroup(checkpoint=checkpoint, count=1),),
        rounds=rounds,
        **fields,
    )


def play_role_play(spec: EpisodeSpec, actions: Sequence[Action]) -> list[RoundRecord]:
    """Settle the rounds in which the agent acted as given."""
    settled: list[RoundRecord] = []
    for action in actions:
        settled.append(record_round(spec, settled, [action]))
    return settled


def tool_spec(rounds: int = 2, checkpoint: str = "tiny", seed: int = 0, **fields: Any) -> EpisodeSpec:
    """Build a tool-usage episode: one agent with a simple and a complex problem in each round."""
    problems = deal_problems(load_pools("embedded"), 1, rounds, 1, seed)[0]
    return EpisodeSpec(
        scenario=load_tool_scenario("maths"),
        parameters=ToolNumbers(problems=problems, **fields),
        seats=(SeatGroup(checkpoint=checkpoint, count=1),),
        rounds=rounds,
        seed=seed,
    )


def train_alone(profile: DpoProfile, source: str, pairs: Sequence[PreferencePair], folder: Path) -> None:
    """Train in this process, without Ray: the weights and the learning curve that any run of the profile comes to."""
    trainer = dpo.dpo_trainer(profile, source, pairs, folder / "trainer")
    trainer.train()
    trainer.save_model(folder)
    write_metrics(log_rows(trainer.state.log_history), folder / METRICS_FILE)


def save_random_adapter(base: Path, folder: Path, seed: int, rank: int = 8) -> None:
    """Save a LoRA adapter for `base` whose weights are random, and large enough to change every reply."""
    torch.manual_seed(seed)
    config = peft.LoraConfig(
        r=rank, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False
    )
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    peft.get_peft_model(model, config).save_pretrained(folder)


def drawn_text(svg: Path) -> str:
    """Return the words of an SVG figure, however its lines are broken."""
    return " ".join(re.sub(r"<[^>]+>", " ", svg.read_text()).split())
