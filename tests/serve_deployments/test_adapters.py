"""Adapters beside their base in one engine: how they are grouped, and that what is served is what was trained."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
import ray
from ray import serve
from support import Late, save_random_adapter

from actors.model_clients import ServeClient
from atp_ray.alignment.training_prompts import training_prompts
from atp_ray.checkpoint.names import model_profile, resolve_checkpoint
from atp_ray.checkpoint.profiles import ModelProfile
from atp_ray.errors import UsageError
from atp_ray.play.model_calls import ReplyRequest
from atp_ray.play.sampling import Sampling
from serve_deployments.engine_groups import engine_groups
from serve_deployments.engine_options import llm_options

torch, transformers, peft = Late("torch"), Late("transformers"), Late("peft")

needs_torch = pytest.mark.xdist_group("torch")  # to save an adapter
GREEDY = Sampling(temperature=0, max_tokens=48, attempts=1)


def prompts(count: int = 14) -> list[ReplyRequest]:
    return [
        ReplyRequest(prompt.messages, GREEDY, 1, prompt.options) for prompt in training_prompts("games", count)
    ]  # fmt: skip


@needs_torch
def test_a_base_and_its_adapters_share_an_engine_and_other_bases_do_not(tiny, adapters) -> None:
    other = ModelProfile(name="other", source="org/other")
    groups = engine_groups([adapters[0], other, tiny, adapters[1]])
    assert [group.model_id for group in groups] == ["tiny", "other"]
    assert [profile.name for profile in groups[0].members] == ["tiny", *(profile.name for profile in adapters)]
    assert groups[0].adapter_name(adapters[0]) == f"tiny:{adapters[0].name}"
    assert groups[0].adapter_name(tiny) is None
    kwargs = llm_options(groups[0], on_gpu=True)["engine_kwargs"]
    assert [module["path"] for module in kwargs["lora_modules"]] == [profile.adapter for profile in adapters]
    assert (kwargs["enable_lora"], kwargs["max_loras"], kwargs["max_lora_rank"]) == (True, 2, 8)
    # Without adapters the engine does without LoRA, which costs speed.
    assert "enable_lora" not in llm_options(groups[1], on_gpu=True)["engine_kwargs"]


@needs_torch
def test_a_hub_base_and_a_local_adapter_share_an_engine_of_the_hubs_own_revision(adapters) -> None:
    base = resolve_checkpoint("qwen3-8b")
    trained = base.model_copy(update={"name": "mine", "adapter": adapters[0].adapter, "revision": "digest"})
    (group,) = engine_groups([base, trained])
    assert group.members == (base, trained)
    assert "revision" not in llm_options(group, on_gpu=True)["engine_kwargs"]
    pinned = base.model_copy(update={"hub_revision": "main"})
    (group,) = engine_groups([pinned])
    assert llm_options(group, on_gpu=True)["engine_kwargs"]["revision"] == "main"


def test_the_same_weights_under_two_names_share_an_engine_and_both_are_served(tiny) -> None:
    hot = tiny.model_copy(update={"name": "tiny-hot"})
    (group,) = engine_groups([tiny, hot])
    assert {profile.name for profile in group.members} == {"tiny", "tiny-hot"}
    assert not group.adapters


@needs_torch
def test_adapters_without_their_base_imply_it(adapters) -> None:
    (group,) = engine_groups(adapters)
    assert group.members == tuple(adapters)
    assert group.model_id == adapters[0].source.strip("/")
    assert group.base.adapter is None
    assert llm_options(group, on_gpu=True)["model_loading_config"]["model_source"] == adapters[0].source


@needs_torch
def test_the_rank_is_what_vllm_allows(tiny, tmp_path) -> None:
    save_random_adapter(tiny.source, tmp_path / "twelve", 1, rank=12)
    (group,) = engine_groups([model_profile(str(tmp_path / "twelve"))])
    assert llm_options(group, on_gpu=True)["engine_kwargs"]["max_lora_rank"] == 16


@needs_torch
def test_an_adapter_folder_is_a_checkpoint_on_the_base_it_names_and_labelled_as_it(adapters, tiny) -> None:
    assert (adapters[0].source, adapters[0].sampling, adapters[0].engine) == (tiny.source, tiny.sampling, tiny.engine)
    assert adapters[0].embedded
    assert adapters[0].revision not in ("", tiny.revision, adapters[1].revision)


@needs_torch
@pytest.mark.parametrize("field", ["hidden_size", "num_hidden_layers"])
def test_an_adapter_for_another_base_is_refused(field, tiny, tmp_path) -> None:
    save_random_adapter(tiny.source, tmp_path / "mine", 1)
    (tmp_path / "base").mkdir()
    config = json.loads((Path(tiny.source) / "config.json").read_text())
    config.pop("layer_types")  # one for each of as many layers as there are
    (tmp_path / "base" / "config.json").write_text(json.dumps(config | {field: 2}))
    (tmp_path / "base" / "model.safetensors").touch()
    adapter = tmp_path / "mine" / "adapter_config.json"
    adapter.write_text(
        json.dumps(json.loads(adapter.read_text()) | {"base_model_name_or_path": str(tmp_path / "base")})
    )
    with pytest.raises(UsageError, match="the adapter is for another base") as caught:
        resolve_checkpoint(str(tmp_path / "mine"))
    assert "\n" not in str(caught.value)


def test_one_engine_answers_for_each_checkpoint_with_its_own_weights(engine, tiny, adapters) -> None:
    assert {replace(deployment, adapter=None) for deployment in engine.values()} == {engine["tiny"]}

    @ray.remote(num_cpus=0)
    def ask(deployments, wanted):
        async def gather():
            clients = [ServeClient(deployment) for deployment in deployments]
            asked = (client.reply(request) for request in wanted for client in clients)  # mixed in one batch
            return [reply.text for reply in await asyncio.gather(*asked)]

        return asyncio.run(gather())

    names = [tiny.name, *(adapter.name for adapter in adapters)]
    texts = ray.get(ask.remote([engine[name] for name in names], prompts()))
    by_checkpoint = [texts[i::3] for i in range(3)]
    assert by_checkpoint[0] != by_checkpoint[1] != by_checkpoint[2] != by_checkpoint[0]
    for name, replies in zip(names, by_checkpoint, strict=True):
        assert ray.get(ask.remote([engine[name]], prompts())) == replies


def served_scores(deployment, messages) -> list[float]:
    """Return vLLM's log-probability of every prompt token but the first."""
    from ray.serve.llm.openai_api_models import ChatCompletionRequest

    async def ask() -> list[float]:
        handle = serve.get_deployment_handle(deployment.deployment_name, deployment.app_name).options(stream=True)
        request = ChatCompletionRequest(
            model=deployment.adapter or "tiny", messages=list(messages), max_tokens=1, prompt_logprobs=0
        )
        async for response in handle.chat.remote(request):
            return [next(iter(token.values())).logprob for token in response.prompt_logprobs[1:]]
        raise AssertionError("no answer")

    return asyncio.run(ask())


def test_the_adapters_logits_through_vllm_are_those_of_transformers_and_peft(engine, tiny, adapters) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny.source)
    base = transformers.AutoModelForCausalLM.from_pretrained(tiny.source, dtype=torch.float32)
    for adapter in adapters:
        model = peft.PeftModel.from_pretrained(base, adapter.adapter).eval()
        for request in prompts(3):
            served = torch.tensor(served_scores(engine[adapter.name], request.messages))
            ids = tokenizer.apply_chat_template(
                list(request.messages), add_generation_prompt=True, return_tensors="pt"
            )["input_ids"]
            with torch.inference_mode():
                scores = model(ids).logits.log_softmax(-1)[0, :-1]
                without = model.base_model.model
                with model.disable_adapter():
                    plain = without(ids).logits.log_softmax(-1)[0, :-1]
            ours = scores.gather(1, ids[0, 1:, None])[:, 0]
            assert torch.allclose(served, ours, atol=2e-3), (served - ours).abs().max()
            assert (plain.gather(1, ids[0, 1:, None])[:, 0] - ours).abs().max() > 0.1  # the adapter does something
        base = model.unload()
