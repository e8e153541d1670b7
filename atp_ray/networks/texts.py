"""Networks as short texts, for the command line and result tables: `ring`, `watts_strogatz:k=4,p=0.1`."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter

from atp_ray.errors import suggestion
from atp_ray.networks.kinds import (
    KINDS,
    BarabasiAlbert,
    Complete,
    EdgeList,
    Lattice,
    Ring,
    StochasticBlock,
    WattsStrogatz,
)

_NAMES = [str(model.model_fields["kind"].default) for model in KINDS]
_CONTINUED = re.compile(r"\s*[a-z_]+=")  # `p=0.1` belongs to the network before it


def _read(value: Any) -> Any:
    """Return a text as the fields it names; anything else as it is."""
    if not isinstance(value, str):
        return value
    kind, _, rest = value.strip().partition(":")
    if kind not in _NAMES:
        raise ValueError(f"unknown network '{kind}'. {suggestion(kind, _NAMES)}")
    if kind == "edge_list":
        return {"kind": kind, "file": rest.removeprefix("file=") or None}
    fields: dict[str, Any] = {"kind": kind}
    for part in filter(None, rest.split(",")):
        name, equals, text = part.partition("=")
        if not equals:
            raise ValueError(f"'{part}' is not NAME=NUMBER, as in watts_strogatz:k=4,p=0.1")
        fields[name.strip()] = _value(text.strip())
    return fields


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text  # the field says what it takes


_AnyKind = Annotated[
    Complete | Ring | Lattice | WattsStrogatz | BarabasiAlbert | StochasticBlock | EdgeList,
    Field(discriminator="kind"),
]
Network = Annotated[_AnyKind, BeforeValidator(_read, json_schema_input_type=_AnyKind | str)]
_ADAPTER: TypeAdapter[Any] = TypeAdapter(Network)


def read_network(text: str) -> Network:
    """Return the network of a text that `str` wrote.

    Raises:
        ValueError: it names none.
    """
    network: Network = _ADAPTER.validate_python(text)
    return network


def split_networks(values: Any) -> Any:
    """Return the networks that a list, one network, or a text with commas names, still to be validated.

    A comma inside a text is either between two networks or between two numbers of one: `NAME=` follows the latter.
    """
    networks: list[Any] = []
    for value in values if isinstance(values, list | tuple) else [values]:
        for part in value.split(",") if isinstance(value, str) else [value]:
            if isinstance(part, str) and _CONTINUED.match(part) and networks and isinstance(networks[-1], str):
                networks[-1] += f",{part}"
            else:
                networks.append(part)
    return networks


Networks = Annotated[tuple[Network, ...], BeforeValidator(split_networks)]  # several, as an axis of a grid
