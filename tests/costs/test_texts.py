"""How amounts are written."""

from atp_ray.costs.texts import dollars_text, duration_text, tokens_text


def test_amounts_are_as_precise_as_they_are_large() -> None:
    assert [tokens_text(n) for n in (0, 9_999_999, 10_000_000)] == ["0 tokens", "9,999,999 tokens", "10.0M tokens"]
    assert [dollars_text(d) for d in (None, 0, 0.01234, 1234.5)] == ["-", "$0.00", "$0.0123", "$1,234.50"]
    assert [duration_text(s) for s in (59.6, 3600)] == ["60 s", "1.00 h"]
