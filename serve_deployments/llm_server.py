"""The model server: Ray Serve's vLLM server with one more method, for agents.

Agents send plain data (`ReplyRequest`) so that they need not import vllm; the OpenAI requests are built here, beside
the engine. Outside clients use the OpenAI-compatible methods that the base class brings.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ray import serve
from ray.serve.handle import DeploymentHandle
from ray.serve.llm import LLMConfig
from ray.serve.llm.deployment import LLMServer
from ray.serve.llm.openai_api_models import ChatCompletionRequest

from actors.cancelling import Caller, Callers
from actors.shipping import Shipment
from actors.tokens import Tokens
from atp_ray.play.model_calls import ModelReply, ReplyRequest, decision_texts
from serve_deployments.admission import Admission, Load
from serve_deployments.cpu_engine import CpuEngine
from serve_deployments.engine_gauge import attach_gauge
from serve_deployments.engine_records import READY, tell_phase
from serve_deployments.sent_folders import found_here


class AgentLLMServer(LLMServer):  # type: ignore[misc]
    """Serves one base model and the LoRA adapters on it to agents and to OpenAI clients."""

    async def __init__(  # type: ignore[misc]  # Serve awaits constructors
        self,
        options: dict[str, Any],
        tokens: Tokens,
        sent: Sequence[Shipment] = (),
        source: DeploymentHandle | None = None,
    ) -> None:
        """Start the engine.

        Args:
            options: of `LLMConfig`, as `llm_options` returns them; built here, so that whoever deploys imports no vLLM.
            tokens: of the model hub, where this node's environment lacks them.
            sent: folders among the options that this node may lack.
            source: what hands these out.
        """
        tokens.install()
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
        engine = self.engine._engine_client
        self._admission = Admission(engine.scheduler_config.max_num_seqs, reported=engine.logger_manager is not None)
        attach_gauge(engine, self._admission.report)
        self._callers = Callers()
        tell_phase(application, READY)

    async def _start_engine(self) -> None:
        """Start the engine, and no actor that reports its use; the report would leave the machine."""
        await self.engine.start()

    async def _maybe_resolve_lora_from_multiplex(self) -> None:
        """Adapters are local folders loaded with the engine; there is nothing to fetch per request."""

    async def reply(
        self,
        requests: Sequence[ReplyRequest],
        adapter: str | None = None,
        timeout_s: float | None = None,
        caller: Caller | None = None,
    ) -> list[ModelReply]:
        """Return one reply per request, in that order; a request the engine refuses comes back with its `error`.

        Args:
            adapter: name of the adapter that is to answer, None for the base.
            timeout_s: longest time inside the engine, seconds; a request that takes longer is cancelled there.
            caller: who asks; its requests are cancelled when it dies.
        """
        model = adapter or self._model_id
        asked = asyncio.gather(*(self._reply_one(request, model, timeout_s) for request in requests))
        return list(await self._callers.work(caller, asked))

    async def load(self) -> Load:
        """Return how many requests wait for this engine, are inside it, and have been finished by it."""
        return self._admission.load()

    async def chat(self, *request: Any, **options: Any) -> AsyncIterator[Any]:
        """Answer an OpenAI client; it waits in the same line as the agents."""
        return self._in_turn(super().chat, *request, **options)

    async def completions(self, *request: Any, **options: Any) -> AsyncIterator[Any]:
        """Answer an OpenAI client; it waits in the same line as the agents."""
        return self._in_turn(super().completions, *request, **options)

    async def _in_turn(self, ask: Callable[..., Awaitable[Any]], *request: Any, **options: Any) -> AsyncIterator[Any]:
        async with self._admission.admitted(), aclosing(await ask(*request, **options)) as answers:
            async for answer in answers:
                yield answer

    async def _reply_one(self, request: ReplyRequest, model: str, timeout_s: float | None) -> ModelReply:
        async with self._admission.admitted():
            start = time.monotonic()
            reply = None
            try:
                async with asyncio.timeout(timeout_s) as limit:
                    reply = await self._ask_engine(request, model)
            except TimeoutError:
                if not limit.expired():
                    raise
            if limit.expired() or reply is None:  # vLLM may answer a cancelled request with an error of its own
                return ModelReply("", error=f"no reply within {timeout_s} s of its start in the engine")
            return replace(reply, latency_s=time.monotonic() - start)

    async def _ask_engine(self, request: ReplyRequest, model: str) -> ModelReply:
        async for response in await super().chat(_chat_request(request, model)):
            # Two classes of that name exist, vLLM's and Ray's; both carry `error`.
            if (refused := getattr(response, "error", None)) is not None:
                return ModelReply("", error=refused.message, refused=True)
            message = response.choices[0].message
            # A reasoning parser moves the thinking out of the text; the log keeps the whole reply.
            thinking = getattr(message, "reasoning", None) or getattr(message, "reasoning_content", None)
            text = f"<think>{thinking}</think>{message.content or ''}" if thinking else message.content or ""
            usage = response.usage
            return ModelReply(text, usage.prompt_tokens, usage.completion_tokens or 0)
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
