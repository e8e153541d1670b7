"""A fitted response as a file: everything that is needed to play it, and what it was fitted on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

import atp_ray
from atp_ray.config_files import Frozen
from atp_ray.errors import StorageError, UsageError
from atp_ray.responses.families import Family, Model
from atp_ray.responses.fitting import Fitted
from atp_ray.responses.interactions import Selection
from atp_ray.responses.responder import Responder
from atp_ray.responses.window_codes import WindowCodes

OF_RUN = "response"  # where a response to a run keeps what it has in common with one to a table
LABEL = "A response model fitted to the interactions of {model}; it is not {model} itself."


class FittedOn(Frozen):
    """What a response was fitted on."""

    source: str
    model: str
    experiments: tuple[str, ...]
    n_agents: int | None
    runs: int
    decisions: int


class CandidateLoss(Frozen):
    """A family with a penalty and its log-loss on runs it was not fitted on, in nats per decision."""

    family: Family
    penalty: float
    held_out_loss: float


class CalibrationBins(Frozen):
    """Predicted and observed shares of runs that were held out, in ten bins of the prediction; `decisions` in each.

    `error` is the mean difference, weighted by decisions; `worst` that of the worst bin with a hundredth of them.
    """

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    decisions: tuple[int, ...]
    error: float
    worst: float


class Response(Frozen):
    """How a checkpoint chooses among names, given its last `memory` interactions.

    `coefficients` are the numbers of `family` in their order; `bootstrap` has the same for each bootstrap sample
    of the runs. `base_loss` is the held-out log-loss of the names' shares, whatever was seen. `calibration` is missing
    in files of earlier versions.
    """

    format: Literal[1] = 1
    paradigm: str = Field(default="conventions", description="Whose episodes it plays.")
    label: str
    names: tuple[str, ...] = Field(min_length=2)
    memory: int = Field(ge=1)
    family: Family
    penalty: float
    coefficients: tuple[float, ...]
    bootstrap: tuple[tuple[float, ...], ...] = Field(min_length=1)
    fitted_on: FittedOn
    candidates: tuple[CandidateLoss, ...]
    base_loss: float
    calibration: CalibrationBins | None = None
    version: str

    @model_validator(mode="after")
    def _lengths_agree(self) -> Response:
        lengths = {len(draw) for draw in (self.coefficients, *self.bootstrap)}
        if len(lengths) > 1:
            raise ValueError(f"coefficients of different lengths: {sorted(lengths)}")
        return self

    @property
    def codes(self) -> WindowCodes:
        """The numbering of the windows it responds to."""
        return WindowCodes(len(self.names), self.memory)

    @property
    def model(self) -> Model:
        """The fitted model."""
        return Model(self.family, len(self.names), np.array(self.coefficients))

    def responder(self) -> Responder:
        """Return what plays.

        Raises:
            UsageError: it was fitted with other features than this version has.
        """
        return Responder(self.model.chances, self.codes)

    def drawn(self) -> Iterator[Responder]:
        """Yield what each bootstrap sample plays."""
        for draw in self.bootstrap:
            model = Model(self.family, len(self.names), np.array(draw))
            yield Responder(model.chances, self.codes)

    def number(self, name: str, flag: str) -> int:
        """Return the index of a name.

        Raises:
            UsageError: it is none of the names; `flag` is where it was given.
        """
        if name not in self.names:
            raise UsageError(f"'{name}' is not one of the names", flag, f"Known: {', '.join(self.names)}")
        return self.names.index(name)


def make_response(
    source: Path, selection: Selection, memory: int, n_runs: int, n_decisions: int, fit: Fitted
) -> Response:
    """Return a fit as a response that can be written."""
    return Response(
        label=LABEL.format(model=selection.model),
        names=selection.names,
        memory=memory,
        family=fit.best.family,
        penalty=fit.best.penalty,
        coefficients=tuple(fit.model.parameters_P.tolist()),
        bootstrap=tuple(tuple(draw.tolist()) for draw in fit.bootstrap),
        fitted_on=FittedOn(
            source=source.name,
            model=selection.model,
            experiments=selection.experiments,
            n_agents=selection.n_agents,
            runs=n_runs,
            decisions=n_decisions,
        ),
        candidates=tuple(CandidateLoss(**candidate._asdict()) for candidate in fit.candidates),
        base_loss=fit.base_loss,
        calibration=CalibrationBins(
            predicted=tuple(fit.calibration.predicted_B.tolist()),
            observed=tuple(fit.calibration.observed_B.tolist()),
            decisions=tuple(fit.calibration.n_B.astype(int).tolist()),
            error=fit.calibration.error,
            worst=fit.calibration.worst,
        ),
        version=atp_ray.__version__,
    )


def write_response(path: Path, response: Frozen) -> None:
    """Write a response, of whatever kind, as JSON.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(response.model_dump_json(indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", str(path), "Choose another --out") from error


def read_response(path: Path) -> Response:
    """Return a response to names that `write_response` wrote, from a table of interactions or from a run.

    Raises:
        UsageError: there is no such file, or it holds no response.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        of_run = data.get(OF_RUN) if isinstance(data, dict) else None
        return Response.model_validate(of_run or data)
    except json.JSONDecodeError as error:
        what = f"is no JSON: line {error.lineno}: {error.msg}"
        raise UsageError(what, str(path), "Give a file that `foresight fit` wrote") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"cannot be read: {reason}", str(path), "Give a file that `foresight fit` wrote") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        what = f"is no response: {where}: {first['msg']}" if where else "is no response"
        raise UsageError(what, str(path), "Give a file that `foresight fit` wrote") from error
