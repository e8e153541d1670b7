"""The embedded pools: word problems of at most three steps, and problems whose truth takes a computation.

Every problem is made from a template and a seed; its answer is computed here, and again by the one-line program that
comes with it (which is what a teacher writes into the tool). Nothing is taken from anybody's dataset.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from atp_ray.play.problems import Difficulty, Problem
from atp_ray.play.randomness import derive_seed

SOURCE = "generated"
MOST_KNOWN = 50  # known problems in a row before the templates count as used up
NAMES = ("Ana", "Ben", "Caro", "Dev", "Elif", "Finn")
THINGS = ("apples", "pens", "shells", "stamps", "cards", "beads")


class GeneratedProblem(NamedTuple):
    """A problem, a program that prints its answer, and the arithmetic operations it takes to solve by hand."""

    problem: Problem
    program: str
    operations: int


class _Draft(NamedTuple):
    text: str
    answer: int | Fraction
    program: str
    operations: int


_Template = Callable[[np.random.Generator], _Draft]


def generate_problems(difficulty: Difficulty, count: int, seed: int = 0) -> list[GeneratedProblem]:
    """Return `count` problems with different texts; the same arguments give the same problems.

    Raises:
        ValueError: more problems are asked for than the templates have.
    """
    rng = np.random.default_rng(derive_seed("problems", difficulty, seed))
    templates = SIMPLE if difficulty == "simple" else COMPLEX
    found: dict[str, _Draft] = {}
    attempt = known = 0
    while len(found) < count:
        draft = templates[attempt % len(templates)](rng)
        attempt += 1
        known = known + 1 if draft.text in found else 0
        if known > MOST_KNOWN:
            raise ValueError(f"the templates do not give {count} different {difficulty} problems")
        found.setdefault(draft.text, draft)
    return [_finish(draft, difficulty, seed, index) for index, draft in enumerate(found.values())]


def _finish(draft: _Draft, difficulty: Difficulty, seed: int, index: int) -> GeneratedProblem:
    problem = Problem(
        problem_id=f"{SOURCE}-{difficulty}-{seed}-{index}",
        text=draft.text,
        answer=str(draft.answer),
        difficulty=difficulty,
        source=SOURCE,
    )
    return GeneratedProblem(problem, draft.program, draft.operations)


def _between(rng: np.random.Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


def _pick(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[int(rng.integers(len(words)))]


def _more(rng: np.random.Generator) -> _Draft:
    name, things, a, b = _pick(rng, NAMES), _pick(rng, THINGS), _between(rng, 2, 60), _between(rng, 2, 30)
    text = f"{name} has {a} {things} and buys {b} more. How many {things} does {name} have now?"
    return _Draft(text, a + b, f"print({a} + {b})", 1)


def _fewer(rng: np.random.Generator) -> _Draft:
    name, things, a = _pick(rng, NAMES), _pick(rng, THINGS), _between(rng, 10, 60)
    b = _between(rng, 2, a - 1)
    text = f"{name} has {a} {things} and gives {b} of them away. How many {things} are left?"
    return _Draft(text, a - b, f"print({a} - {b})", 1)


def _boxes(rng: np.random.Generator) -> _Draft:
    things, a, b = _pick(rng, THINGS), _between(rng, 2, 20), _between(rng, 2, 12)
    return _Draft(f"A box holds {a} {things}. How many {things} are in {b} boxes?", a * b, f"print({a} * {b})", 1)


def _share(rng: np.random.Generator) -> _Draft:
    things, each, b = _pick(rng, THINGS), _between(rng, 2, 15), _between(rng, 2, 10)
    text = f"{each * b} {things} are shared equally among {b} friends. How many {things} does each friend get?"
    return _Draft(text, each, f"print({each * b} // {b})", 1)


def _packs(rng: np.random.Generator) -> _Draft:
    name, things, a, b = _pick(rng, NAMES), _pick(rng, THINGS), _between(rng, 2, 9), _between(rng, 3, 12)
    c = _between(rng, 1, a * b - 1)
    text = f"{name} buys {a} packs of {b} {things} and loses {c} of them. How many {things} are left?"
    return _Draft(text, a * b - c, f"print({a} * {b} - {c})", 2)


def _change(rng: np.random.Generator) -> _Draft:
    name, things, a, b = _pick(rng, NAMES), _pick(rng, THINGS), _between(rng, 2, 9), _between(rng, 2, 9)
    paid = 100 if a * b > 40 else 50
    text = f"{name} buys {b} {things} at {a} dollars each and pays with {paid} dollars. How many dollars come back?"
    return _Draft(text, paid - a * b, f"print({paid} - {a} * {b})", 2)


def _journey(rng: np.random.Generator) -> _Draft:
    a, b, c = 10 * _between(rng, 2, 12), _between(rng, 2, 6), _between(rng, 5, 60)
    text = f"A train runs {a} km an hour for {b} hours and then {c} km more. How many km does it run in all?"
    return _Draft(text, a * b + c, f"print({a} * {b} + {c})", 2)


def _committee(rng: np.random.Generator) -> _Draft:
    n = _between(rng, 8, 30)
    k = _between(rng, 3, min(n - 3, 9))
    text = f"In how many ways can a committee of {k} be chosen from {n} people?"
    return _Draft(text, math.comb(n, k), f"import math; print(math.comb({n}, {k}))", 2 * k - 1)


def _arrangement(rng: np.random.Generator) -> _Draft:
    n, k = _between(rng, 6, 14), _between(rng, 2, 4)
    text = f"In how many ways can {n} different books stand on a shelf if {k} particular ones must stay together?"
    answer = math.factorial(n - k + 1) * math.factorial(k)
    program = f"import math; print(math.factorial({n} - {k} + 1) * math.factorial({k}))"
    return _Draft(text, answer, program, n - 1)


def _remainder(rng: np.random.Generator) -> _Draft:
    base, power, modulus = _between(rng, 2, 50), _between(rng, 20, 400), _between(rng, 7, 99)
    text = f"What is the remainder when {base} to the power {power} is divided by {modulus}?"
    operations = 2 * power.bit_length()
    return _Draft(text, pow(base, power, modulus), f"print(pow({base}, {power}, {modulus}))", operations)


def _divisors(rng: np.random.Generator) -> _Draft:
    n = 12 * _between(rng, 10, 700)
    text = f"How many positive divisors does {n} have?"
    answer = sum(2 if d * d < n else 1 for d in range(1, math.isqrt(n) + 1) if n % d == 0)
    return _Draft(text, answer, f"from sympy import divisor_count; print(divisor_count({n}))", math.isqrt(n))


def _coprime(rng: np.random.Generator) -> _Draft:
    n = _between(rng, 60, 999)
    text = f"How many integers from 1 to {n} have no common divisor with {n} but 1?"
    answer = sum(1 for k in range(1, n + 1) if math.gcd(k, n) == 1)
    return _Draft(text, answer, f"from sympy import totient; print(totient({n}))", 12)


def _recurrence(rng: np.random.Generator) -> _Draft:
    p, q, r, n = _between(rng, 1, 9), _between(rng, 1, 9), _between(rng, 2, 4), _between(rng, 8, 15)
    text = (
        f"A sequence starts {p}, {q}, and each further term is {r} times the last one plus the one before. "
        f"What is its term number {n}?"
    )
    a, b = p, q
    for _ in range(n - 2):
        a, b = b, r * b + a
    program = f"a, b = {p}, {q}\nfor _ in range({n} - 2): a, b = b, {r} * b + a\nprint(b)"
    return _Draft(text, b, program, 2 * (n - 2))


def _system(rng: np.random.Generator) -> _Draft:
    a, b, d, e = (_between(rng, 2, 19) for _ in range(4))
    if a * e == b * d:
        e += 1
    x, y = _between(rng, -30, 30), _between(rng, -30, 30)
    c, f = a * x + b * y, d * x + e * y
    text = f"What is x if {a}x + {b}y = {c} and {d}x + {e}y = {f}?"
    program = f"from fractions import Fraction; print(Fraction({c} * {e} - {b} * {f}, {a} * {e} - {b} * {d}))"
    return _Draft(text, Fraction(c * e - b * f, a * e - b * d), program, 7)


def _multiples(rng: np.random.Generator) -> _Draft:
    n, a, b = _between(rng, 100, 999), _between(rng, 3, 9), _between(rng, 10, 19)
    text = f"What is the sum of all integers from 1 to {n} that {a} or {b} divides?"
    answer = sum(k for k in range(1, n + 1) if k % a == 0 or k % b == 0)
    program = f"print(sum(k for k in range(1, {n} + 1) if k % {a} == 0 or k % {b} == 0))"
    return _Draft(text, answer, program, 12)


SIMPLE: tuple[_Template, ...] = (_more, _fewer, _boxes, _share, _packs, _change, _journey)
COMPLEX: tuple[_Template, ...] = (
    _committee, _arrangement, _remainder, _divisors, _coprime, _recurrence, _system, _multiples,
)  # fmt: skip
