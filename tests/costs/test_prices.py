"""What tokens cost: the price list, profiles and settings, and that unknown is never 0."""

import pytest

from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.checkpoint.price_changes import split_prices, with_prices, with_recorded_prices
from atp_ray.checkpoint.profiles import EndpointProfile, TokenPrice
from atp_ray.costs.prices import Rates, Tariff, tariff_of, tariffs_of
from atp_ray.costs.usage import Usage
from atp_ray.errors import UsageError

OPENAI = "https://api.openai.com/v1"
USED = Usage(requests=10, prompt_tokens=2_000_000, completion_tokens=1_000_000)


def endpoint(model: str = "gpt-4o-mini", base_url: str = OPENAI, **fields) -> EndpointProfile:
    return EndpointProfile(name=f"openai:{model}", model=model, base_url=base_url, **fields)


def test_a_hosted_model_costs_what_the_list_says() -> None:
    tariff = tariff_of(endpoint())
    assert tariff.payment == "tokens"
    assert tariff.source.startswith("genai-prices ")
    assert tariff.source.endswith(": openai/gpt-4o-mini")
    assert tariff.price is not None
    assert 0 < tariff.price.input < tariff.price.output
    assert tariff.dollars(USED) == pytest.approx(2 * tariff.price.input + tariff.price.output)


@pytest.mark.parametrize(
    ("model", "base_url"),
    [("nonsense", OPENAI), ("gpt-4o-mini", "http://127.0.0.1:8000/v1"), ("text-embedding-3-small", OPENAI)],
)
def test_an_unknown_price_is_unknown_and_not_0(model, base_url) -> None:
    tariff = tariff_of(endpoint(model, base_url))
    assert tariff == Tariff(payment="unknown", source=f"no price known for {model} at {base_url}")
    assert tariff.dollars(USED) is None
    assert Rates(tariffs={"it": tariff}, gpu_hour=2).dollars({"it": USED}, gpu_seconds=3600) is None


def test_a_profiles_own_price_wins() -> None:
    own = TokenPrice(input=1, output=3)
    assert tariff_of(endpoint(price=own)) == Tariff(payment="tokens", source="its profile", price=own)
    assert tariff_of(endpoint(price=own)).dollars(USED) == 5
    tiny = resolve_checkpoint("tiny").model_copy(update={"price": own})
    assert tariff_of(tiny).dollars(USED) == 5


def test_policies_cost_nothing_and_own_cpus_have_no_dollars() -> None:
    rates = Rates(tariffs=tariffs_of([resolve_checkpoint("policy:quantal"), resolve_checkpoint("tiny")]))
    assert rates.dollars({"policy:quantal": Usage()}, gpu_seconds=0) == 0
    assert rates.dollars({"tiny": USED}, gpu_seconds=0) is None
    assert rates.unpriced() == ["tiny"]


def test_gpu_hours_become_dollars_where_they_have_a_price() -> None:
    tariffs = tariffs_of([resolve_checkpoint("tiny"), endpoint(price=TokenPrice(input=1, output=3))])
    assert Rates(tariffs=tariffs).dollars({"tiny": USED}, gpu_seconds=3600) is None
    priced = Rates(tariffs=tariffs, gpu_hour=2.5)
    assert priced.unpriced() == []
    assert priced.dollars({"tiny": USED}, gpu_seconds=7200) == 5
    assert priced.dollars({"tiny": USED, "openai:gpt-4o-mini": USED}, gpu_seconds=7200) == 10


def test_settings_price_every_checkpoint_but_policies() -> None:
    prices, others = split_prices(["price.input=0.15", "rounds=2", "price.output=0.6"])
    assert others == ("rounds=2",)
    names = ("tiny", "policy:quantal")
    changed = with_prices({name: resolve_checkpoint(name) for name in names}, prices)
    assert changed["tiny"].price == TokenPrice(input=0.15, output=0.6)
    assert changed["policy:quantal"] == resolve_checkpoint("policy:quantal")
    assert with_prices(changed, ["price.input=0.3"])["tiny"].price == TokenPrice(input=0.3, output=0.6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["price.input=0.15"], "output: Field required. Give dollars per million tokens"),
        (["price.input=-1", "price.output=1"], "input: Input should be greater than or equal to 0"),
        (["price.inptu=1", "price.output=1"], "unknown key 'inptu'"),
    ],
)
def test_half_a_price_is_refused(settings, message) -> None:
    with pytest.raises(UsageError, match=message):
        with_prices({"tiny": resolve_checkpoint("tiny")}, settings)


def test_a_resumed_run_keeps_its_prices_unless_told_others() -> None:
    tiny = resolve_checkpoint("tiny")
    recorded = {"tiny": tiny.model_copy(update={"price": TokenPrice(input=1, output=2)}).model_dump(mode="json")}
    assert with_recorded_prices({"tiny": tiny}, recorded)["tiny"].price == TokenPrice(input=1, output=2)
    told = tiny.model_copy(update={"price": TokenPrice(input=5, output=6)})
    assert with_recorded_prices({"tiny": told}, recorded)["tiny"] == told
    assert with_recorded_prices({"tiny": tiny}, None)["tiny"] == tiny
