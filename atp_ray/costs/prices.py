"""What tokens of a checkpoint cost, and who says so: its profile, the price list, or nobody.

An unknown price is unknown and never 0. The price list is the one that `genai-prices` carries with it: nothing is
fetched. An endpoint is looked up by its address, as the same model costs something else at somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from atp_ray.checkpoint.profiles import EndpointProfile, Modelless, Profile, TokenPrice
from atp_ray.config_files import Frozen
from atp_ray.costs.usage import Usage, Usages

MILLION = 1_000_000
SAMPLE_TOKENS = 1000  # of a usual request: some lists ask more for the longest prompts
SECONDS_PER_HOUR = 3600

# Who is paid: by the token; nobody knows what; the machine, by the hour; nobody.
Payment = Literal["tokens", "unknown", "machine", "nothing"]


class Tariff(Frozen):
    """How a checkpoint is paid for; `price` is there where it is by the token, `source` says who says so."""

    payment: Payment
    source: str
    price: TokenPrice | None = None

    def dollars(self, usage: Usage) -> float | None:
        """Return what tokens cost, None where they have no price."""
        if self.payment == "nothing":
            return 0.0
        if self.price is None:
            return None
        return (usage.prompt_tokens * self.price.input + usage.completion_tokens * self.price.output) / MILLION


class Rates(Frozen):
    """All prices of a run: of each checkpoint's tokens, and of a GPU for an hour (None: not told)."""

    tariffs: Mapping[str, Tariff] = {}
    gpu_hour: float | None = None

    def dollars(self, usages: Usages, gpu_seconds: float) -> float | None:
        """Return what a run costs, None as soon as a price is unknown or nothing of it has one."""
        asked = {self.tariffs[name].payment if name in self.tariffs else "unknown" for name in usages}
        if "unknown" in asked or (gpu_seconds > 0 and self.gpu_hour is None):
            return None
        if asked == {"machine"} and gpu_seconds == 0:
            return None  # CPUs of one's own: tokens and seconds, no dollars
        by_token = sum(self.tariffs[name].dollars(usage) or 0.0 for name, usage in usages.items())
        return by_token + gpu_seconds / SECONDS_PER_HOUR * (self.gpu_hour or 0.0)

    def unpriced(self) -> list[str]:
        """Return the checkpoints whose dollars cannot be known: no price, or a machine of one's own without one."""
        unknown = ("unknown",) if self.gpu_hour is not None else ("unknown", "machine")
        return [name for name, tariff in self.tariffs.items() if tariff.payment in unknown]


def tariffs_of(profiles: Iterable[Profile]) -> dict[str, Tariff]:
    """Return how each checkpoint is paid for, by the profile's name."""
    return {profile.name: tariff_of(profile) for profile in profiles}


def tariff_of(profile: Profile) -> Tariff:
    """Return how a checkpoint is paid for."""
    if isinstance(profile, Modelless):
        return Tariff(payment="nothing", source="a policy")
    if profile.price is not None:
        return Tariff(payment="tokens", source="its profile", price=profile.price)
    if isinstance(profile, EndpointProfile):
        return _listed(profile)
    return Tariff(payment="machine", source="no price by the token: it runs on own machines")


def _listed(profile: EndpointProfile) -> Tariff:
    # Imported here: the list takes a while to load, and only an endpoint is looked up in it.
    import genai_prices

    request = genai_prices.Usage(input_tokens=SAMPLE_TOKENS, output_tokens=SAMPLE_TOKENS)
    try:
        found = genai_prices.calc_price(request, profile.model, provider_api_url=profile.base_url)
    except LookupError:
        return _unknown(profile)
    if found.model_price.input_mtok is None or found.model_price.output_mtok is None:
        return _unknown(profile)
    scale = MILLION // SAMPLE_TOKENS
    price = TokenPrice(input=float(found.input_price * scale), output=float(found.output_price * scale))
    source = f"genai-prices {genai_prices.__version__}: {found.provider.id}/{found.model.id}"
    return Tariff(payment="tokens", source=source, price=price)


def _unknown(profile: EndpointProfile) -> Tariff:
    return Tariff(payment="unknown", source=f"no price known for {profile.model} at {profile.base_url}")
