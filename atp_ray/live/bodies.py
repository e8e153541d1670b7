"""The body that makes a simulation: one model for each paradigm, found by what the body names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Union

from pydantic import Field, GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema

from atp_ray.config_files import config_names, configs_dir, load_yaml, parse_model
from atp_ray.errors import UsageError, suggestion
from atp_ray.live.schemas import NewSimulation
from atp_ray.paradigms.registry import paradigm, paradigms
from atp_ray.paradigms.requests import paradigm_of, require_fields


def preset_names() -> list[str]:
    """Return the presets there are."""
    return config_names("presets")


def parse_simulation(fields: Mapping[str, Any], where: str = "simulation") -> NewSimulation:
    """Return a simulation that is asked for: its paradigm found, and what is left out taken from its preset.

    Raises:
        UsageError: an unknown preset, a field that does not belong to the paradigm, or one out of its bounds.
    """
    whole = _whole(fields, where)
    return parse_model(_model(whole["paradigm"]), whole, where)


class _AnyParadigm:
    """Makes pydantic, and with it the API's description, take the body of any paradigm, presets filled in."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # Put together here, when all paradigms are known.
        kinds: Any = Union[tuple(_model(room.name) for room in paradigms())]  # noqa: UP007
        union = handler.generate_schema(Annotated[kinds, Field(discriminator="paradigm")])
        return core_schema.no_info_before_validator_function(_read_body, union)


SimulationBody = Annotated[NewSimulation, _AnyParadigm()]


def _read_body(body: Any) -> Any:
    """Return a whole body, or say in one line what is wrong with it as a whole.

    Raises:
        ValueError: an unknown preset, paradigm or scenario, or a field of another paradigm.
    """
    if not isinstance(body, Mapping):
        raise ValueError("a simulation is described by an object")
    try:
        return _whole(body, "{}")
    except UsageError as error:
        raise ValueError(str(error)) from error


def _whole(fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the fields with those of their preset and the name of their paradigm, all of them fields it has."""
    merged = _with_preset(fields)
    room = paradigm_of(merged)
    require_fields(room, merged, lambda other: _model(other.name), where)
    return merged | {"paradigm": room.name}


def _with_preset(body: Mapping[str, Any]) -> dict[str, Any]:
    if (preset := body.get("preset")) is None:
        return dict(body)
    if preset not in preset_names():
        raise UsageError(f"unknown preset '{preset}'", "preset", suggestion(str(preset), preset_names()))
    data: dict[str, Any] = load_yaml(configs_dir() / "presets" / f"{preset}.yaml")
    if body.keys() & {"scenario", "paradigm"} and (own := paradigm_of(data)).name != paradigm_of(body).name:
        raise UsageError(f"preset '{preset}' is for {own.title}", "scenario", "Leave out the preset or the scenario")
    if "players" in body and "n_agents" not in body:
        data.pop("n_agents", None)
    return data | dict(body) | {"preset": None}


@cache
def _model(paradigm_name: str) -> type[NewSimulation]:
    request = paradigm(paradigm_name).design.request_model
    name = "".join(part.capitalize() for part in paradigm_name.split("_"))
    bases: Any = (request, NewSimulation)  # what the paradigm says of a field counts
    made: type[NewSimulation] = create_model(f"New{name}Simulation", __base__=bases, __doc__=request.__doc__)
    example = {"name": "a first one", "scenario": request.model_fields["scenario"].default, "rounds": 6}
    made.model_config["json_schema_extra"] = {"examples": [example]}
    made.model_rebuild(force=True)
    return made
