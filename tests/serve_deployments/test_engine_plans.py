"""All engines of a run are planned together, before one is started."""

import json
import re

import pytest
from model_configs import LLAMA_70B, QWEN3_8B, config, save_config

from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.checkpoint.profiles import DeploymentProfile, EngineProfile, ModelProfile
from atp_ray.errors import ConflictError, UsageError
from atp_ray.play.workload import Demand
from serve_deployments.cluster_gpus import ClusterGpus, declared_gpus, imagined_gpus
from serve_deployments.engine_groups import engine_count, engine_groups
from serve_deployments.engine_options import deployment_options
from serve_deployments.engine_plans import Planning, plan_engines, planning_of, runs_on_gpu
from serve_deployments.plan_lines import plan_lines

CONFIGS = {"qwen": config(QWEN3_8B), "llama": config(LLAMA_70B)}
# Appendix B with 5 seeds: 700 games of 8 agents and 3 rounds; prompts of 300 tokens, replies of 4096 at most.
APPENDIX_B = Demand(requests=5600, decisions=16_800, prompt_tokens=16_800 * 300, reply_tokens=4096)


def model(name: str, accelerator: str = "gpu", **settings) -> ModelProfile:
    deployment = {key: settings.pop(key) for key in tuple(settings) if key in DeploymentProfile.model_fields}
    engine = EngineProfile(**{"dtype": "bfloat16", "max_model_len": 16_384} | settings)
    return ModelProfile(
        name=name,
        source=f"org/{name}",
        engine=engine,
        deployment=DeploymentProfile(accelerator=accelerator, **deployment),
    )


def plans(profiles, gpus, kind="H100", demand=APPENDIX_B):
    cluster = gpus if isinstance(gpus, ClusterGpus) else imagined_gpus(declared_gpus(gpus, kind))
    planning = Planning({profile.name: demand for profile in profiles} if demand else {})
    return plan_engines(engine_groups(profiles), cluster, lambda base: CONFIGS.get(base.name.split("-")[0]), planning)


@pytest.mark.parametrize(
    ("name", "tensor", "kind", "gpus", "replicas", "cache_gib", "in_flight"),
    [
        ("qwen", 1, "A10G", "1", 1, 3.0, 4),
        ("qwen", 1, "A10G", "2", 2, 3.0, 4),
        ("qwen", 1, "A10G", "8", 8, 3.0, 4),
        ("qwen", 1, "A100-80G", "1", 1, 54.8, 90),
        ("qwen", 1, "A100-80G", "2", 2, 54.8, 90),
        ("qwen", 1, "A100-80G", "8", 8, 54.8, 90),
        ("qwen", 1, "H100", "8", 8, 54.4, 90),
        ("llama", 8, "A100-80G", "8", 1, 53.9, 256),
        ("llama", 4, "A100-80G", "8", 2, 37.3, 111),
        ("llama", 8, "H100", "2x8", 2, 53.6, 256),
    ],
)
def test_the_table_of_the_documentation(name, tensor, kind, gpus, replicas, cache_gib, in_flight) -> None:
    (plan,) = plans([model(name, tensor_parallel_size=tensor)], gpus, kind)
    assert (plan.replicas, plan.most, plan.gpus) == (replicas, replicas, tensor)
    assert plan.memory.cache / 2**30 == pytest.approx(cache_gib, abs=0.05)
    assert plan.in_flight == in_flight
    assert plan.hours == pytest.approx(APPENDIX_B.decisions / plan.decisions_s / 3600)


@pytest.mark.parametrize(
    ("name", "settings", "gpus", "kind", "message"),
    [
        ("llama", {}, "8", "A100-80G", "needs 131.4 GiB for weights .* A100-80G has 72.0 GiB .*--tensor-parallel 2"),
        ("llama", {"tensor_parallel_size": 8}, "2x4", "H100", "needs 8 GPU.* on one node, but .* 4 H100, 4 H100"),
        ("llama", {"tensor_parallel_size": 4}, "8", "A10G", "needs 32.9 GiB for weights"),
        ("qwen", {"max_model_len": 40_960}, "8", "A10G", "--max-model-len 21504 or --tensor-parallel 2"),
        (
            "qwen",
            {"min_replicas": 9},
            "8",
            "H100",
            "needs 9 replicas of 1 GPU.* by node: 8 H100",
        ),
        ("qwen", {"accelerator_type": "H200"}, "8", "H100", "needs 1 H200 GPU"),
    ],
)
def test_what_never_fits_is_refused_with_numbers(name, settings, gpus, kind, message) -> None:
    with pytest.raises(UsageError, match=message):
        plans([model(name, **settings)], gpus, kind)


def test_two_checkpoints_are_planned_together() -> None:
    both = [model("qwen-one"), model("qwen-two")]
    assert [plan.replicas for plan in plans(both, "2")] == [1, 1]
    assert [plan.replicas for plan in plans(both, "8")] == [4, 4]
    with pytest.raises(UsageError, match=r"qwen-one needs 1 GPU\(s\) and qwen-two needs 1 GPU\(s\), but .* 1 H100"):
        plans(both, "1")


def test_what_is_in_use_is_named_and_growth_is_counted() -> None:
    (node,) = declared_gpus("2", "H100")
    busy = ClusterGpus((node,), (node._replace(gpus=0),), (node,), (("model-other-1234", 2),))
    with pytest.raises(ConflictError, match=r"0 of 2 GPUs are free \(in use: model-other-1234 2\)"):
        plans([model("qwen")], busy)
    growing = busy._replace(largest=(node, node))
    (plan,) = plans([model("qwen")], growing)
    assert (plan.replicas, plan.most) == (1, 4)
    half = busy._replace(free=(node._replace(gpus=1),))
    assert plans([model("qwen")], half)[0][3:5] == (1, 1)  # the other GPU is somebody else's


def test_there_are_no_more_replicas_than_the_run_can_fill_or_the_profile_allows() -> None:
    small = Demand(requests=8, decisions=16, prompt_tokens=4800, reply_tokens=4096)
    assert plans([model("qwen")], "8", demand=small)[0].replicas == 1
    assert plans([model("qwen")], "8", demand=small._replace(requests=200))[0].replicas == 3  # 90 in each
    assert plans([model("qwen", min_replicas=2)], "8", demand=small)[0].replicas == 2
    assert plans([model("qwen", max_replicas=2)], "8")[0].replicas == 2
    assert plans([model("qwen")], "8", demand=None)[0].replicas == 8


def test_adapters_share_the_engine_and_the_memory_of_their_base(tmp_path) -> None:
    base = model("qwen")
    adapted = []
    for rank in (8, 16):
        folder = tmp_path / f"rank-{rank}"
        folder.mkdir()
        (folder / "adapter_config.json").write_text(json.dumps({"r": rank}))
        adapted.append(base.model_copy(update={"name": f"qwen-{rank}", "adapter": str(folder)}))
    (alone,), (together,) = plans([base], "8"), plans([base, *adapted], "8")
    widths = CONFIGS["qwen"].size().linear_widths
    assert together.memory.reserve - alone.memory.reserve == 2 * 16 * widths * 2


def test_what_is_not_known_is_not_checked_and_said() -> None:
    for kind, name, reason in ((None, "qwen", "the kind of GPU is not known"), ("H100", "other", "its config.json")):
        found = plans([model(name)], "8", kind)
        assert (found[0].memory, found[0].decisions_s, found[0].replicas) == (None, None, 8)
        assert any(f"memory was not checked: {reason}" in line for line in plan_lines(found))


def test_mixed_gpus_are_planned_for_the_smallest_that_a_replica_may_get() -> None:
    mixed = imagined_gpus((*declared_gpus("4", "H100"), *declared_gpus("4", "L4")))
    assert plans([model("qwen")], mixed)[0].gpu.name == "L4"
    assert plans([model("qwen", accelerator_type="H100")], mixed)[0].gpu.name == "H100"
    assert plans([model("qwen", accelerator_type="H100")], mixed)[0].replicas == 4


@pytest.mark.parametrize(("name", "size"), [("qwen", "it has 8.2 B parameters"), ("other", "its size is not known")])
def test_no_model_is_served_on_cpus_unless_it_is_small_or_told_so(name, size) -> None:
    with pytest.raises(UsageError, match=f"{size}: too slow on CPUs.*deployment.accelerator=cpu"):
        runs_on_gpu(model(name, "auto"), 0, CONFIGS.get(name))
    assert not runs_on_gpu(model(name, "cpu"), 8, CONFIGS.get(name))
    assert runs_on_gpu(model(name, "auto"), 1, CONFIGS.get(name))


def test_small_models_may_run_on_cpus(tiny) -> None:
    assert not runs_on_gpu(tiny, 0, None)
    small = config(QWEN3_8B | {"num_hidden_layers": 2, "tie_word_embeddings": True})
    assert small.size().parameters < 1.5e9
    assert not runs_on_gpu(model("small", "auto"), 0, small)
    (plan,) = plan_engines(engine_groups([tiny]), imagined_gpus(()), lambda _: None, Planning())
    assert (plan.on_gpu, plan.replicas, plan.most) == (False, 1, 1)
    assert plan_lines([plan]) == ["Engine tiny: 1 replica on CPUs"]


def test_engines_on_cpus_are_not_more_than_there_are_cpus_for(tiny) -> None:
    # A replica on CPUs books two: its own and its worker's. One on a GPU books its own only.
    two = tiny.model_copy(update={"deployment": DeploymentProfile(min_replicas=2)})
    assert engine_count([two, tiny]) == 3
    none = imagined_gpus(())
    (plan,) = plan_engines(engine_groups([two]), none._replace(cpus=4), lambda _: None, Planning())
    assert (plan.replicas, plan.most) == (2, 2)
    with pytest.raises(UsageError, match="the engines need 4 CPUs but the cluster has 3"):
        plan_engines(engine_groups([two]), none._replace(cpus=3), lambda _: None, Planning())
    gpus = imagined_gpus(declared_gpus("8", "H100"))
    with pytest.raises(UsageError, match="need 8 CPUs but the cluster has 4"):
        plan_engines(engine_groups([model("qwen")]), gpus._replace(cpus=4), lambda _: CONFIGS["qwen"], Planning())


def test_the_gpus_of_a_replica_lie_on_one_node_unless_asked() -> None:
    strategies = [
        deployment_options(model("it", **settings), on_gpu=True)["placement_group_strategy"]
        for settings in ({"tensor_parallel_size": 8}, {"span_nodes": True}, {"pipeline_parallel_size": 2})
    ]
    assert strategies == ["STRICT_PACK", "PACK", "PACK"]


@pytest.mark.parametrize(("text", "nodes"), [("1", [1]), ("8", [8]), ("12", [8, 4]), ("2x8", [8, 8]), (None, [])])
def test_gpus_are_told_as_a_number_or_by_machine(text, nodes) -> None:
    assert [node.gpus for node in declared_gpus(text)] == nodes


@pytest.mark.parametrize("text", ["0", "x8", "many", "-1", "2x0", ""])
def test_no_number_of_gpus_is_refused(text) -> None:
    with pytest.raises(UsageError, match="is no number of GPUs"):
        declared_gpus(text)


def test_an_unknown_kind_of_gpu_is_refused() -> None:
    with pytest.raises(UsageError, match=r"unknown kind of GPU 'H1000'\. Did you mean 'H100'"):
        planning_of("8", "H1000", {})


def test_a_plan_reads_as_it_is_computed() -> None:
    (plan,) = plans([model("qwen")], "8")
    lines = plan_lines([plan])
    assert lines[0] == "Engine qwen: 8 replicas of 1 x H100 = 8 GPUs"
    assert "15.3 weights + 2.0 reserve + 54.4 KV cache = 71.7 usable" in lines[1]
    assert "24 requests of 16,384 tokens, 90 of this run's average" in lines[2]
    hours, spent = re.search(r": ([\d.]+) h, ([\d.]+) GPU-hours \(estimate\)", lines[3]).groups()
    assert float(spent) == pytest.approx(8 * float(hours), rel=0.1)


def test_a_profile_in_a_folder_of_the_user_s_own_is_planned_by_its_config(tmp_path) -> None:
    mine = resolve_checkpoint("tiny").model_copy(
        update={"name": "mine", "source": save_config(tmp_path / "mine", QWEN3_8B), "embedded": False}
    )
    from atp_ray.checkpoint.hub import model_config

    assert model_config(mine).size().parameters == 8_190_427_136
