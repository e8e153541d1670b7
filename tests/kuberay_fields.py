"""The fields of KubeRay's resources (ray.io/v1, operator 1.6) that deploy/kuberay uses, as its reference has them.

No package registry has the resource definitions themselves. Pods and everything else that Kubernetes itself defines are
checked against Kubernetes' schemas instead.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PodTemplate = dict[str, Any]  # checked against Kubernetes' own schema
StartParams = dict[str, str]
Mode = Literal["Default", "Aggressive", "Conservative"]


class Fields(BaseModel):
    """A part of a resource: no unknown field, and no text where a number is meant."""

    model_config = ConfigDict(extra="forbid", strict=True)


class AuthOptions(Fields):
    mode: Literal["disabled", "token"]


class Credential(Fields):
    value: str | None = None
    valueFrom: dict[str, Any] | None = None


class GcsFaultTolerance(Fields):
    redisAddress: str
    redisUsername: Credential | None = None
    redisPassword: Credential | None = None
    externalStorageNamespace: str | None = None


class Autoscaler(Fields):
    idleTimeoutSeconds: Annotated[int, Field(ge=0)] | None = None
    upscalingMode: Mode | None = None


class HeadGroup(Fields):
    rayStartParams: StartParams
    template: PodTemplate
    serviceType: Literal["ClusterIP", "NodePort", "LoadBalancer"] | None = None


class WorkerGroup(Fields):
    groupName: str
    replicas: int
    minReplicas: int
    maxReplicas: int
    rayStartParams: StartParams
    template: PodTemplate
    idleTimeoutSeconds: int | None = None
    numOfHosts: int | None = None


class ClusterSpec(Fields):
    rayVersion: str
    headGroupSpec: HeadGroup
    workerGroupSpecs: list[WorkerGroup]
    authOptions: AuthOptions | None = None
    gcsFaultToleranceOptions: GcsFaultTolerance | None = None
    enableInTreeAutoscaling: bool | None = None
    autoscalerOptions: Autoscaler | None = None


class JobSpec(Fields):
    entrypoint: str
    rayClusterSpec: ClusterSpec
    submissionMode: Literal["K8sJobMode", "HTTPMode", "InteractiveMode"] = "K8sJobMode"
    backoffLimit: int = 0
    shutdownAfterJobFinishes: bool = False
    ttlSecondsAfterFinished: int = 0
    runtimeEnvYAML: str | None = None
    activeDeadlineSeconds: int | None = None


class Resource(Fields):
    apiVersion: Literal["ray.io/v1"]
    metadata: dict[str, Any]


class RayCluster(Resource):
    kind: Literal["RayCluster"]
    spec: ClusterSpec


class RayJob(Resource):
    kind: Literal["RayJob"]
    spec: JobSpec


RayResource = Annotated[RayCluster | RayJob, Field(discriminator="kind")]
