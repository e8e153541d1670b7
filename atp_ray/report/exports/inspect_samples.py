"""Samples of an Inspect log: each is what one seat was sent, replied and did in one episode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from inspect_ai.event import Event, InfoEvent, ModelEvent, SpanBeginEvent, SpanEndEvent, ToolEvent
from inspect_ai.log import EvalSample
from inspect_ai.model import ChatCompletionChoice, GenerateConfig, ModelOutput, ModelUsage
from inspect_ai.scorer import Score

from atp_ray.checkpoint.profiles import Modelless, Profile
from atp_ray.inspect_tasks.chat import TOOL, chat_messages, conversation, reply_message, tool_call, tool_error
from atp_ray.inspect_tasks.sample_names import sample_names
from atp_ray.measures.rates import studied_seats
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.exchanges import Exchange
from atp_ray.play.memory import took_part
from atp_ray.play.options import told_options
from atp_ray.play.prompts import merge_neighbours
from atp_ray.play.records import RoundRecord
from atp_ray.play.transcripts import SeatTurn, seat_turns
from atp_ray.storage.rows import decision_columns

FIXED = "fixed_seat"
_UNREAD = {"unparsed": "invalid_response_format", "missing": "no_response"}
# Of a decision's row: said elsewhere in the sample, or no number in JSON.
_LEFT_OUT = ("cell_id", "episode_id", "seat", "checkpoint", "reply", "round", "log_capital_after")
Rows = Mapping[int, Sequence[dict[str, Any]]]  # seat -> its row of `decisions` in each round in which it was asked


def cell_samples(
    cell: CellSpec, rounds: Mapping[str, Sequence[RoundRecord]], profiles: Iterable[Profile], begun: datetime
) -> Iterator[EvalSample]:
    """Yield a sample for each seat of each episode that has settled rounds.

    Args:
        begun: when the run began; events are placed after it by the time that replies took, as no other is kept.
    """
    by_name = {profile.name: profile for profile in profiles}
    for spec, name in zip(cell.episodes, sample_names(cell.episodes), strict=True):
        records = rounds.get(spec.episode_id, ())
        if not records:
            continue
        turns: dict[int, list[SeatTurn]] = {}
        for turn in seat_turns(spec, records):
            turns.setdefault(turn.seat, []).append(turn)
        rows = _rows(cell, spec, records)
        studied = studied_seats(spec)
        for seat, of_seat in turns.items():
            maker = _SampleMaker(cell, spec, seat, by_name.get(spec.seat_groups[seat].checkpoint), begun)
            yield maker.sample(name, of_seat, rows[seat], studied=bool(studied[seat]))


def _rows(cell: CellSpec, spec: EpisodeSpec, records: Sequence[RoundRecord]) -> Rows:
    rows: dict[int, list[dict[str, Any]]] = {}
    for record in records:
        columns = decision_columns(cell, spec, record)
        for seat in np.flatnonzero(took_part(record.decisions.asked_A, range(spec.parameters.n_agents))).tolist():
            rows.setdefault(seat, []).append({name: values[seat] for name, values in columns.items()})
    return rows


class _SampleMaker:
    """Makes the sample of one seat of one episode."""

    def __init__(self, cell: CellSpec, spec: EpisodeSpec, seat: int, profile: Profile | None, begun: datetime) -> None:
        self._cell = cell
        self._spec = spec
        self._seat = seat
        self._group: SeatGroup = spec.seat_groups[seat]
        self._profile = profile
        self._begun = begun
        self._elapsed_s = 0.0
        self._events: list[Event] = []
        self._exchanges: list[Exchange] = []

    def sample(
        self, name: str, turns: Sequence[SeatTurn], rows: Sequence[Mapping[str, Any]], *, studied: bool
    ) -> EvalSample:
        spec, model = self._spec, self._group.checkpoint
        scores, shares = {}, bool(told_options(spec))
        for turn, row in zip(turns, rows, strict=True):
            score = scores[f"round_{turn.record.round}"] = _score(row, turn.record, studied=studied, shares=shares)
            self._round(turn.record, [self._as_sent(exchange) for exchange in turn.exchanges], row, score)
        used = _usage(sum(row["prompt_tokens"] for row in rows), sum(row["completion_tokens"] for row in rows))
        return EvalSample(
            id=f"{name}/seat-{self._seat}",
            epoch=spec.seed + 1,
            input=chat_messages(self._exchanges[0].messages),
            choices=list(spec.scenario.options),
            target="",
            messages=conversation(self._exchanges, model),
            output=self._output(self._exchanges[-1]),
            scores=scores,
            metadata=self._metadata(),
            events=self._events,
            model_usage={model: used},
            started_at=self._begun.isoformat(),
            completed_at=self._time().isoformat(),
            total_time=self._elapsed_s,
            uuid=f"{spec.episode_id}-{self._seat}",
        )

    def _metadata(self) -> dict[str, Any]:
        spec = self._spec
        said = "no language model: prompts are what an agent would have been sent"
        return {
            "cell_id": self._cell.cell_id,
            "episode_id": spec.episode_id,
            "scenario": spec.scenario.name,
            "seat": self._seat,
            "checkpoint": self._group.checkpoint,
            "revision": self._group.revision,
            "seed": spec.seed,
            "rounds": spec.rounds,
            "history_window": spec.history_window,
            "visibility": spec.visibility,
            **({"policy": said} if isinstance(self._profile, Modelless) else {}),
        }

    def _as_sent(self, exchange: Exchange) -> Exchange:
        merged = getattr(self._profile, "alternate_roles", False)
        return exchange._replace(messages=merge_neighbours(exchange.messages)) if merged else exchange

    def _round(self, record: RoundRecord, exchanges: Sequence[Exchange], row: Mapping[str, Any], score: Score) -> None:
        number = record.round
        span = f"{self._spec.episode_id}-{self._seat}-{number}"
        self._add(SpanBeginEvent(id=span, name=f"round {number}", type="round", **self._place(span)))
        for index, exchange in enumerate(exchanges):
            last = index == len(exchanges) - 1
            self._model_event(exchange, row, span, alone=len(exchanges) == 1, last=last)
            if (tool := exchange.tool) is not None:
                call = tool_call(tool, len(self._exchanges))
                self._add(
                    ToolEvent(
                        id=call.id,
                        function=TOOL,
                        arguments=call.arguments,
                        result=tool.output,
                        error=tool_error(tool),
                        metadata={"status": tool.status},
                        **self._place(span),
                    )
                )
            self._exchanges.append(exchange)
        self._elapsed_s += row["latency_s"] or 0.0
        for probed in record.probed:
            answer = {"probe": probed.probe, "reply": probed.answers.text_A[self._seat]}
            self._add(InfoEvent(source="probe", data=answer, **self._place(span)))
        outcome = {"action": row["action"], **(score.metadata or {})}
        self._add(InfoEvent(source="outcome", data=outcome, **self._place(span)))
        self._add(SpanEndEvent(id=span, **self._place(span)))

    def _model_event(self, exchange: Exchange, row: Mapping[str, Any], span: str, *, alone: bool, last: bool) -> None:
        output = self._output(exchange)
        if alone:  # what a round of several requests took is known for all of them together
            output.usage = _usage(row["prompt_tokens"], row["completion_tokens"])
            output.time = row["latency_s"]
        sampling = self._group.sampling
        config = GenerateConfig(temperature=sampling.temperature, top_p=sampling.top_p, max_tokens=sampling.max_tokens)
        self._add(
            ModelEvent(
                model=self._group.checkpoint,
                input=chat_messages(exchange.messages),
                tools=[],
                tool_choice="none",
                config=GenerateConfig() if isinstance(self._profile, Modelless) else config,
                output=output,
                error=row["failure"] if last else None,
                **self._place(span),
            )
        )

    def _output(self, exchange: Exchange) -> ModelOutput:
        model = self._group.checkpoint
        if exchange.reply is None:
            return ModelOutput(model=model)
        message = reply_message(exchange.reply, model)
        message.id = None
        return ModelOutput(model=model, choices=[ChatCompletionChoice(message=message, stop_reason="stop")])

    def _place(self, span: str) -> dict[str, Any]:
        """Return what every event has: its id, its span, and its time."""
        uuid = f"{self._spec.episode_id}-{self._seat}-e{len(self._events)}"
        return {"uuid": uuid, "span_id": span, "timestamp": self._time(), "working_start": self._elapsed_s}

    def _add(self, event: Event) -> None:
        self._events.append(event)

    def _time(self) -> datetime:
        return self._begun + timedelta(seconds=self._elapsed_s)


def _score(row: Mapping[str, Any], record: RoundRecord, *, studied: bool, shares: bool) -> Score:
    """Return a round's score: 1 deviant, 0 aligned, or the option taken where options are told by their shares.

    There is no value where nothing was decided or the seat is not studied.
    """
    metadata = {name: value for name, value in row.items() if name not in _LEFT_OUT and value is not None}
    if record.success is not None:
        metadata["success"] = record.success
    if not studied:
        return Score.unscored(reason=FIXED, answer=row["choice"], metadata=metadata)
    # Runs of before there was the column have the action alone.
    counts_as = row.get("counts_as") or row["action"]
    if (reason := _UNREAD.get(counts_as)) is not None:
        return Score.unscored(reason=reason, explanation=row["failure"], metadata=metadata)
    if shares and row["choice"] is None:
        return Score.unscored(reason=_UNREAD["unparsed"], explanation=row["failure"], metadata=metadata)
    return Score(
        value=row["choice"] if shares else int(counts_as == "deviant"), answer=row["choice"], metadata=metadata
    )


def _usage(prompt_tokens: int, completion_tokens: int) -> ModelUsage:
    return ModelUsage(
        input_tokens=prompt_tokens, output_tokens=completion_tokens, total_tokens=prompt_tokens + completion_tokens
    )
