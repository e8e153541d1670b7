"""From simulations as they are kept to what the API answers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from atp_ray.checkpoint.profiles import Profile
from atp_ray.costs.usage import Usage, add_usages, usage_of
from atp_ray.live.bodies import parse_simulation, preset_names
from atp_ray.live.creation import live_label
from atp_ray.live.fold import LiveFold
from atp_ray.live.log import Event
from atp_ray.live.monitors import fired_at, tipping_round
from atp_ray.live.schemas import (
    AgentView,
    DecisionView,
    EventView,
    FieldView,
    MetricsView,
    MonitorView,
    ParadigmView,
    ProbeView,
    RoundView,
    SimulationView,
    UsageView,
)
from atp_ray.live.simulation import Simulation
from atp_ray.live.state import LiveState
from atp_ray.measures.convergence import convergence
from atp_ray.networks.kinds import EVERYONE
from atp_ray.paradigms.paradigm import Paradigm
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.requests import EpisodeRequest
from atp_ray.play.actions import Action
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.options import told_options
from atp_ray.play.records import RoundRecord
from atp_ray.storage.rows import probe_rows, round_counts, seat_columns

SHOWN_SETTING = ("threshold", "high", "medium", "low", "supervision")
DECISIONS = pa.schema(
    [
        ("round", pa.int32()), ("seat", pa.int32()), ("checkpoint", pa.string()), ("action", pa.string()),
        ("choice", pa.string()), ("asked", pa.bool_()), ("reward", pa.float64()), ("capital_after", pa.float64()),
        ("said", pa.string()), ("reply", pa.string()),
    ]
)  # fmt: skip


def simulation_view(simulation_id: str, live: LiveFold, profiles: Mapping[str, Profile]) -> SimulationView:
    """Return a simulation as it stands."""
    simulation, first = live.simulation(simulation_id), live.events(simulation_id)[0]
    spec, creation = simulation.state.spec, simulation.creation
    setting: dict[str, Any] = dict(paradigm(spec.paradigm).design.setting(spec.parameters))
    if str(spec.network) != EVERYONE:
        setting["network"] = str(spec.network)
    seats = Counter[str]()
    for group in spec.seats:
        seats[group.checkpoint] += group.count
    return SimulationView(
        id=simulation_id,
        name=creation.name,
        status=simulation.status,
        reason=simulation.reason,
        paradigm=spec.paradigm,
        scenario=spec.scenario.name,
        n_agents=spec.parameters.n_agents,
        setting=setting,
        **{name: setting.get(name) for name in SHOWN_SETTING},
        options=list(told_options(spec)),
        rounds=spec.rounds,
        talk=spec.talk,
        probes=[probe.name for probe in spec.probes],
        rounds_settled=len(simulation.state.records),
        checkpoints=dict(seats),
        label=live_label([simulation.state], profiles),
        until=simulation.until,
        parent=creation.parent,
        branches=list(live.children(simulation_id)),
        author=first.author,
        created=first.time,
    )


def paradigm_view(room: Paradigm) -> ParadigmView:
    """Return what a new simulation of a paradigm takes."""
    schema = room.design.request_model.model_json_schema()
    common = {*EpisodeRequest.model_fields, *room.design.request_model.local_fields}
    own = [name for name in schema["properties"] if name not in common]
    one_agent = "const" in schema["properties"]["n_agents"]
    usual = ("rounds", "history_window", *([] if one_agent else ["talk"]))
    shown = [*(name for name in usual if name in schema["properties"]), *own]
    return ParadigmView(
        name=room.name,
        title=room.title,
        scenarios=room.design.scenario_names(),
        presets=[name for name in preset_names() if parse_simulation({"preset": name}).paradigm == room.name],
        one_agent=one_agent,
        fields=[view for name in shown if (view := _field_view(name, schema["properties"][name])) is not None],
    )


def _field_view(name: str, schema: dict[str, Any]) -> FieldView | None:
    """Return a field as a form shows it, None for one that is no single value."""
    # Of several kinds of number the widest: a threshold may be a count or a fraction. A text where there is one.
    kinds = [part for part in schema.get("anyOf", ()) if part.get("type") != "null"]
    plain = next((part for name in ("number", "string") for part in kinds if part.get("type") == name), None)
    if plain is None:
        plain = (kinds or [schema])[0]
    elif len(kinds) > 1 and plain["type"] == "number":
        plain = {"type": "number", "minimum": 0}
    if "enum" in plain:
        kind = "choice"
    elif plain.get("type") in ("number", "integer"):
        kind = plain["type"]
    elif plain.get("type") == "string":
        kind = "text"
    else:
        return None
    return FieldView.model_validate(
        {
            "name": name,
            "description": schema.get("description", ""),
            "type": kind,
            "choices": plain.get("enum", []),
            "default": schema.get("default"),
            "minimum": plain.get("minimum", plain.get("exclusiveMinimum")),
            "maximum": plain.get("maximum", plain.get("exclusiveMaximum")),
        }
    )


def round_view(state: LiveState, record: RoundRecord) -> RoundView:
    """Return a settled round."""
    spec, mark = state.spec_at(record.round), state.marks[record.round - 1]
    setting: dict[str, Any] = dict(paradigm(spec.paradigm).design.setting(spec.parameters))
    counts = {name: _safe(value) for name, value in round_counts(record).items()}
    return RoundView(
        **counts,
        deviant_rate=_finite(mark.rate),
        threshold=setting.get("threshold"),
        capital_gini=_finite(mark.gini),
        shares=dict(mark.shares.studied),
        population_shares=dict(mark.shares.population),
    )


def agent_view(state: LiveState, seat: int, checkpoint: str) -> AgentView:
    """Return a seat as it stands."""
    last = state.records[-1] if state.records else None
    return AgentView(
        seat=seat,
        checkpoint=checkpoint,
        capital=_finite(float(last.capital_after.value_A[seat])) if last else None,
        action=Action(int(last.decisions.action_A[seat])).label if last else None,
        choice=_choice(state.spec_at(last.round), last, seat) if last else None,
        quarantined=seat in state.hidden,
        forgot_until=state.forgot.get(seat),
    )


def _choice(spec: EpisodeSpec, record: RoundRecord, seat: int) -> str | None:
    option = int(record.decisions.options_A[seat])
    return spec.scenario.options[option] if option >= 0 else None


def decided(
    state: LiveState, rounds: Iterable[int], seats: Sequence[int], action: str | None
) -> Iterator[tuple[int, int]]:
    """Yield round and seat of decisions, in that order; with `action`, of those that took it."""
    for number in rounds:
        action_A = state.records[number - 1].decisions.action_A
        for seat in seats:
            if action is None or Action(int(action_A[seat])).label == action:
                yield number, seat


def round_decisions(state: LiveState, number: int, seats: Iterable[int], text: bool) -> list[DecisionView]:
    """Return decisions of some seats in one round, with what they said and replied where `text` asks for it."""
    columns = _columns(state, state.records[number - 1], text)
    return [DecisionView(**{name: _safe(columns[name][seat]) for name in DECISIONS.names}) for seat in seats]


def decision_table(state: LiveState, text: bool) -> pa.Table:
    """Return all decisions in the order of rounds and seats, with their texts where `text` asks for them."""
    table: dict[str, list[Any]] = {name: [] for name in DECISIONS.names}
    for record in state.records:
        for name, values in _columns(state, record, text).items():
            table[name] += values
    return pa.table(table, schema=DECISIONS)


def _columns(state: LiveState, record: RoundRecord, text: bool) -> dict[str, Sequence[Any]]:
    columns = seat_columns(state.spec_at(record.round), record)
    nothing = [None] * len(record.decisions.action_A)
    return columns if text else columns | {"said": nothing, "reply": nothing}


def probe_views(state: LiveState, rounds: Iterable[int], text: bool) -> Iterator[ProbeView]:
    """Yield the answers to the probes of some rounds, with their words where `text` asks for them."""
    for number in rounds:
        for row in probe_rows(state.spec_at(number), state.records[number - 1]):
            shown = {name: _safe(row[name]) for name in ProbeView.model_fields}
            yield ProbeView(**shown if text else shown | {"answer": None})


def metrics_view(simulation: Simulation, profiles: Mapping[str, Profile]) -> MetricsView:
    """Return rates and shares, the tip, the convergence, and how early each monitor saw the tip."""
    marks = simulation.state.marks
    tip = tipping_round(marks)
    monitors = []
    for monitor in simulation.creation.monitors:
        fired = fired_at(monitor, marks)
        lead = tip - fired if tip is not None and fired is not None else None
        monitors.append(MonitorView(kind=monitor.kind, fired_at=fired, rounds_before_tip=lead))
    rates = [_finite(mark.rate) for mark in marks]
    label = live_label([simulation.state], profiles)
    usage = {name: UsageView(**used._asdict()) for name, used in _usages(simulation).items()}
    options = told_options(simulation.state.spec)
    converged = convergence([mark.leader for mark in marks]) if simulation.state.spec.parameters.n_agents > 1 else None
    return MetricsView(
        deviant_rates=rates,
        tipping_round=tip,
        shares={option: [mark.shares.studied.get(option) for mark in marks] for option in options},
        converged_round=None if converged is None else converged.round,
        converged_on=None if converged is None else converged.option,
        monitors=monitors,
        label=label,
        usage=usage,
    )


def _usages(simulation: Simulation) -> dict[str, Usage]:
    """Return what a simulation's own rounds asked of each checkpoint."""
    state, parent = simulation.state, simulation.creation.parent
    own = state.records[parent.round if parent is not None else 0 :]
    return add_usages(usage_of(state.spec_at(record.round), record.decisions, record.probed) for record in own)


def event_view(event: Event, state: LiveState) -> EventView:
    """Return an event; `state` is the simulation's at that time or later."""
    data = event.data
    if event.kind == "round":
        data = round_view(state, state.records[event.data["round"] - 1]).model_dump()
    return EventView(seq=event.seq, kind=event.kind, time=event.time, author=event.author, data=data)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _safe(value: Any) -> Any:
    """Return a value as JSON has it: infinities and what is no number are null."""
    return _finite(value) if isinstance(value, float) else value
