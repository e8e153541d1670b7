"""A fourth paradigm for tests: agents share a prize or take it; registered by ATP_RAY_PARADIGMS=toy=toy_paradigm."""
