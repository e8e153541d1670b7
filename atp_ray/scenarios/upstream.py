"""Import the reference implementation's public data files, so that they can be run on exactly their own prompts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from atp_ray.config_files import Foreign, parse_model
from atp_ray.errors import UsageError
from atp_ray.payoffs import Payoffs
from atp_ray.scenarios.games import GameParameters, ImportedGame
from atp_ray.scenarios.role_play import ImportedRolePlay
from atp_ray.scenarios.upstream_role_play import role_play_question, role_play_template
from atp_ray.scenarios.wording import reply_instruction


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


def load_upstream(path: Path) -> list[ImportedGame | ImportedRolePlay]:
    """Load `templates.json` or a question list of the coordination games or of the role-play environments.

    Templates render for any numbers; each question fixes its own. The templates carry no instruction for the
    reply, so ours is appended; a question's prompt is kept to the letter.

    Raises:
        UsageError: the file is unreadable, not JSON, or not one of the two formats; names entry, key and reason.
    """
    entries = _load_json(path)
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError("is not a list of templates or questions", str(path), "Give the reference's JSON file")
    role_play = "supervised_choice" in (entries[0].get("template") or entries[0])
    if role_play and "template" in entries[0]:
        return [role_play_template(entry, f"{path}[{i}]") for i, entry in enumerate(entries)]
    if role_play:
        return [role_play_question(entry, i, f"{path}[{i}]") for i, entry in enumerate(entries)]
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
        fixed=parse_model(GameParameters, fixed, f"{where}.params"),
    )


def _load_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", str(path), "Check the path") from error
    except json.JSONDecodeError as error:
        raise UsageError(f"is not valid JSON: {error.msg}", f"{path}:{error.lineno}", "Fix the file") from error
