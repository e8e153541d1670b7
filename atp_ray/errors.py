"""The error model.

Everything a user can cause or cure is an `AtpError`: one clear line that says what is wrong, where,
and what to do. The commands print that line and leave with exit code 2; the HTTP layer turns it into a
4xx problem body. Anything else is a bug and keeps its traceback.

A failed *turn* is not an exception but a record (`atp_ray.play.decisions.TurnFailure`): it is logged and counted,
and never becomes text in a transcript. Errors cross process boundaries, so each one pickles with its fields.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AtpError(Exception):
    """A problem the user can act on.

    Args:
        what: what is wrong, without a trailing full stop.
        where: the file, key or option concerned.
        hint: what to do about it.
    """

    def __init__(self, what: str, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what, where, hint)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}" if self.where else self.what
        return f"{line}. {self.hint}" if self.hint else line

    def __reduce__(self) -> tuple[type[AtpError], tuple[str, str | None, str | None]]:
        return (type(self), (self.what, self.where, self.hint))


class UsageError(AtpError):
    """An argument, name or configuration file is wrong."""


class NotFoundError(UsageError):
    """What was asked for does not exist."""


class ConflictError(UsageError):
    """It cannot be done as things stand; a later try may succeed."""


class LimitError(UsageError):
    """More was asked for than the service allows."""


class SpendingError(AtpError):
    """A run reached a limit on what it may take; what it has computed is kept."""


class ScopeError(AtpError):
    """A checkpoint was asked something outside what it was trained on."""


class StorageError(AtpError):
    """A run folder cannot be read or written."""


class EngineError(AtpError):
    """The model engine or its deployment failed to start or stopped answering."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `Did you mean ...?` for a near miss, else the list of known names."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Known: {', '.join(names)}" if names else "None are known"
