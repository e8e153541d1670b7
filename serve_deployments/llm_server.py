"""The model server: Ray Serve's vLLM server with one more method, for agents.

Agents send plain data (`ReplyRequest`) so that they need not import vllm; the OpenAI requests are built here, beside
the engine. Outside clients use the OpenAI-compatible methods that the base class brings.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ray import serve
from ray.serve.handle import DeploymentHandle
from ray.serve.llm import LLMConfig
from ray.serve.llm.deployment import LLMServer
from ray.serve.llm.openai_api_models import ChatCompletionRequest

from actors.shipping import Shipment
from atp_ray.play.model_calls import ModelReply, ReplyRequest, decision_texts
from serve_deployments.cpu_engine import CpuEngine
from serve_deployments.engine_records import READY, tell_phase
from serve_deployments.sent_folders import found_here


class AgentLLMServer(LLMServer):  # type: ignore[misc]
    """Serves one base model and the LoRA adapters on it to agents and to OpenAI clients."""

    async def __init__(  # type: ignore[misc]  # Serve awaits constructors
        self, options: dict[str, Any], sent: Sequence[Shipment] = (), source: DeploymentHandle | None = None
    ) -> None:
        """Start the engine.

        Args:
            options: of `LLMConfig`, as `llm_options` returns them; built here, so that whoever deploys imports no vLLM.
            sent: folders among them that this node may lack.
            source: what hands these out.
        """
        application = serve.get_replica_context().app_name
        if source is not None:
            options = await asyncio.to_thread(found_here, options, sent, source, partial(tell_phase, application))
        tell_phase(application, "loading weights")
        config = LLMConfig(**options)
        if Path(str(config.model_loading_config.model_source)).is_dir():
            # There is nothing to download: Ray's task that would look imports all of vLLM once more.
            config.get_or_create_callback().ctx.run_init_node = False
        await super().__init__(config, engine_cls=CpuEngine if "accelerator_config" in options else None)
        self._model_id: str = config.model_id
        tell_phase(application, READY)

    async def _start_engine(self) -> None:
        """Start the engine, and no actor that reports its use; the report would leave the machine."""
        await self.engine.start()

    async def _maybe_resolve_lora_from_multiplex(self) -> None:
        """Adapters are local folders loaded with the engine; there is nothing to fetch per request."""

    async def reply(self, requests: Sequence[ReplyRequest], adapter: str | None = None) -> list[ModelReply]:
        """Return one reply per request, in that order; a request the engine refuses comes back with its `error`.

        Args:
            adapter: name of the adapter that is to answer, None for the base.
        """
        model = adapter or self._model_id
        return list(await asyncio.gather(*(self._reply_one(request, model) for request in requests)))

    async def _reply_one(self, request: ReplyRequest, model: str) -> ModelReply:
        start = time.monotonic()
        async for response in await self.chat(_chat_request(request, model)):
            # Two classes of that name exist, vLLM's and Ray's; both carry `error`.
            if (refused := getattr(response, "error", None)) is not None:
                return ModelReply("", error=refused.message, refused=True)
            message = response.choices[0].message
            # A reasoning parser moves the thinking out of the text; the log keeps the whole reply.
            thinking = getattr(message, "reasoning", None) or getattr(message, "reasoning_content", None)
            text = f"<think>{thinking}</think>{message.content or ''}" if thinking else message.content or ""
            usage = response.usage
            return ModelReply(text, usage.prompt_tokens, usage.completion_tokens or 0, time.monotonic() - start)
        return ModelReply("", error="the engine returned nothing")


def _chat_request(request: ReplyRequest, model: str) -> ChatCompletionRequest:
    sampling = request.sampling
    options: dict[str, object] = {}
    if request.stop:
        options |= {"stop": list(request.stop), "include_stop_str_in_output": True}
    elif sampling.structured:
        # Two whole strings, not a JSON schema: a schema leaves room for endless white space inside the object.
        options["structured_outputs"] = {"choice": decision_texts(request.options)}
    if sampling.thinking is not None:
        options["chat_template_kwargs"] = {"enable_thinking": sampling.thinking}
    return ChatCompletionRequest(
        model=model,
        messages=list(request.messages),
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        seed=request.seed,
        **options,
    )
