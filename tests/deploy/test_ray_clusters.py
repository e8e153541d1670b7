"""deploy/ray/*.yaml are what Ray's cluster launcher takes, by its own check of the installed version."""

from pathlib import Path

import jsonschema
import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from atp_ray.config_files import configs_dir

FILES = sorted((configs_dir().parent / "deploy" / "ray").glob("*.yaml"))


def cluster(path: Path) -> dict:
    return yaml.safe_load(path.read_text("utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_launcher_accepts_the_file(path: Path) -> None:
    config = prepare_config(cluster(path))
    validate_config(config)
    with pytest.raises(jsonschema.ValidationError, match="max_worker"):
        validate_config(config | {"max_worker": 3})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nodes_add_up_and_share_the_token(path: Path) -> None:
    config = cluster(path)
    types = config["available_node_types"]
    workers = {name: kind for name, kind in types.items() if name != config["head_node_type"]}
    for kind in workers.values():
        assert 0 <= kind["min_workers"] <= kind["max_workers"] <= config["max_workers"]
    assert any("GPU" in kind["resources"] for kind in types.values())
    assert config["file_mounts"] == {"/home/atp/.ray/auth_token": "~/.ray/auth_token"}
    assert bool(workers) == bool(config["worker_start_ray_commands"])
    # Nothing is opened beyond what Ray opens by itself: the dashboard stays on the head's own loopback.
    assert not any("dashboard-host" in command for command in config["head_start_ray_commands"])


def test_there_is_one_for_a_node_for_several_and_for_spot_nodes() -> None:
    assert [path.stem for path in FILES] == ["one-node", "several-nodes", "spot-workers"]
    spot = [
        kind["node_config"].get("InstanceMarketOptions")
        for path in FILES
        for kind in cluster(path)["available_node_types"].values()
    ]
    assert {"MarketType": "spot"} in spot
