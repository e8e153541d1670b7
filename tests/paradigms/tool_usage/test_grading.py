"""Reading and comparing numeric answers: a table of forms, and what must hold for any number and any text."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest
from grading_forms import BOXED, REPLIES
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import PATIENCE_S

from atp_ray.paradigms.tool_usage.grading import TOLERANCE, grade, read_answer, same_number
from atp_ray.paradigms.tool_usage.number_reading import Number, read_number

# Beside the table: (answer, truth, right) where a word, a unit or a sign changes what the number is.
CLOSE_CALLS = [
    ("45%", "0.45%", False),
    ("45%", "45%", True),
    ("45% of the class", "0.45", True),
    ("45 percent of 20", "45", False),
    ("3.5 million", "3500000", True),
    ("3.5 million", "3.5", False),
    ("2 dozen eggs", "24", True),
    ("$1.5 billion", "1500000000", True),
    ("5xy", "5", False),
    ("5 x y", "5", False),
    ("2 pi r", "2", False),
    ("2 pi cm", "2", False),
    ("3 ln x", "3", False),
    ("5 squared", "5", False),
    ("4 factorial", "4", False),
    ("5 thirds", "5", False),
    ("5 if n is even", "5", False),
    ("12 cm^2", "12", True),
    (r"12\text{ cm}^2", "12", True),
    (r"12\ \mathrm{cm}^{2}", "12", True),
    ("12 x^2", "12", False),
    (r"3\cdot 10^{35}+1", "300000000000000000000000000000000001", True),
    (r"3\cdot 10^{35}+1", "300000000000000000000000000000000000", False),
]
WHERE_IT_STANDS = [
    ("**Answer**: 5", True),
    ("**Final Answer**: $5$", True),
    ("Final answer: The answer is 5", True),
    (r"\boxed {5}", True),
    (r"The answer is 5. \boxed{4", False),
    (r"\boxed{5} then \boxed{4", False),
    ("The answer is 5. Answer: 4", False),
]
# Each held sympy for longer than anyone waited.
ENDLESS = [
    r"2^{\frac{999999999}{1}}",
    "2^{99*99*99*99*99}",
    "9^{(99999*99999)}",
    "2^{9999+9999999999}",
    r"2^{-{99999999999}}",
    "2^{{999999999}}",
    r"\Gamma(99999999)",
    r"\exp(99999999)",
    r"\cosh{99999999}",
    "+9^{99}$999999999999*e",
    "9^{99} 999999999999*2",
    "(" * 60 + "0" + ")" * 60,
]

FRACTIONS = st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**4)


def test_the_table_is_long_and_has_no_two_opinions() -> None:
    forms = BOXED + REPLIES
    assert len(forms) >= 200
    assert sum(not right for _, _, right in forms) >= 80
    assert len({form[:2] for form in BOXED}) == len(BOXED)


@pytest.mark.parametrize(("answer", "truth", "right"), BOXED)
def test_a_boxed_answer_is_judged_as_a_careful_reader_would(answer: str, truth: str, right: bool) -> None:
    assert grade(f"So it is \\boxed{{{answer}}}", truth).correct is right


@pytest.mark.parametrize(("reply", "truth", "right"), REPLIES)
def test_the_final_answer_of_a_reply_is_found(reply: str, truth: str, right: bool) -> None:
    assert grade(reply, truth).correct is right


@pytest.mark.parametrize(("answer", "truth", "right"), CLOSE_CALLS)
def test_what_stands_beside_a_number_can_change_it(answer: str, truth: str, right: bool) -> None:
    assert grade(f"\\boxed{{{answer}}}", truth).correct is right


@pytest.mark.parametrize(("reply", "right"), WHERE_IT_STANDS)
def test_a_final_answer_is_found_in_markdown_and_never_behind_a_cut_off_box(reply: str, right: bool) -> None:
    assert grade(reply, "5").correct is right


@pytest.mark.parametrize("text", ENDLESS)
def test_what_would_take_for_ever_is_no_number(text: str) -> None:
    code = f"from atp_ray.paradigms.tool_usage.number_reading import read_number\nassert read_number({text!r}) is None"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=PATIENCE_S)


@pytest.mark.parametrize("filling", [" ", "\n", "answer is ", "\\boxed{", ". "])
def test_a_long_reply_is_read_at_all(filling: str) -> None:
    """Two million characters take a fifth of a second; a reader that looks back at each of them would take hours."""
    code = "\n".join(
        [
            "from atp_ray.paradigms.tool_usage.grading import read_answer",
            f"filling = {filling!r}",
            "read_answer(f'answer: x{filling * (2_000_000 // len(filling))}y')",
        ]
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=PATIENCE_S)


def test_a_truth_may_be_given_as_a_number() -> None:
    assert grade(r"\boxed{1/2}", 0.5).correct
    assert grade(r"\boxed{1/3}", Fraction(1, 3)).correct
    with pytest.raises(ValueError, match="not a number"):
        grade(r"\boxed{1}", float("nan"))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [("no idea", "no_answer"), (r"\boxed{x}", "not_a_number"), ("<think>1", "unfinished_thinking")],
)
def test_what_is_no_answer_has_a_reason_and_no_value(reply: str, reason: str) -> None:
    assert grade(reply, "1") == (None, False, reason)


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("The answer is **12**. I am sure.", "12"),
        ("**The answer is 12.**", "12"),
        ("The answer is _12_", "12"),
        ("Answer: `12`.", "12"),
        ("#### 3.5. Done. Really.", "3.5"),
        ("The answer is XII", "XII"),
    ],
)
def test_an_answer_is_told_without_its_sentence_and_markdown(reply: str, text: str) -> None:
    assert read_answer(reply).text == text


def test_a_truth_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ValueError, match="'many' is not a number"):
        grade(r"\boxed{1}", "many")


@given(st.integers(min_value=-(10**30), max_value=10**30))
def test_whole_numbers_are_read_exactly_in_every_form(value: int) -> None:
    forms = [
        str(value),
        f"{value:,}",
        f"${value}$",
        f"x = {value}",
        f"{value}.",
        f"\\text{{{value}}}",
        f"{value} apples",
    ]
    forms += [f"{value:,}".replace(",", "\\,"), f"{value:,}".replace(",", "{,}"), f"\\({value}\\)", f"{value}.000"]
    assert {read_number(form) for form in forms} == {Number(Fraction(value))}


@given(FRACTIONS)
def test_fractions_are_read_exactly_in_every_form(value: Fraction) -> None:
    top, bottom = abs(value.numerator), value.denominator
    sign = "-" if value < 0 else ""
    forms = [f"{sign}{top}/{bottom}", f"{sign}\\frac{{{top}}}{{{bottom}}}", f"{sign}\\dfrac{{{top}}}{{{bottom}}}"]
    assert {read_number(form) for form in forms} == {Number(value)}
    whole, rest = divmod(top, bottom)
    if rest and whole:
        mixed = [f"{sign}{whole} {rest}/{bottom}", f"{sign}{whole}\\frac{{{rest}}}{{{bottom}}}"]
        assert {read_number(form) for form in mixed} == {Number(value)}


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_decimals_and_percentages_are_read_exactly(value: object) -> None:
    assert read_number(f"{value}") == Number(Fraction(str(value)))
    assert read_number(f"{value}%") == Number(Fraction(str(value)), is_percent=True)


@given(FRACTIONS, FRACTIONS)
def test_comparing_is_symmetric_and_reflexive(a: Fraction, b: Fraction) -> None:
    assert same_number(Number(a), Number(a))
    assert same_number(Number(a), Number(b)) == same_number(Number(b), Number(a))


@given(FRACTIONS, st.fractions(min_value=0, max_value=2, max_denominator=1000))
def test_the_tolerance_is_absolute_and_exact(value: Fraction, share: Fraction) -> None:
    moved = value + share * Fraction(TOLERANCE)
    assert same_number(Number(value), Number(moved)) is (share <= 1)


@pytest.mark.slow
@settings(deadline=None, max_examples=400)
@given(st.text(max_size=300) | st.from_regex(r"[0-9a-z\\{}^*/+().,$% =-]{0,60}", fullmatch=True))
@example("9^9^9^9^9")
@example("\\frac{" * 60)
@example("((" * 90)
@example("10^{999999999}")
@example("sqrt(" * 30)
@example("2^{99}^{99}")
@example("\\sqrt{\\sqrt{\\sqrt{2^{99}}}}")
def test_any_text_is_read_without_an_exception(text: str) -> None:
    number = read_number(text)
    read_answer(text)
    grade(text, "1")
    assert number is None or isinstance(number.value, Fraction)


def test_plain_numbers_do_not_need_sympy() -> None:
    code = (
        "import sys\nfrom atp_ray.paradigms.tool_usage.grading import grade\n"
        r"grade('\\boxed{1,234}', '1234'), grade('\\boxed{3/4}', '0.75')"
        "\nassert 'sympy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
