"""Deploy checkpoints on Ray Serve: one engine for each base model, shared by all agents, and a front for outsiders.

Nothing here imports vLLM: deployments are named by the path of their class, which only their own processes import.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ray import serve
from ray.serve.schema import ApplicationStatus

from actors.model_clients import Deployment
from actors.tokens import driver_tokens
from atp_ray.checkpoint.hub import model_config
from atp_ray.checkpoint.profiles import ModelProfile
from atp_ray.errors import EngineError, UsageError
from serve_deployments.cluster_gpus import cluster_gpus
from serve_deployments.engine_groups import EngineGroup, engine_groups
from serve_deployments.engine_options import deployment_options, llm_options
from serve_deployments.engine_plans import EnginePlan, Planning, plan_engines
from serve_deployments.engine_records import READY, EngineRecord, read_phase, read_record, tell_phase, write_record
from serve_deployments.haproxy import uses_haproxy
from serve_deployments.http_port import serve_runs, start_serve
from serve_deployments.lease import Lease
from serve_deployments.prefix_routing import forget_prefixes
from serve_deployments.sent_folders import sent_folders

ENGINE_CLASS = "serve_deployments.llm_server.AgentLLMServer"
FRONT_CLASS = "serve_deployments.openai_front.OpenAiFront"
ENGINE_NAME = "engine"
OPENAI_APP = "openai"
NO_PLANNING = Planning()
POLL_S = 0.2
STATUS_EVERY_S = 2.0
BUSY = (ApplicationStatus.NOT_STARTED, ApplicationStatus.DEPLOYING, ApplicationStatus.DELETING)


class Models(NamedTuple):
    """Where checkpoints are or will be served, by the profile's name, and the applications that serve them."""

    deployments: dict[str, Deployment]
    applications: dict[str, str]  # application -> the checkpoints in it, for messages
    replicas: dict[str, int]  # engine, by its model's id -> how many of it there are at most
    gpus: int = 0  # held by all of them together

    def places(self) -> dict[str, str]:
        """Return the application that serves each checkpoint, by the profile's name."""
        return {name: deployment.app_name for name, deployment in self.deployments.items()}


def start_models(profiles: Iterable[ModelProfile], lease: Lease, planning: Planning = NO_PLANNING) -> Models:
    """Begin to start one engine for each base model, and return without waiting for it.

    Adapters are served by the engine of their base. On a cluster where an engine already holds a base and the adapters
    asked for, that engine is used.

    Args:
        lease: keeps the engines on a shared cluster.

    Raises:
        UsageError: the cluster's GPUs cannot hold all engines; as `plan_engines`.
    """
    groups = engine_groups(profiles)
    if uses_haproxy() and any(group.base.deployment.routing == "prefix" for group in groups):
        raise UsageError("cannot be routed by prefix behind HAProxy", "--proxy haproxy", "Leave out one of the two")
    if not groups:
        return Models({}, {}, {})
    with lease.turn():
        return _find_or_start(groups, lease, planning)


def _find_or_start(groups: Sequence[EngineGroup], lease: Lease, planning: Planning) -> Models:
    running = {group.model_id: _held_engine(group, lease) for group in groups}
    plans = _plans([group for group in groups if running[group.model_id] is None], planning)
    start_serve(lease.shared)
    deployments: dict[str, Deployment] = {}
    applications: dict[str, str] = {}
    replicas: dict[str, int] = {}
    gpus = 0
    for group in groups:
        record = running[group.model_id]
        if record is None:
            plan = plans[group.model_id]
            record = _record(group, _own_application(group), plan)
            write_record(group.key, record)
            forget_prefixes(record.application, record.deployment)
            _start(_engine(group, plan), record.application, route_prefix=None)
        applications[record.application] = group.model_id
        replicas[group.model_id] = record.replicas
        gpus += record.gpus
        deployments |= _places(group, record)
    return Models(deployments, applications, replicas, gpus)


def start_openai(
    profiles: Sequence[ModelProfile], prefix: str, lease: Lease, planning: Planning = NO_PLANNING
) -> Models:
    """Begin to serve checkpoints over the OpenAI-compatible HTTP API under `prefix`, for agents by handle too.

    An adapter's model name is `BASE:NAME`, all others are served under their own. Serve's HTTP port must be open.

    Args:
        lease: keeps the engines on a shared cluster.

    Raises:
        UsageError: as `start_models`.
    """
    lease.hold_alone(OPENAI_APP)
    groups = engine_groups(profiles)
    plans = _plans(groups, planning)
    engines: dict[str, serve.Application] = {}
    options: dict[str, dict[str, Any]] = {}
    deployments: dict[str, Deployment] = {}
    for group in groups:
        plan = plans[group.model_id]
        engines[group.model_id] = _engine(group, plan)
        options[group.model_id] = llm_options(group, plan.on_gpu)
        record = _record(group, OPENAI_APP, plan)
        write_record(group.key, record)
        forget_prefixes(OPENAI_APP, record.deployment)
        deployments |= _places(group, record)
    front = serve.deployment(name="front", ray_actor_options={"num_cpus": 0}, max_ongoing_requests=100_000)(FRONT_CLASS)
    _start(front.bind(handles=engines, options=options), OPENAI_APP, route_prefix=prefix)
    replicas = {name: plan.most for name, plan in plans.items()}
    return Models(deployments, {OPENAI_APP: ", ".join(profile.name for profile in profiles)}, replicas)


def await_models(
    models: Models, on_phase: Callable[[str], None] = lambda _: None, stop: threading.Event | None = None
) -> None:
    """Wait until every engine answers, or `stop` is set.

    Args:
        on_phase: called again and again meanwhile with what the engine waited for is doing.

    Raises:
        EngineError: an engine does not start; carries its last message.
    """
    stop = stop or threading.Event()
    for name, checkpoints in models.applications.items():
        while (status := serve.status().applications.get(name)) is None or status.status in BUSY:
            # Serve's own account costs its controller more than reading a note, and the engine wants that time.
            due, phase = time.monotonic() + STATUS_EVERY_S, ""
            while phase != READY and time.monotonic() < due:
                phase = read_phase(name)
                on_phase(f"engine of {checkpoints}: {phase}")
                if stop.wait(POLL_S):
                    return
        if status.status != ApplicationStatus.RUNNING:
            messages = [status.message, *(deployment.message for deployment in status.deployments.values())]
            serve.delete(name, _blocking=False)
            hint = "Check the checkpoint and the engine's memory and length settings in its profile"
            reason = _reason(messages) or status.status
            raise EngineError(f"the engine of checkpoint '{checkpoints}' did not start: {reason}", hint=hint)


def deploy_models(profiles: Iterable[ModelProfile], lease: Lease, planning: Planning = NO_PLANNING) -> Models:
    """Start one engine for each base model and wait until it answers.

    Raises:
        UsageError, EngineError: as `start_models` and `await_models`.
    """
    models = start_models(profiles, lease, planning)
    await_models(models)
    return models


def _start(app: serve.Application, name: str, route_prefix: str | None) -> None:
    tell_phase(name, "importing vLLM")
    target = serve.RunTarget(app, name=name, route_prefix=route_prefix)
    serve.run_many([target], wait_for_ingress_deployment_creation=False, wait_for_applications_running=False)


def _plans(groups: Sequence[EngineGroup], planning: Planning) -> dict[str, EnginePlan]:
    plans = plan_engines(groups, cluster_gpus(planning.told), model_config, planning) if groups else []
    return {plan.model_id: plan for plan in plans}


def _engine(group: EngineGroup, plan: EnginePlan) -> serve.Application:
    options = deployment_options(group.base, plan.on_gpu, plan.replicas, plan.most)
    deployment = serve.deployment(name=_deployment_name(group), **options)(ENGINE_CLASS)
    return deployment.bind(llm_options(group, plan.on_gpu), driver_tokens(), *sent_folders(group, plan.on_gpu))


def _record(group: EngineGroup, application: str, plan: EnginePlan) -> EngineRecord:
    adapters = {group.adapter_key(profile): f"{group.model_id}:{profile.name}" for profile in group.adapters}
    return EngineRecord(
        application=application,
        deployment=_deployment_name(group),
        adapters=adapters,
        replicas=plan.most,
        gpus=plan.most * plan.gpus if plan.on_gpu else 0,
    )


def _held_engine(group: EngineGroup, lease: Lease) -> EngineRecord | None:
    """Hold the engine that serves the group already and return it, or hold the name of the one to be started."""
    record = _running_engine(group)
    if record is not None:
        lease.hold(record.application)
        if _running_engine(group) == record:
            return record
        lease.drop(record.application)
    lease.hold(_own_application(group))
    return None


def _own_application(group: EngineGroup) -> str:
    return f"model-{group.model_id}-{group.key}{group.adapters_key}".replace("/", "--")


def _running_engine(group: EngineGroup) -> EngineRecord | None:
    """Return the cluster's engine that already holds the group, if it has not failed."""
    record = read_record(group.key)
    if record is None or not {group.adapter_key(profile) for profile in group.adapters} <= record.adapters.keys():
        return None
    application = serve.status().applications.get(record.application) if serve_runs() else None
    usable = (ApplicationStatus.RUNNING, ApplicationStatus.DEPLOYING)
    return record if application is not None and application.status in usable else None


def _places(group: EngineGroup, record: EngineRecord) -> dict[str, Deployment]:
    return {
        profile.name: Deployment(
            record.application,
            record.deployment,
            profile.coalesce,
            record.adapters[group.adapter_key(profile)] if profile.adapter else None,
        )
        for profile in group.members
    }


def _deployment_name(group: EngineGroup) -> str:
    return f"{ENGINE_NAME}:{group.model_id.replace('/', '--').replace('.', '_')}"


def _reason(messages: Iterable[str]) -> str | None:
    """Return the last line of what Serve reports about a failed application."""
    lines = [line.strip() for message in messages for line in message.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line]
    reasons: list[str] = errors or lines
    return reasons[-1] if reasons else None
