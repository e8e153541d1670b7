"""The body that makes a simulation: one model for each paradigm, found by what the body names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Union

from pydantic import Discriminator, GetCoreSchemaHandler, Tag, create_model
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
    merged = _with_preset(fields)
    room = paradigm_of(merged)
    require_fields(room, merged, lambda other: _model(other.name), where)
    return parse_model(_model(room.name), merged, where)


class _AnyParadigm:
    """Makes pydantic, and with it the API's description, take the body of any paradigm."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        models: list[Any] = [Annotated[_model(room.name), Tag(room.name)] for room in paradigms()]
        kinds: Any = Union[tuple(models)]  # noqa: UP007  # put together here, when all of them are known
        tagged = Discriminator(
            _tag, custom_error_type="no_object", custom_error_message="a simulation is described by an object"
        )
        union = handler.generate_schema(Annotated[kinds, tagged])
        return core_schema.no_info_before_validator_function(_checked, union)


SimulationBody = Annotated[NewSimulation, _AnyParadigm()]


def _checked(body: Any) -> Any:
    """Refuse in one line what is wrong with a body as a whole; the rest is for its paradigm's model to say.

    Raises:
        ValueError: an unknown preset, paradigm or scenario, or a field of another paradigm.
    """
    if not isinstance(body, Mapping):
        return body
    try:
        merged = _with_preset(body)
        require_fields(paradigm_of(merged), merged, lambda other: _model(other.name), "{}")
    except UsageError as error:
        raise ValueError(str(error)) from error
    return body


def _tag(body: Any) -> str | None:
    """Return the paradigm of a body that passed `_checked`."""
    if isinstance(body, NewSimulation):
        return body.paradigm
    return paradigm_of(_with_preset(body)).name if isinstance(body, Mapping) else None


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
