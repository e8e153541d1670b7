"""How tokens, dollars and durations are written for people."""

from __future__ import annotations

MILLION = 1_000_000


def tokens_text(tokens: int) -> str:
    """Return a number of tokens, in millions from ten of them on."""
    return f"{tokens / MILLION:,.1f}M tokens" if tokens >= 10 * MILLION else f"{tokens:,} tokens"


def dollars_text(dollars: float | None) -> str:
    """Return an amount, to the cent or to four digits below a dollar; `-` where it is not known."""
    if dollars is None:
        return "-"
    return f"${dollars:,.2f}" if dollars >= 1 or dollars == 0 else f"${dollars:.4f}"


def duration_text(seconds: float) -> str:
    """Return a duration in seconds, or in hours from one on."""
    return f"{seconds / 3600:.2f} h" if seconds >= 3600 else f"{seconds:.0f} s"
