"""Import the reference implementation's role-play files: its templates and its two question lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from atp_ray.config_files import Foreign, parse_model
from atp_ray.errors import UsageError
from atp_ray.paradigms.role_play.scenarios import ImportedRolePlay, SupervisionSentences
from atp_ray.paradigms.selection import UPSTREAM_PREFIX, is_role_play


class _Incomes(Foreign):
    low_reward: float
    high_reward: float


class _Scale(Foreign):
    low_radio: float
    base: float


class _Text(Foreign):
    system_prompt: str
    user_prompt: str
    supervised_choice: str
    better_choice: str
    supervised_text: str = ""
    unsupervised_text: str = ""
    neutral_text: str = ""


class _Template(Foreign):
    environment: str
    template: _Text
    params: _Scale


class _Question(_Text):
    environment: str
    params: _Incomes


def load_upstream_role_plays(path: Path, entries: Sequence[dict[str, Any]]) -> list[ImportedRolePlay]:
    """Return the role-plays of `templates.json` or of a question list.

    Raises:
        UsageError: the file holds games, or an entry is not of the format; names entry, key and reason.
    """
    if not is_role_play(entries[0]):
        raise UsageError("holds games", f"{UPSTREAM_PREFIX}{path}", "Play it with --grid figure3")
    if "template" in entries[0]:
        return [_from_template(entry, f"{path}[{i}]") for i, entry in enumerate(entries)]
    return [_from_question(entry, i, f"{path}[{i}]") for i, entry in enumerate(entries)]


def _from_template(entry: dict[str, Any], where: str) -> ImportedRolePlay:
    """Return one entry of the reference's `templates.json`; it renders for any incomes.

    Raises:
        UsageError: a key is missing or has the wrong type.
    """
    parsed = parse_model(_Template, entry, where)
    name = f"upstream/{parsed.environment.replace(' ', '_')}"
    scale = parsed.params.low_radio * parsed.params.base
    return _imported(name, parsed.environment, parsed.template, base_income=scale, asks_for_json=False)


def _from_question(entry: dict[str, Any], index: int, where: str) -> ImportedRolePlay:
    """Return one entry of a question list, its prompt to the letter and its incomes fixed.

    Raises:
        UsageError: a key is missing or has the wrong type, or the violation does not pay more.
    """
    parsed = parse_model(_Question, entry, where)
    incomes = (parsed.params.low_reward, parsed.params.high_reward)
    if not 0 < incomes[0] < incomes[1]:
        hint = "The violation must pay more than keeping the rule"
        raise UsageError(f"incomes {incomes[0]:g} and {incomes[1]:g} are out of order", where, hint)
    name = f"upstream/{parsed.environment.replace(' ', '_')}/{index}"
    return _imported(name, parsed.environment, parsed, fixed_incomes=incomes, asks_for_json=True)


def _imported(name: str, environment: str, text: _Text, **fields: Any) -> ImportedRolePlay:
    return ImportedRolePlay(
        name=name,
        title=environment,
        upstream_name=environment,
        system_template=text.system_prompt,
        question_template=text.user_prompt,
        required=text.supervised_choice,
        rewarded=text.better_choice,
        sentences=SupervisionSentences(
            supervised=text.supervised_text, unsupervised=text.unsupervised_text, neutral=text.neutral_text
        ),
        **fields,
    )
