"""Problem pools: the generated one is right and has two classes, the paper's are filtered, local files are checked."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest

from atp_ray.errors import UsageError
from atp_ray.paradigms.tool_usage.grading import grade
from atp_ray.paradigms.tool_usage.number_reading import read_number
from atp_ray.paradigms.tool_usage.problem_pools import generated
from atp_ray.paradigms.tool_usage.problem_pools.filters import gsm8k_answer, is_complex, is_simple
from atp_ray.paradigms.tool_usage.problem_pools.generated import COMPLEX, SIMPLE, generate_problems
from atp_ray.paradigms.tool_usage.problem_pools.pools import deal_problems, embedded_pool, embedded_texts, load_pools
from atp_ray.play.problems import Difficulty

GSM8K = [
    ("Ann has 3 pens and buys 4. How many?", "3+4=<<3+4=7>>7\n#### 7"),
    ("Ann buys 30 packs of 50 pens. How many?", "30*50=<<30*50=1500>>1500\n#### 1,500"),
    ("A long way. How many?", "<<1+1=2>>2 <<2+1=3>>3 <<3+1=4>>4 <<4+1=5>>5\n#### 5"),
    ("word " * 51 + "How many?", "<<1+1=2>>\n#### 2"),
    ("How many?", "<<1+1=2>>\n#### two"),
    ("Ben eats 1 of 2 cakes. How many are left?", "2-1=<<2-1=1>>1\n#### 1"),
]


@pytest.mark.parametrize("difficulty", ["simple", "complex"])
def test_every_answer_is_what_its_program_prints(difficulty: Difficulty) -> None:
    for made in generate_problems(difficulty, 400, seed=3):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(made.program, {})
        assert grade(f"\\boxed{{{printed.getvalue().strip()}}}", made.problem.answer).correct, made


def test_the_embedded_pools_have_the_papers_sizes_and_no_problem_twice() -> None:
    simple, hard = embedded_pool("simple"), embedded_pool("complex")
    assert (len(simple), len(hard)) == (500, 300)
    assert len(embedded_texts()) == 800
    assert len({problem.problem_id for problem in (*simple, *hard)}) == 800
    assert embedded_pool("simple") == simple


def test_the_two_classes_differ() -> None:
    simple, hard = (generate_problems(difficulty, 300, seed=1) for difficulty in ("simple", "complex"))
    # The paper's bounds on simple problems hold, and no complex problem is done in so few operations.
    assert max(made.operations for made in simple) <= 3
    assert min(made.operations for made in hard) > 3
    assert max(len(made.problem.text.split()) for made in simple) <= 50
    numbers = [float(made.problem.answer) for made in simple]
    assert max(numbers) <= 1000
    assert np.median([made.operations for made in hard]) >= 5 * np.median([made.operations for made in simple])
    assert {made.problem.difficulty for made in hard} == {"complex"}
    assert len(SIMPLE) >= 5
    assert len(COMPLEX) >= 5


def test_asking_for_more_than_there_are_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generated, "MOST_KNOWN", 5)  # sooner than after fifty known ones in a row
    with pytest.raises(ValueError, match="do not give"):
        generate_problems("simple", 10**6)


def test_problems_are_dealt_once_and_the_same_way_for_a_seed() -> None:
    pools = load_pools("embedded")
    dealt = deal_problems(pools, agents=24, rounds=4, simple_problems=2, seed=0)
    ids = [p.problem_id for agent in dealt for played in agent for p in (*played.simple, *played.complex)]
    assert len(ids) == len(set(ids)) == 24 * 4 * 3
    assert dealt == deal_problems(pools, 24, 4, 2, 0) != deal_problems(pools, 24, 4, 2, 1)
    with pytest.raises(UsageError, match="has 300 complex problems but 400 are needed"):
        deal_problems(pools, 100, 4, 1, 0)


def test_gsm8k_is_filtered_as_in_the_paper() -> None:
    assert [gsm8k_answer(solution) for _, solution in GSM8K] == ["7", "1500", "5", "2", None, "1"]
    assert [is_simple(question, solution) for question, solution in GSM8K] == [True, False, False, False, True, True]


@pytest.mark.parametrize(
    ("question", "answer", "wanted"),
    [
        ("In how many ways can 5 people sit in a row?", "120", True),
        ("What is the remainder when 7^100 is divided by 13?", "9", True),
        ("Prove that there are infinitely many primes.", "see above", False),
        ("What colour is the sky?", "5", False),
        ("Find the sum of the roots of the polynomial. " * 80, "5", False),
    ],
)
def test_openthoughts_is_filtered_by_topic_length_and_answer(question: str, answer: str, wanted: bool) -> None:
    assert is_complex(question, answer) is wanted


def write_lines(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_local_copies_of_the_papers_datasets_are_read_through_datasets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    write_lines(tmp_path / "gsm8k" / "train.jsonl", [{"question": q, "answer": a} for q, a in GSM8K])
    rows = [
        {
            "problem": "In how many ways can 5 people sit?",
            "ground_truth_solution": "It is \\boxed{120}",
            "domain": "math",
        },
        {"problem": "In how many ways? Write code.", "ground_truth_solution": "\\boxed{3}", "domain": "code"},
        {"problem": "In how many ways?", "ground_truth_solution": "many", "domain": "math"},
    ]
    write_lines(tmp_path / "openthoughts" / "train.jsonl", rows)
    pools = load_pools(f"paper:{tmp_path}")
    assert [(p.problem_id, p.answer, p.source) for p in pools["simple"]] == [
        ("gsm8k-0", "7", "gsm8k"),
        ("gsm8k-5", "1", "gsm8k"),
    ]
    assert [(p.text, p.answer) for p in pools["complex"]] == [("In how many ways can 5 people sit?", "120")]


def test_a_dataset_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is not a folder.*pool=embedded needs neither") as caught:
        load_pools(f"paper:{tmp_path}")
    assert "\n" not in str(caught.value)


def test_another_dataset_in_its_place_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    for name in ("gsm8k", "openthoughts"):
        write_lines(tmp_path / name / "train.jsonl", [{"foo": "bar"}])
    with pytest.raises(UsageError, match="has no column 'question'"):
        load_pools(f"paper:{tmp_path}")


def test_a_folder_of_ones_own_problems(tmp_path: Path) -> None:
    for name in ("simple", "complex"):
        write_lines(tmp_path / f"{name}.jsonl", [{"text": f"What is 6 x 7, {name}?", "answer": "42"}])
    pools = load_pools(str(tmp_path))
    assert pools["complex"][0].text == "What is 6 x 7, complex?"
    assert read_number(pools["simple"][0].answer) is not None


@pytest.mark.parametrize(
    ("line", "complaint"),
    [("{", "simple.jsonl:1: is not valid JSON"), ('{"text": "x"}', "needs the keys text and answer"),
     ('{"text": "x", "answer": "blue"}', "'blue' is not a number")],
)  # fmt: skip
def test_a_damaged_line_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    for name in ("simple", "complex"):
        (tmp_path / f"{name}.jsonl").write_text(line + "\n")
    with pytest.raises(UsageError, match=complaint):
        load_pools(str(tmp_path))


def test_an_unknown_pool_is_one_line() -> None:
    with pytest.raises(UsageError, match="unknown problem pool 'embeded'"):
        load_pools("embeded")
