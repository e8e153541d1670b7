"""`inspect eval` against the project's own OpenAI-compatible front: tiny decides as it does for our agents."""

import asyncio

import ray
from inspect_runs import needs_inspect

from actors.model_clients import ServeClient
from actors.players import ModelPlayer
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.rounds import observe_round, settle_round

pytestmark = needs_inspect


def played_by_handle(deployment, specs):
    """The replies of each episode by round and seat, as our agents get them: by a handle of the engine."""

    @ray.remote(num_cpus=0)
    def run(deployment, specs):
        async def replies(player, spec):
            seats = tuple(range(spec.parameters.n_agents))
            memory, settled = EpisodeMemory(spec, seats), []
            for _ in range(spec.rounds):
                decisions = await player.decide(memory, seats, spec.seats[0].sampling)
                settled.append(settle_round(spec, settled, decisions))
                memory.observe([observe_round(spec, settled[-1], seats)])
            return [reply for record in settled for reply in record.decisions.reply_A]

        async def every():
            player = ModelPlayer(ServeClient(deployment), alternate_roles=False)
            return await asyncio.gather(*(replies(player, spec) for spec in specs))

        return asyncio.run(every())

    return ray.get(run.remote(deployment, specs))


def test_tiny_over_our_front_decides_as_for_our_agents(tiny_service, tiny_engine, tmp_path) -> None:
    from inspect_ai import eval as evaluate
    from inspect_ai.model import get_model

    from atp_ray.inspect_tasks.tasks import games, role_play

    model = get_model("openai-api/atp/tiny", base_url=tiny_service.openai_url, api_key="none")
    tasks = [
        games(threshold=4, scenarios="info_sharing,hunting_game", rounds=2, checkpoint="tiny"),
        role_play(scenarios="baker", rounds=3, checkpoint="tiny"),
    ]
    logs = evaluate(tasks, model=model, display="none", log_dir=str(tmp_path))
    for log in logs:
        assert log.status == "success", log.error
        specs = [EpisodeSpec.model_validate(sample.metadata["episode"]) for sample in log.samples]
        replies = [[row["reply"] for row in sample.store["decisions"]] for sample in log.samples]
        assert replies == played_by_handle(tiny_engine, specs)
        assert len({reply for of in replies for reply in of}) > 3
        for sample in log.samples:
            told = sum(row["prompt_tokens"] for row in sample.store["decisions"])
            used = sample.model_usage["openai-api/atp/tiny"]
            assert told == used.input_tokens + (used.input_tokens_cache_read or 0) > 100
