"""The paper's filters on GSM8K and OpenThoughts: what counts as a simple problem, and what as a complex one."""

from __future__ import annotations

import re

from atp_ray.paradigms.tool_usage.number_reading import read_number

MOST_STEPS = 3
LARGEST_NUMBER = 1000
MOST_WORDS = 50
LONGEST_COMPLEX = 2000  # characters; longer ones carry figures or code that a text problem cannot show
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_STEP = re.compile(r"<<[^<>]*>>")
_COMPLEX_TOPICS = re.compile(
    r"\b(?:how many ways|in how many|permutation|combination|arrang|choose|probability|remainder|divisib|divisor|"
    r"modul|integer|prime|polynomial|root|equation|sequence|recurr|sum of|product of|series|matrix|logarithm)",
    re.IGNORECASE,
)


def gsm8k_answer(solution: str) -> str | None:
    """Return the number after `####` in a GSM8K solution, None where there is none."""
    _, marker, answer = solution.rpartition("####")
    return answer.strip().replace(",", "") if marker and read_number(answer.strip()) is not None else None


def is_simple(question: str, solution: str) -> bool:
    """Return whether a GSM8K problem takes at most 3 steps, 50 words, and no number above 1000 (paper, appendix).

    Steps are the calculations GSM8K marks with `<<...>>`; numbers are those of question and solution.
    """
    numbers = [float(found.replace(",", "")) for found in _NUMBER.findall(question + " " + solution)]
    steps = len(_STEP.findall(solution))
    return 1 <= steps <= MOST_STEPS and len(question.split()) <= MOST_WORDS and max(numbers) <= LARGEST_NUMBER


def is_complex(question: str, answer: str) -> bool:
    """Return whether an OpenThoughts problem is of the paper's kind: combinatorics, algebra, several steps, one number.

    The paper names the kind but no rule; ours is a list of topics, a length and a readable number as the answer.
    """
    return (
        len(question) <= LONGEST_COMPLEX
        and _COMPLEX_TOPICS.search(question) is not None
        and read_number(answer) is not None
    )
