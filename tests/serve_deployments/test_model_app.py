"""The model deployment: options without an engine, then a real vLLM engine behind Ray Serve."""

import asyncio
from pathlib import Path

import pytest
import ray
from ray import serve
from support import PATIENCE_S, make_cell, make_spec, scenario_names, wait_until

from actors.agent import PlayerSpec
from actors.coordinator import Coordinator
from actors.failure_policy import FailurePolicy
from actors.model_clients import ServeClient
from actors.population import create_population
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.errors import EngineError, UsageError
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.model_calls import ReplyRequest
from atp_ray.play.parsing import parse_choice
from atp_ray.play.prompts import build_messages
from atp_ray.play.sampling import Sampling
from atp_ray.storage.tables import read_table
from serve_deployments.engine_groups import EngineGroup
from serve_deployments.engine_options import deployment_options, engine_environment, llm_options
from serve_deployments.engine_plans import runs_on_gpu
from serve_deployments.lease import Lease
from serve_deployments.model_app import Models, await_models, deploy_models


def requests(sampling=None, seeds=range(8)) -> list[ReplyRequest]:
    sampling = sampling or Sampling(max_tokens=96, attempts=1)
    made = []
    for index, seed in enumerate(seeds):
        spec = make_spec(scenario=scenario_names()[index % 7], checkpoint="tiny")
        messages = tuple(build_messages(EpisodeMemory(spec, (0,)).seat_view(0)))
        made.append(ReplyRequest(messages, sampling, seed, spec.scenario.options))
    return made


def ask(deployment, wanted):
    async def gather():
        client = ServeClient(deployment)
        return await asyncio.gather(*(client.reply(request) for request in wanted))

    return asyncio.run(gather())


def test_a_gpu_profile_becomes_gpu_options() -> None:
    profile = resolve_checkpoint("qwen3-8b")
    profile = profile.model_copy(update={"engine": profile.engine.model_copy(update={"tensor_parallel_size": 4})})
    assert runs_on_gpu(profile, gpus=8)
    options = llm_options(EngineGroup(profile.name, profile, (profile,)), on_gpu=True)
    assert options["engine_kwargs"]["tensor_parallel_size"] == 4
    assert deployment_options(profile, on_gpu=True, replicas=3, most=8)["autoscaling_config"] == {
        "min_replicas": 3,
        "initial_replicas": 3,
        "max_replicas": 8,
        "target_ongoing_requests": 128,
    }
    assert "accelerator_config" not in options
    with pytest.raises(UsageError, match=r"needs 4 GPU\(s\) per replica but the cluster has 2"):
        runs_on_gpu(profile, gpus=2)


def test_seeded_requests_do_without_chunked_prefill_on_a_cpu(tiny) -> None:
    options = llm_options(EngineGroup("tiny", tiny, (tiny,)), on_gpu=False)["engine_kwargs"]
    assert options["enable_chunked_prefill"] is False
    assert options["max_num_batched_tokens"] >= options["max_model_len"]


def test_replies_parse_and_depend_on_their_seed_alone(tiny_engine) -> None:
    many = requests(seeds=range(64))
    together = ask(tiny_engine, many)
    alone = ask(tiny_engine, many[:3])
    assert [reply.error for reply in together] == [None] * 64
    assert [reply.text for reply in together[:3]] == [reply.text for reply in alone]
    assert len({reply.text for reply in together}) > 7
    parsed = [parse_choice(reply.text, request.options).choice for reply, request in zip(together, many, strict=True)]
    assert sum(choice is not None for choice in parsed) >= 63
    assert all(reply.prompt_tokens > 20 and reply.completion_tokens > 3 for reply in together)


def test_a_structured_decision_is_nothing_but_the_decision(tiny_engine) -> None:
    replies = ask(tiny_engine, requests(Sampling(max_tokens=60, structured=True)))
    for reply, request in zip(replies, requests(), strict=True):
        assert reply.text.strip().startswith("{")
        assert parse_choice(reply.text, request.options).choice is not None


def test_a_request_the_engine_refuses_comes_back_as_an_error(tiny_engine) -> None:
    request = requests(seeds=[1])[0]
    long = ReplyRequest(({"role": "user", "content": "share " * 20000},), request.sampling, 1, request.options)
    answers = ask(tiny_engine, [long, request])
    assert "maximum context length" in answers[0].error
    assert answers[1].error is None


def engines() -> list[str]:
    """Every engine on Serve, of whatever application."""
    applications = serve.status().applications.values()
    return [name for app in applications for name in app.deployments if name.startswith("engine:")]


def test_the_same_checkpoints_are_deployed_once(engine, tiny, adapters) -> None:
    assert deploy_models([*adapters, tiny], Lease()).deployments == engine
    assert engines() == ["engine:tiny"]


class NoEngine:
    """Fails as vLLM does, whose engine core has died; notes that it was started."""

    def __init__(self, starts: Path) -> None:
        with starts.open("a") as note:
            note.write("started\n")
        try:
            raise ValueError("header too small\nin model.safetensors")
        except ValueError as error:
            raise RuntimeError("Engine core initialization failed.\nSee root cause above.\nError: proc 1") from error


def test_an_engine_that_does_not_start_is_one_line_and_not_started_again(engine, tiny, tmp_path) -> None:
    again = {"max_constructor_retry_count": deployment_options(tiny, on_gpu=False)["max_constructor_retry_count"]}
    broken = serve.deployment(name="engine:broken", ray_actor_options={"num_cpus": 0}, **again)(NoEngine)
    target = serve.RunTarget(broken.bind(tmp_path / "starts"), name="model-broken", route_prefix=None)
    serve.run_many([target], wait_for_ingress_deployment_creation=False, wait_for_applications_running=False)
    with pytest.raises(EngineError, match="the engine of checkpoint 'broken' did not start") as refused:
        await_models(Models({}, {"model-broken": "broken"}, {}))
    assert "\n" not in str(refused.value)
    assert "Error: proc 1" in str(refused.value)
    assert (tmp_path / "starts").read_text() == "started\n"
    wait_until(lambda: engines() == ["engine:tiny"], "what did not start to be removed")


def test_a_population_of_64_plays_tiny_and_reruns_alike_though_the_way_to_the_model_is_killed(
    tiny_engine, tiny, tmp_path
) -> None:
    spec = make_spec(
        n=64, threshold=32, rounds=2, visibility="counts",
        seats=[{"checkpoint": "tiny", "count": 64, "sampling": tiny.sampling}],
    )  # fmt: skip
    cell = make_cell(spec, checkpoint="tiny", kind="embedded")
    population, actors = create_population(64, [PlayerSpec(tiny, tiny_engine)], agents_per_actor=32)

    async def play(name: str) -> None:
        coordinator = Coordinator(tmp_path / name, population, FailurePolicy(), coalesce=64)
        playing = asyncio.create_task(coordinator.play(cell))
        if name == "two":
            async with asyncio.timeout(PATIENCE_S):
                while not (await coordinator.progress()).rounds:
                    await asyncio.sleep(0.01)
            # Round 1 is settled: the requests of round 2 are on their way, or will be in a moment.
            ray.kill(actors[-1], no_restart=False)  # the gateway
        await playing

    for name in ("one", "two"):
        asyncio.run(play(name))
    for actor in actors:
        ray.kill(actor)
    one, two = (read_table(tmp_path / name, "decisions") for name in ("one", "two"))
    assert one["reply"].to_pylist() == two["reply"].to_pylist()
    actions = one["action"].to_pylist()
    assert sum(action in ("deviant", "aligned") for action in actions) >= 0.99 * 128


def test_a_cpu_engine_shares_short_prefixes_and_a_gpu_engine_is_vllms_choice(tiny) -> None:
    group = EngineGroup("tiny", tiny, (tiny,))
    assert llm_options(group, on_gpu=False)["engine_kwargs"]["block_size"] == 32
    assert int(
        deployment_options(tiny, on_gpu=False)["ray_actor_options"]["runtime_env"]["env_vars"]["OMP_NUM_THREADS"]
    )
    assert "block_size" not in llm_options(group, on_gpu=True)["engine_kwargs"]
    environment = deployment_options(tiny, on_gpu=True)["ray_actor_options"]["runtime_env"]
    assert "OMP_NUM_THREADS" not in environment["env_vars"]
    assert "worker_process_setup_hook" not in environment


@pytest.mark.parametrize("on_gpu", [False, True])
@pytest.mark.parametrize("eager", [False, True])
def test_an_eager_cpu_engine_compiles_nothing(eager, on_gpu, tiny) -> None:
    profile = tiny.model_copy(update={"engine": tiny.engine.model_copy(update={"enforce_eager": eager})})
    assert ("TORCH_COMPILE_DISABLE" in engine_environment(profile, on_gpu)) is (eager and not on_gpu)


@pytest.mark.xdist_group("engine")  # where Serve's LLM library is imported already: 5 s of a core
@pytest.mark.parametrize("on_gpu", [False, True])
@pytest.mark.parametrize(("workers", "kind"), [(1, None), (4, "H100")])
def test_a_replica_occupies_what_ray_serve_llm_would_book(local_ray, on_gpu, workers, kind) -> None:
    from ray.serve.llm import LLMConfig
    from ray.serve.llm.deployment import LLMServer

    profile = resolve_checkpoint("qwen3-8b")
    profile = profile.model_copy(
        update={
            "engine": profile.engine.model_copy(update={"tensor_parallel_size": workers}),
            "deployment": profile.deployment.model_copy(update={"accelerator_type": kind}),
        }
    )
    config = LLMConfig(**llm_options(EngineGroup(profile.name, profile, (profile,)), on_gpu))
    booked = LLMServer.get_deployment_options(config)["placement_group_bundles"]
    ours = deployment_options(profile, on_gpu)["placement_group_bundles"]
    assert [{name: n for name, n in bundle.items() if n} for bundle in booked] == ours
