"""The table of tool usage beside the paper's Table 2."""

from atp_ray.measures.results import CellResult, Interval, Setting
from atp_ray.paradigms.tool_usage.tables import tool_usage_tables


def test_generated_problems_are_not_called_the_papers_and_odd_rates_are_explained() -> None:
    rate = Interval(0.5, 0.3, 0.7, 24, "wilson")
    setting = Setting("tiny", "embedded", 1, None, None, "tool_usage")
    result = CellResult(setting, (rate,), None, 24, 0, (rate,), 0, "pool embedded, not paper")
    (table,) = tool_usage_tables([result])
    assert "Usage rates of 6, 5, 3 and 2 % are no multiples of 1/24" in str(table.caption)
    assert "like the paper but for: pool embedded, not paper" in str(table.caption)
