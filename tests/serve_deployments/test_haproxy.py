"""HAProxy's settings: whatever stands behind it listens where no other service does."""

from pathlib import Path

from serve_deployments.haproxy import haproxy_settings


def test_serves_own_proxy_and_replicas_have_ports_of_their_own(tmp_path: Path) -> None:
    settings = haproxy_settings(tmp_path)
    fallback = int(settings["RAY_SERVE_FALLBACK_PROXY_HTTP_PORT"])
    first, last = (int(settings[f"RAY_SERVE_DIRECT_INGRESS_{end}_HTTP_PORT"]) for end in ("MIN", "MAX"))
    assert fallback < first < last
    # What Ray takes without being told, and so would a second service.
    assert not {8404, 8500, 9101, 30_000} & {fallback, *range(first, last + 1)}
    assert all(
        value.startswith(str(tmp_path)) for name, value in settings.items() if "HAPROXY" in name and "/" in value
    )
