"""The folders of an engine where a replica is: as they were asked for, or where this node has them."""

import pytest

from serve_deployments.engine_groups import engine_groups
from serve_deployments.engine_options import llm_options
from serve_deployments.sent_folders import local_folders, located

pytestmark = pytest.mark.xdist_group("torch")  # to save adapters


def test_folders_of_an_engine_are_its_base_and_its_adapters(tiny, adapters) -> None:
    (group,) = engine_groups([tiny, *adapters])
    assert local_folders(group) == [tiny.source, *(adapter.adapter for adapter in adapters)]
    (hub,) = engine_groups([tiny.model_copy(update={"source": "org/name"})])
    assert local_folders(hub) == []


def test_only_the_places_of_the_folders_change(tiny, adapters) -> None:
    (group,) = engine_groups([tiny, *adapters])
    options = llm_options(group, on_gpu=False)
    assert located(options, {}) == options
    moved = located(options, {tiny.source: "/cache/base", str(adapters[0].adapter): "/cache/adapter"})
    assert moved["model_loading_config"] == {"model_id": "tiny", "model_source": "/cache/base"}
    paths = [module["path"] for module in moved["engine_kwargs"]["lora_modules"]]
    assert paths == ["/cache/adapter", adapters[1].adapter]
    assert {**moved, "model_loading_config": 0, "engine_kwargs": 0} == {
        **options,
        "model_loading_config": 0,
        "engine_kwargs": 0,
    }
