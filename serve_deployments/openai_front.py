"""The OpenAI-compatible HTTP front of the engines, as Ray Serve LLM has it; it starts while the engines do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ray.llm._internal.serve.core.configs.openai_api_models import to_model_metadata
from ray.serve.handle import DeploymentHandle
from ray.serve.llm import LLMConfig
from ray.serve.llm.ingress import OpenAiIngress, make_fastapi_ingress


class ModelFront(OpenAiIngress):  # type: ignore[misc]
    """Answers for every engine of `handles`, by model id.

    Args:
        options: of `LLMConfig`, by model id.
    """

    def __init__(self, handles: Mapping[str, DeploymentHandle], options: Mapping[str, dict[str, Any]]) -> None:
        cards = {name: to_model_metadata(name, LLMConfig(**given)) for name, given in options.items()}
        super().__init__(llm_deployments=dict(handles), model_cards=cards)


OpenAiFront = make_fastapi_ingress(ModelFront)
