r"""Objects that are almost JSON: what is read of them, and where they end."""

import pytest

from atp_ray.play.lenient_json import read_object


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        # What has no key belongs to the value before it, also at the very end.
        ('{"choice": "A", "B"}', [("choice", ["A", "B"])]),
        ("{choice: keep, share}", [("choice", ["keep", "share"])]),
        ("{choice: A, B, C}", [("choice", ["A", "B", "C"])]),
        ("{choice: A, B", [("choice", ["A", "B"])]),
        ("{choice: A, X, why: none}", [("choice", ["A", "X"]), ("why", "none")]),
        ('{choice: A, "B, or so", why: none}', [("choice", ["A", "B, or so"]), ("why", "none")]),
        # Brackets without a key say nothing, and what follows them is read on.
        ('{choice: A, {"choice": "B"}, why: none}', [("choice", "A"), ("why", "none")]),
        ("{choice: A, [B, C], why: none}", [("choice", "A"), ("why", "none")]),
        # A quote, a brace or a backslash in a value is part of it.
        (r'{"choice": "keep \"it\"", why: none}', [("choice", 'keep "it"'), ("why", "none")]),
        (r"{'choice': 'don\'t', why: none}", [("choice", "don't"), ("why", "none")]),
        (r'{"choice": "\u004B\u006beep\nit"}', [("choice", "Kkeep it")]),
        (r'{choice: "share\_it"}', [("choice", "share_it")]),
        ('{"choice": "A {as "said", or} so"}', [("choice", 'A {as "said", or} so')]),
    ],
)
def test_a_person_would_read_it_so(text: str, pairs: list) -> None:
    read = read_object(text, 0)
    assert read is not None
    assert list(read.pairs) == pairs
    assert read.closed == text.endswith("}")
    assert read.end == len(text)


def test_braces_before_an_object_say_nothing_of_it() -> None:
    text = '{} {"choice": "A {as "said", or} so"}'
    read = read_object(text, 3)
    assert read is not None
    assert (list(read.pairs), read.end, read.closed) == ([("choice", 'A {as "said", or} so')], len(text), True)


def test_a_value_whose_quote_was_only_opened_is_not_there() -> None:
    read = read_object(r'{"why": "none", "choice": "\"', 0)
    assert read is not None
    assert (list(read.pairs), read.closed) == ([("why", "none")], False)
