"""The question of a run and its answer in a few sentences, made from the results by the rules below. The only place.

1. A rate *climbs* (*falls*) if its 95 % interval in the last round lies wholly above (below) that in the first round;
   else there is no clear change: a description, not a test. A checkpoint is *below* the first one if the paired
   difference is negative with p at most 0.05 after Holm's correction (`atp_ray.measures.comparisons`).
2. An episode *tips* in the first round from which its deviant rate stays above one half (`atp_ray.measures.tips`); one
   that is above it in every round has not changed, and is counted apart. A setting tips where its pooled rate does.
3. With one checkpoint the answer says in which settings the rate climbs, falls or does neither; with several, for each
   but the first, where it is below the first one in round 1, where it still is in the last, and where it climbs.
4. Where options are told by their shares, the answer says on which of them populations settle
   (`atp_ray.report.html.share_answer`); nothing climbs or tips.
5. Settings are named with their numbers while there are few, otherwise counted; the table has all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from atp_ray.measures.comparisons import ALL_SETTINGS
from atp_ray.measures.estimates import Comparison
from atp_ray.measures.results import CellResult, Interval, interval_note, values
from atp_ray.measures.tips import tip
from atp_ray.paradigms.registry import paradigm
from atp_ray.report.comparing import Compared
from atp_ray.report.comparison_table import SIGNIFICANT, estimate_text
from atp_ray.report.html.share_answer import share_question, share_sentences, share_table
from atp_ray.report.html.tables import Column, HtmlTable, Row, shortened
from atp_ray.report.html.texts import joined, quantity
from atp_ray.report.texts import percent_text

MOST_NAMED = 2
MOST_VARIANTS = 3
RULE = (
    "A rate climbs (falls) where its interval in the last round lies wholly above (below) that in the first; a "
    "checkpoint is below another where their paired difference has p of at most 0.05 after Holm\u2019s correction."
)
Course = Literal["climbs", "falls", "no clear change"]


class Answer(NamedTuple):
    """The question, its answer in sentences, how sure it is, and for a run the numbers setting by setting."""

    question: str
    sentences: tuple[str, ...]
    uncertainty: str
    table: HtmlTable | None = None


class TipCounts(NamedTuple):
    """Of how many episodes how many tipped after round 1, and were above one half in all rounds."""

    n_episodes: int
    n_later: int
    n_from_start: int


def answer(results: Sequence[CellResult], tipped: TipCounts, compared: Compared | None = None) -> Answer:
    """Return the question a run asks and what its results answer.

    Args:
        results: at least one cell.
        tipped: the tips of the run's episodes.
        compared: the run's checkpoints beside the first one, where there are several.
    """
    if all(result.options for result in results):
        uncertainty = f"In brackets: {interval_note(results)}."
        sentences_of_shares = tuple(share_sentences(results))
        return Answer(share_question(results), sentences_of_shares, uncertainty, share_table(results))
    base = None if compared is None else compared.base
    sentences: list[str] = []
    for name in dict.fromkeys(result.setting.paradigm for result in results):
        rows = [row for row in compared.rows if row.paradigm == name and row.base == base] if compared else []
        cells = [result for result in results if result.setting.paradigm == name]
        sentences += _variants(cells, rows, base) if base and rows else _alone(cells)
    sentences.append(_tipped(results, tipped))
    uncertainty = f"In brackets: {interval_note(results)}. {RULE}"
    return Answer(question(results, base), tuple(filter(None, sentences)), uncertainty, _table(results))


def question(results: Sequence[CellResult], base: str | None) -> str:
    """Return the question in a sentence."""
    rates = " and ".join(dict.fromkeys(_rate_name(result) for result in results))
    names = [str(name) for name in values(results, "checkpoint")]
    last = max(len(result.rates_R) for result in results)
    if base in names and len(names) > 1:
        others = joined([name for name in names if name != base])
        return (
            f"Is the {rates} of {others} below that of {base} in round 1, and is it still in round {last}, when agents "
            "learn from nothing but what happened in earlier rounds?"
        )
    return (
        f"How does the {rates} of {joined(names)} change from round 1 to round {last}, when agents learn from nothing "
        "but what happened in earlier rounds?"
    )


def course(first: Interval, last: Interval) -> Course:
    """Return what happens from the first to the last round (rule 1)."""
    if last.low > first.high:
        return "climbs"
    return "falls" if last.high < first.low else "no clear change"


def _alone(cells: Sequence[CellResult]) -> list[str]:
    """Return what happens to one checkpoint, or to each where there is no base."""
    sentences = []
    for name in values(cells, "checkpoint"):
        own = [cell for cell in cells if cell.setting.checkpoint == name]
        ends = [(cell, *_ends(cell)) for cell in own if len(cell.rates_R) > 1]
        known = [(cell, first, last) for cell, first, last in ends if first is not None and last is not None]
        rate, n_rounds = _rate_name(own[0]), max(len(cell.rates_R) for cell in own)
        if not known:
            rates = [cell.rates_R[0] for cell in own if cell.rates_R]
            told = f": {_percent(rates[0])}" if len(rates) == 1 and rates[0] else ""
            sentences.append(f"Too few rounds were decided to see a change in the {rate} of {name}{told}.")
        elif len(known) == 1:
            sentences.append(_one_setting(str(name), *known[0]))
        else:
            by_course: dict[Course, list[str]] = {}
            for cell, first, last in known:
                told = f"{_label(cell)}: {_percent(first)} to {_percent(last)}"
                by_course.setdefault(course(first, last), []).append(told)
            clear = [
                f"{verb} in {_of(by_course[verb], len(known))}" for verb in ("climbs", "falls") if by_course.get(verb)
            ]
            rest = len(by_course.get("no clear change", ()))
            start = f"From round 1 to round {n_rounds} the {rate} of {name}"
            if clear:
                told = f" In {quantity(rest, 'setting')} there is no clear change." if rest else ""
                sentences.append(f"{start} {' and '.join(clear)}.{told}")
            else:
                told = _few(by_course["no clear change"])
                sentences.append(f"{start} changes clearly in none of {len(known)} settings ({told}).")
    return sentences


def _one_setting(name: str, cell: CellResult, first: Interval, last: Interval) -> str:
    change = course(first, last)
    verb = "shows no clear change," if change == "no clear change" else change
    ends = f"from {_percent(first)} in round 1 to {_percent(last)} in round {len(cell.rates_R)}"
    return f"The {_rate_name(cell)} of {name} {verb} {ends}."


def beside(name: str, base: str, rows: Sequence[Comparison]) -> str:
    """Return where a checkpoint starts below the base, where it still is below, and by how much over all settings.

    Args:
        rows: all comparisons of the checkpoint with the base, of one paradigm.
    """
    # A plan may test a setting more than once: the first test of it is told.
    first_rows = reversed([row for row in rows if row.measure == "first_round" and row.numbers is not None])
    first = list(reversed({row.setting: row for row in first_rows}.values()))
    if not first:
        return f"{name} shares no finished setting with {base}."
    lower = [row for row in first if _is_lower(row)]
    if not lower:
        where = f"any of {len(first)} settings" if len(first) > 1 else "round 1"
        return f"{name} does not start clearly below {base} in {where}.{_over_all(rows)}"
    told = [f"{row.setting}: {estimate_text(row)} points" for row in lower]
    left = {row.setting for row in rows if row.measure == "last_round" and _is_lower(row)}
    n_still = sum(row.setting in left for row in lower)
    verb = "is" if n_still == 1 else "are"
    still = f"of these, {n_still or 'none'} {verb} still below in the last round"
    return f"{name} starts below {base} in {_of(told, len(first))}; {still}.{_over_all(rows)}"


def _variants(cells: Sequence[CellResult], rows: Sequence[Comparison], base: str) -> list[str]:
    """Return a sentence or two for each checkpoint but the base, with where its rate climbs."""
    names = [str(name) for name in values(cells, "checkpoint") if name != base]
    rate = _rate_name(cells[0])
    sentences = []
    for name in names[:MOST_VARIANTS]:
        own = [row for row in rows if row.checkpoint == name]
        both = [_ends(cell) for cell in cells if cell.setting.checkpoint == name]
        courses = [course(start, end) for start, end in both if start and end]
        settings = quantity(len(courses), "setting")
        climbs = f" From first to last round its {rate} climbs in {courses.count('climbs') or 'none'} of {settings}."
        sentences.append(beside(name, base, own) + (climbs if own else ""))
    if (more := len(names) - MOST_VARIANTS) > 0:
        sentences.append(f"{quantity(more, 'more checkpoint')} are in the tables.")
    return sentences


def _is_lower(row: Comparison) -> bool:
    clear = row.p_adjusted is not None and row.p_adjusted <= SIGNIFICANT
    return clear and row.estimate is not None and row.estimate < 0


def _over_all(own: Sequence[Comparison]) -> str:
    """Return the differences over all settings in a sentence, nothing where there is one setting."""
    found = {str(row.measure): row for row in own if row.setting == ALL_SETTINGS}
    if "first_round" not in found or "last_round" not in found:
        return ""
    told = " and ".join(
        f"{estimate_text(found[measure])} points in {when} round"
        for measure, when in (("first_round", "the first"), ("last_round", "the last"))
    )
    eroded = found.get("erosion")
    share = "" if eroded is None or eroded.estimate is None else f" (erosion {estimate_text(eroded)} %)"
    return f" Over all settings the difference is {told}{share}."


def _tipped(results: Sequence[CellResult], tipped: TipCounts) -> str:
    if not tipped.n_episodes:
        return ""
    settings = [f"{_named(r, results)} in round {found}" for r in results if (found := setting_tip(r)) and found > 1]
    whole = f". As a whole, these settings tip: {_few(settings)}" if settings and len(results) > 1 else ""
    verb = "was" if tipped.n_from_start == 1 else "were"
    start = f"; {tipped.n_from_start:,} {verb} above it in every round" if tipped.n_from_start else ""
    later = f"{tipped.n_later:,}" if tipped.n_later else "none"
    named = " (tipped)" if tipped.n_later else ""
    return (
        f"Of {quantity(tipped.n_episodes, 'episode')}, {later} rose above one half after round 1 and stayed "
        f"there{named}{start}{whole}."
    )


def setting_tip(result: CellResult) -> int | None:
    """Return the round in which a setting's pooled rate tips, None where it does not."""
    return tip([rate.rate if rate else float("nan") for rate in result.rates_R])


def _table(results: Sequence[CellResult]) -> HtmlTable:
    rows = []
    for result in results:
        first, last = _ends(result)
        change = course(first, last) if first and last and len(result.rates_R) > 1 else "-"
        texts = (percent_text(first), percent_text(last), change, str(setting_tip(result) or "-"))
        rows.append(Row((result.setting.checkpoint, _label(result), *texts)))
    columns = (
        Column("checkpoint"), Column("setting"), Column("first round", "end"), Column("last round", "end"),
        Column("first to last"), Column("tips in round", "end"),
    )  # fmt: skip
    rates = " and ".join(dict.fromkeys(_rate_name(result) for result in results))
    caption = f"First and last round of every setting: {rates} in % (95 % interval)"
    return shortened(HtmlTable(caption, columns, tuple(rows), "Tips in round 1: above one half in all rounds."))


def _ends(result: CellResult) -> tuple[Interval | None, Interval | None]:
    return (result.rates_R[0], result.rates_R[-1]) if result.rates_R else (None, None)


def _of(told: Sequence[str], n_settings: int) -> str:
    return f"{len(told)} of {quantity(n_settings, 'setting')} ({_few(told)})"


def _few(told: Sequence[str]) -> str:
    more = len(told) - MOST_NAMED
    return "; ".join([*told[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _named(result: CellResult, results: Sequence[CellResult]) -> str:
    several = len(values(results, "checkpoint")) > 1
    return f"{result.setting.checkpoint} at {_label(result)}" if several else _label(result)


def _percent(rate: Interval) -> str:
    return f"{100 * rate.rate:.1f} % ({100 * rate.low:.0f}\u2013{100 * rate.high:.0f})"


def _rate_name(result: CellResult) -> str:
    return paradigm(result.setting.paradigm).presentation.terms.rate


def _label(result: CellResult) -> str:
    return paradigm(result.setting.paradigm).presentation.setting_label(result.setting)
