"""`inspect eval` against the project's own OpenAI-compatible front, with the embedded checkpoint behind it."""

import pytest

pytest.importorskip("inspect_ai", reason="inspect-ai is not installed (the extra `inspect`)")


def test_inspect_measures_tiny_over_our_front(tiny_service, tmp_path) -> None:
    from inspect_ai import eval as evaluate
    from inspect_ai.model import get_model

    from atp_ray.inspect_tasks.tasks import games

    model = get_model("openai-api/atp/tiny", base_url=tiny_service.openai_url, api_key="none")
    task = games(threshold=2, scenarios="info_sharing,hunting_game", rounds=2)
    (log,) = evaluate(task, model=model, display="none", log_dir=str(tmp_path), max_tokens=96)
    assert log.status == "success", log.error
    for sample in log.samples:
        decisions = sample.store["decisions"]
        assert len(decisions) == 16
        assert sum(row["prompt_tokens"] for row in decisions) == sum(
            used.input_tokens + (used.input_tokens_cache_read or 0) for used in sample.model_usage.values()
        )
    for score in log.results.scores:
        assert score.metrics["n_decisions"].value + score.metrics["n_undecided"].value == 16
        assert score.metrics["n_decisions"].value >= 15
        assert score.metrics["deviant_rate"].value > 0.5  # two of eight suffice: tiny joins
