"""deploy/kuberay/*.yaml: KubeRay's resources by the fields of its reference, all others by Kubernetes' own schemas."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import ray
import yaml
from deploy_commands import our_commands, parse_ours
from kuberay_fields import ClusterSpec, RayResource
from pydantic import TypeAdapter, ValidationError

from atp_ray.config_files import configs_dir

FOLDER = configs_dir().parent / "deploy" / "kuberay"
KUBERNETES = "1.34"
RESOURCES = [
    (path, resource)
    for path in sorted(FOLDER.glob("*.yaml"))
    for resource in yaml.safe_load_all(path.read_text("utf-8"))
]
RAY = [resource for _, resource in RESOURCES if resource["apiVersion"].startswith("ray.io/")]
read = TypeAdapter(RayResource).validate_python


def cluster_spec(resource: dict[str, Any]) -> ClusterSpec:
    spec = read(resource).spec
    return spec if isinstance(spec, ClusterSpec) else spec.rayClusterSpec


def pods(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    spec = cluster_spec(resource)
    for group in (spec.headGroupSpec, *spec.workerGroupSpecs):
        template = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}} | group.template
        yield template


def containers() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for _, resource in RESOURCES:
        if resource in RAY:
            specs = [pod["spec"] for pod in pods(resource)]
        elif resource["kind"] == "Deployment":
            specs = [resource["spec"]["template"]["spec"]]
        else:
            specs = []
        for spec in specs:
            for container in spec["containers"]:
                yield spec, container


@pytest.mark.parametrize(
    ("path", "resource"), RESOURCES, ids=lambda part: part.get("kind") if isinstance(part, dict) else part.stem
)
def test_every_resource_has_the_fields_that_its_schema_knows(path: Path, resource: dict[str, Any]) -> None:
    if resource not in RAY:
        kubernetes_validate.validate(resource, KUBERNETES, strict=True)
        return
    for pod in pods(resource):
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


def test_a_misspelt_field_is_noticed_in_both() -> None:
    spec = RAY[0]["spec"]
    with pytest.raises(ValidationError, match="backofLimit"):
        read(RAY[0] | {"spec": spec | {"backofLimit": 1}})
    pod = next(pods(RAY[0]))
    with pytest.raises(kubernetes_validate.ValidationError, match="tolerationz"):
        kubernetes_validate.validate(pod | {"spec": pod["spec"] | {"tolerationz": []}}, KUBERNETES, strict=True)


@pytest.mark.parametrize("resource", RAY, ids=lambda resource: resource["metadata"]["name"])
def test_a_cluster_runs_the_ray_of_the_image_with_a_token(resource: dict[str, Any]) -> None:
    spec = cluster_spec(resource)
    assert spec.rayVersion == ray.__version__
    assert spec.authOptions is not None
    assert spec.authOptions.mode == "token"
    for group in spec.workerGroupSpecs:
        assert group.minReplicas <= group.replicas <= group.maxReplicas


def test_secrets_are_references_and_volumes_exist() -> None:
    for spec, container in containers():
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes
        for variable in container.get("env", []):
            secret = any(word in variable["name"] for word in ("TOKEN", "PASSWORD", "KEY"))
            assert ("valueFrom" in variable) == secret, variable
    claims = {resource["metadata"]["name"] for _, resource in RESOURCES if resource["kind"] == "PersistentVolumeClaim"}
    used = {
        volume["persistentVolumeClaim"]["claimName"]
        for spec, _ in containers()
        for volume in spec.get("volumes", [])
        if "persistentVolumeClaim" in volume
    }
    assert used == claims


def test_the_head_that_may_be_lost_keeps_its_state_in_redis_and_runs_no_agent() -> None:
    (cluster,) = [resource for resource in RAY if resource["kind"] == "RayCluster"]
    spec = cluster_spec(cluster)
    assert spec.gcsFaultToleranceOptions is not None
    host, port = spec.gcsFaultToleranceOptions.redisAddress.split(":")
    services = {resource["metadata"]["name"]: resource for _, resource in RESOURCES if resource["kind"] == "Service"}
    assert int(port) in {entry["port"] for entry in services[host]["spec"]["ports"]}
    assert spec.headGroupSpec.rayStartParams["num-cpus"] == "0"


def test_what_a_job_writes_is_on_a_volume_of_the_head() -> None:
    (job,) = [resource for resource in RAY if resource["kind"] == "RayJob"]
    (head, *_) = pods(job)
    mounts = [Path(mount["mountPath"]) for mount in head["spec"]["containers"][0]["volumeMounts"]]
    sweeps = [parse_ours(name, words) for name, words in our_commands(job["spec"]["entrypoint"])]
    assert [sweep.resume for sweep in sweeps] == [True, False]
    assert all(any(Path(sweep.out).is_relative_to(mount) for mount in mounts) for sweep in sweeps)


def test_ray_s_ports_and_redis_are_closed_to_other_pods() -> None:
    policies = [resource["spec"] for path, resource in RESOURCES if path.stem == "network-policy"]
    selected = [policy["podSelector"]["matchLabels"] for policy in policies]
    assert selected == [{"ray.io/is-ray-node": "yes"}, {"app": "atp-ray-redis"}]
    labels = [
        resource["spec"]["template"]["metadata"]["labels"]
        for _, resource in RESOURCES
        if resource["kind"] == "Deployment"
    ]
    # KubeRay labels its own pods; those of the deployments are labelled by hand.
    assert all(any(selector.items() <= label.items() for selector in selected) for label in labels)
    assert all(policy["policyTypes"] == ["Ingress"] and policy["ingress"] for policy in policies)
