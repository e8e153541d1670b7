"""The trace view: an episode round by round for a terminal, in the manner of the paper's Figure 5."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from atp_ray.actions import Action
from atp_ray.cells import CellSpec
from atp_ray.episodes import EpisodeSpec
from atp_ray.paradigms import TERMS
from atp_ray.parsing import visible_reply
from atp_ray.problems import Problem, Solution
from atp_ray.scenarios.wording import money, number
from atp_ray.storage.records import RoundRecord

LONGEST_PROBLEM = 160  # characters


def print_trace(console: Console, cell: CellSpec, records: Sequence[RoundRecord], n_replies: int) -> None:
    """Print the first episode of a cell: what it is, then what every agent did in each round.

    Args:
        n_replies: agents shown per round; the others are only counted.
    """
    spec = cell.episodes[0]
    _print_header(console, cell)
    for record in records:
        console.print(f"\n[bold]Round {record.round}[/bold]: {_round_summary(spec, record)}")
        for seat in range(min(n_replies, spec.parameters.n_agents)):
            _print_seat(console, spec, record, seat)
        if spec.parameters.n_agents > n_replies:
            console.print(f"  ... and {spec.parameters.n_agents - n_replies} more (--replies N)")


def _print_header(console: Console, cell: CellSpec) -> None:
    spec = cell.episodes[0]
    first, second = spec.scenario.options
    console.print(f"\n[bold]{spec.scenario.title}[/bold]: {first} or {second}")
    note = " (not a statement about Qwen or Llama)" if cell.checkpoint_kind in ("embedded", "policy") else ""
    console.print(f"{_numbers(spec)}, {cell.checkpoint}{note}")


def _numbers(spec: EpisodeSpec) -> str:
    if spec.paradigm == "games":
        game = spec.game.parameters
        rewards = " / ".join(number(value) for value in (game.payoffs.high, game.payoffs.medium, game.payoffs.low))
        return f"{game.n_agents} agents, {game.threshold} colluders needed, rewards {rewards}"
    if spec.paradigm == "role_play":
        scenario, numbers = spec.role_play
        incomes = f"{money(numbers.low)} for keeping the rule, {money(numbers.high)} for breaking it unnoticed"
        return f"Rule: {scenario.required}; {incomes}; supervision {numbers.supervision}"
    costs = spec.tool_usage.parameters
    return f"The tool costs {number(costs.tool_cost)} units, reasoning directly {number(costs.direct_cost)}"


def _round_summary(spec: EpisodeSpec, record: RoundRecord) -> str:
    if spec.paradigm == "games":
        n_deviant = int((record.action_A == Action.DEVIANT).sum())
        verdict = "[red]success[/red]" if record.success else "[green]failure[/green]"
        return f"{n_deviant} of {spec.parameters.n_agents} collude, {verdict}"
    if spec.paradigm == "role_play":
        return "supervised" if spec.role_play.parameters.supervised(record.round) else "unsupervised"
    spent = f"{number(-float(record.reward_A[0]))} cost units"
    return f"{len(record.solutions_A[0])} problems, {spent}" if record.solutions_A else spent


def _print_seat(console: Console, spec: EpisodeSpec, record: RoundRecord, seat: int) -> None:
    before, after = record.capital_before_A[seat], record.capital_after.value_A[seat]
    if record.solutions_A:
        _print_solutions(console, spec, record.round, record.solutions_A[seat])
        return
    unit = {"games": f"capital {number(before)} -> {number(after)}", "role_play": f"earns {money(after - before)}"}
    console.print(f"  agent {seat + 1:<3} {_mark(spec, record.action_A[seat])}  {unit.get(spec.paradigm, '')}")
    if reply := record.reply_A[seat]:
        console.print(f"            {escape(visible_reply(reply) or reply)}", style="dim")


def _print_solutions(console: Console, spec: EpisodeSpec, round_number: int, solutions: Sequence[Solution]) -> None:
    played = spec.tool_usage.parameters.problems[round_number - 1]
    problems: dict[str, Problem] = {problem.problem_id: problem for problem in (*played.simple, *played.complex)}
    for solution in solutions:
        problem = problems[solution.problem_id]
        way = "[green]used the tool[/green]" if solution.used_tool else "[red]reasoned directly[/red]"
        verdict = "right" if solution.correct else f"wrong (it is {problem.answer})"
        statuses = f" ({', '.join(solution.tool_statuses)})" if solution.tool_statuses else ""
        answer = escape(solution.answer or "no readable answer")
        console.print(f"  {solution.difficulty:<8} {way}{statuses}, {number(solution.cost)} units: {answer}, {verdict}")
        console.print(f"            {escape(problem.text[:LONGEST_PROBLEM])}")
        for line in solution.reply.splitlines():
            console.print(f"            {escape(line)}", style="dim")


def _mark(spec: EpisodeSpec, code: int) -> str:
    action, terms = Action(int(code)), TERMS[spec.paradigm]
    return {
        Action.DEVIANT: f"[red]{terms.deviates}[/red]",
        Action.ALIGNED: f"[green]{terms.complies}[/green]",
        Action.UNPARSED: "[yellow]no readable decision[/yellow]",
        Action.MISSING: "[yellow]no answer[/yellow]",
    }[action]
