"""Any model that Inspect knows, asked as ours are."""

from __future__ import annotations

from inspect_ai.model import GenerateConfig, Model

from atp_ray.inspect_tasks.chat import chat_messages, reply_text
from atp_ray.play.model_calls import ModelReply, ReplyRequest


class InspectClient:
    """Asks one of Inspect's models; how it samples is Inspect's to say, but for seed and stops.

    Time-outs, retries of the connection and what happens where it fails for good are Inspect's too: an exception ends
    the sample. A request that the provider turns down is a reply with an error, as from our own engines.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    async def reply(self, request: ReplyRequest) -> ModelReply:
        """Return the model's reply to one request."""
        config = GenerateConfig(seed=request.seed, stop_seqs=list(request.stop) or None)
        output = await self._model.generate(chat_messages(request.messages), config=config)
        usage = output.usage
        read = (usage.input_tokens, usage.input_tokens_cache_read, usage.input_tokens_cache_write) if usage else ()
        tokens = (sum(count or 0 for count in read), usage.output_tokens if usage else 0)
        if output.empty or output.error:
            return ModelReply("", *tokens, output.time or 0.0, error=output.error or "an empty answer", refused=True)
        return ModelReply(reply_text(output.message), *tokens, output.time or 0.0)
