"""A plan in words: one engine a paragraph, memory in GiB."""

from __future__ import annotations

from collections.abc import Sequence

from atp_ray.alignment.memory import GIB
from serve_deployments.engine_plans import EnginePlan


def plan_lines(plans: Sequence[EnginePlan], gpu_hour_price: float | None = None) -> list[str]:
    """Return the lines that say what is to be started; speeds are marked as estimates.

    Args:
        gpu_hour_price: dollars for an hour of a GPU, None if nobody told.
    """
    lines = [line for plan in plans for line in _engine_lines(plan, gpu_hour_price)]
    hours = [plan.hours for plan in plans if plan.hours is not None]
    if len(hours) > 1 and len(hours) == len(plans):
        spent = sum(plan.gpus * plan.most * hours for plan, hours in zip(plans, hours, strict=True))
        lines.append(f"All engines: {_short(max(hours))} h, {_gpu_hours(spent, gpu_hour_price)} (estimate)")
    return lines


def _engine_lines(plan: EnginePlan, gpu_hour_price: float | None) -> list[str]:
    if not plan.on_gpu:
        return [f"Engine {plan.model_id}: {_times(plan)} on CPUs"]
    kind = plan.gpu.name if plan.gpu else "GPU of unknown kind"
    lines = [f"Engine {plan.model_id}: {_times(plan)} of {plan.gpus} x {kind} = {plan.most * plan.gpus} GPUs"]
    if plan.memory is None:
        what = "the kind of GPU is not known (--gpu-type)" if plan.gpu is None else "its config.json is not known here"
        return [*lines, f"  memory was not checked: {what}"]
    memory = plan.memory
    lines.append(
        f"  memory of each GPU, GiB: {memory.weights / GIB:.1f} weights + {memory.reserve / GIB:.1f} reserve + "
        f"{memory.cache / GIB:.1f} KV cache = {memory.usable / GIB:.1f} usable; "
        f"{memory.cache_tokens:,} tokens of {memory.token / 1024:g} KiB"
    )
    at_length = min(plan.slots, memory.cache_tokens // memory.length)
    average = f", {plan.in_flight} of this run's average" if plan.decisions_s is not None else ""
    lines.append(f"  in flight in each replica: {at_length} requests of {memory.length:,} tokens{average}")
    if plan.decisions_s is not None and plan.hours is not None:
        spent = plan.hours * plan.gpus * plan.most
        lines.append(
            f"  at least {_short(plan.decisions_s)} decisions/s if replies are as long as they may be: "
            f"{_short(plan.hours)} h, {_gpu_hours(spent, gpu_hour_price)} (estimate)"
        )
    return lines


def _gpu_hours(hours: float, price: float | None) -> str:
    return f"{_short(hours)} GPU-hours" + (f", ${_short(hours * price)}" if price is not None else "")


def _times(plan: EnginePlan) -> str:
    later = f", {plan.most} when the cluster has grown" if plan.most > plan.replicas else ""
    return f"{plan.replicas} replica{'s' if plan.replicas > 1 else ''}{later}"


def _short(number: float) -> str:
    """Return a number with two digits that say something."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
