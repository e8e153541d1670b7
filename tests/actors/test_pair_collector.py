"""Collecting pairs from the real engine: every pair holds what was wished, a second run asks only what is missing."""

import pytest

from actors.endpoint_client import EndpointClient
from actors.model_clients import ServeClient
from actors.pair_collector import PairCollector
from atp_ray.alignment.elicitation import wished_reply
from atp_ray.alignment.pairs import PairLog
from atp_ray.alignment.training_prompts import training_prompts
from atp_ray.checkpoint.profiles import EndpointProfile
from atp_ray.errors import EngineError, SpendingError
from atp_ray.play.sampling import Sampling

SAMPLING = Sampling(max_tokens=96)


@pytest.mark.parametrize("paradigm", ["games", "role_play", "tool_usage"])
async def test_every_pair_is_one_aligned_and_one_deviant_reply(tiny_engine, tmp_path, paradigm) -> None:
    prompts = training_prompts(paradigm, 5)
    log = PairLog(tmp_path / "pairs.jsonl")
    collector = PairCollector(ServeClient(tiny_engine), "tiny", SAMPLING, "plain", tries=30)
    seen: list[int] = []
    collected = await collector.collect(prompts, log, seen.append)
    assert seen == list(range(1, 6))
    assert collected.pairs + len(collected.given_up) == 5
    assert collected.pairs >= 2
    for prompt in prompts:
        if (pair := log.pairs.get(prompt.prompt_id)) is not None:
            assert wished_reply(prompt, "chosen", pair.chosen) == pair.chosen
            assert wished_reply(prompt, "rejected", pair.rejected) == pair.rejected
            assert pair.prompt == prompt.messages[1]["content"]
            assert min(pair.chosen_tries, pair.rejected_tries) >= 1
    log.close()
    whole = (tmp_path / "pairs.jsonl").read_text()
    again = PairLog(tmp_path / "pairs.jsonl")
    assert (await collector.collect(prompts, again)).pairs == collected.pairs
    again.close()
    assert (tmp_path / "pairs.jsonl").read_text() == whole


async def test_a_collection_that_is_stopped_by_a_limit_finishes_what_it_began_and_goes_on_to_the_same(
    tiny_engine, tmp_path
) -> None:
    prompts = training_prompts("role_play", 6)
    kept = {}
    for name, limits in (("whole", (None,)), ("parts", (1, 1, None))):
        log = PairLog(tmp_path / name)
        for limit in limits:
            made = (ServeClient(tiny_engine), "tiny", SAMPLING, "plain")
            collector = PairCollector(*made, tries=30, at_once=2, most_tokens=limit)
            if limit is None:
                usage = (await collector.collect(prompts, log)).usage
                assert usage.requests == 0 or usage.prompt_tokens > usage.completion_tokens > 0
            else:
                before = len(log.pairs)
                with pytest.raises(
                    SpendingError, match=r"--max-tokens-total 1: [\d,]+ are spent, \d+ prompts are left"
                ):
                    await collector.collect(prompts, log)
                assert before < len(log.pairs) <= before + 2
        kept[name] = log.pairs
        log.close()
    assert kept["parts"] == kept["whole"]


async def test_a_model_that_is_not_there_ends_the_collection_in_one_line(tmp_path) -> None:
    client = EndpointClient(EndpointProfile(name="openai:nobody", model="nobody", base_url="http://127.0.0.1:1/v1"))
    collector = PairCollector(client, "nobody", SAMPLING, "plain", tries=1)
    log = PairLog(tmp_path / "pairs.jsonl")
    with pytest.raises(EngineError, match="collected so far are kept"):
        await collector.collect(training_prompts("games", 2), log)
    log.close()
