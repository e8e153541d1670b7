"""Import the reference implementation's games, so that they can be run on exactly their own prompts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from atp_ray.config_files import Foreign, parse_model
from atp_ray.errors import UsageError
from atp_ray.paradigms.games.payoffs import Payoffs
from atp_ray.paradigms.games.scenarios import GameNumbers, ImportedGame
from atp_ray.paradigms.selection import UPSTREAM_PREFIX, is_role_play
from atp_ray.play.wording import reply_instruction


class _TemplateText(Foreign):
    system_prompt: str
    user_prompt_mult: str
    collective_choice: str
    independent_choice: str


class _Template(Foreign):
    environment: str
    template: _TemplateText


class _QuestionNumbers(Foreign):
    n: int
    cooperation_threshold: int
    high_reward: float
    normal_reward: float
    low_reward: float


class _Question(Foreign):
    environment: str
    system_prompt: str
    user_prompt: str
    collective_choice: str = Field(alias="cooperative_choice")
    independent_choice: str
    params: _QuestionNumbers


def load_upstream_games(path: Path, entries: Sequence[dict[str, Any]]) -> list[ImportedGame]:
    """Return the games of `templates.json` or of a question list.

    Templates render for any numbers; each question fixes its own. The templates carry no instruction for the
    reply, so ours is appended; a question's prompt is kept to the letter.

    Raises:
        UsageError: the file holds role-play, or an entry is not of the format; names entry, key and reason.
    """
    if is_role_play(entries[0]):
        raise UsageError("holds role-play environments", f"{UPSTREAM_PREFIX}{path}", "Play it with --grid table1")
    if "template" in entries[0]:
        return [_from_template(entry, f"{path}[{i}]") for i, entry in enumerate(entries)]
    return [_from_question(entry, i, f"{path}[{i}]") for i, entry in enumerate(entries)]


def _from_template(entry: dict[str, Any], where: str) -> ImportedGame:
    parsed = parse_model(_Template, entry, where)
    text = parsed.template
    options = (text.collective_choice, text.independent_choice)
    instruction = reply_instruction(options).replace("{", "{{").replace("}", "}}")
    return ImportedGame(
        name=f"upstream/{parsed.environment}",
        title=parsed.environment,
        upstream_name=parsed.environment,
        system_template=text.system_prompt,
        question_template=f"{text.user_prompt_mult} {instruction}",
        collude=options[0],
        refrain=options[1],
    )


def _from_question(entry: dict[str, Any], index: int, where: str) -> ImportedGame:
    parsed = parse_model(_Question, entry, where)
    numbers = parsed.params
    payoffs = {"high": numbers.high_reward, "medium": numbers.normal_reward, "low": numbers.low_reward}
    fixed = {
        "n_agents": numbers.n,
        "threshold": numbers.cooperation_threshold,
        "payoffs": parse_model(Payoffs, payoffs, f"{where}.params"),
    }
    return ImportedGame(
        name=f"upstream/{parsed.environment}/{index}",
        title=parsed.environment,
        upstream_name=parsed.environment,
        system_template=parsed.system_prompt,
        question_template=parsed.user_prompt,
        collude=parsed.collective_choice,
        refrain=parsed.independent_choice,
        fixed=parse_model(GameNumbers, fixed, f"{where}.params"),
    )
