"""The service on a machine so busy that Serve takes its HTTP proxy for dead and replaces it."""

from live_service import LiveService


def test_it_waits_for_the_proxy_that_replaces_a_slow_one(tmp_path) -> None:
    # No Python process starts in so little; Serve gives each new proxy a little more.
    hasty = {"RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "0.2", "RAY_SERVE_PROXY_GRACEFUL_SHUTDOWN_TIMEOUT_S": "0.1"}
    service = LiveService(tmp_path / "state", "--agents", "1", **hasty)
    try:
        with service.client() as client:
            assert client.health().checkpoints
    finally:
        service.stop()
