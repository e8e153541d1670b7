"""Which network Torch's process group uses."""

import os

import psutil
import pytest

from tune_sweeps.node_address import GLOO_INTERFACE, VLLM_ADDRESS, interface_of, use_node_address


def test_the_interface_is_the_one_that_carries_the_nodes_address() -> None:
    interfaces = psutil.net_if_addrs()
    for name, found in interfaces.items():
        for entry in found:
            if entry.family.name == "AF_INET":
                assert interface_of(entry.address, interfaces) == name
    assert interface_of("127.0.0.1", interfaces) == "lo"


def test_an_address_that_no_interface_has_leaves_the_choice_to_gloo() -> None:
    assert interface_of("203.0.113.7", psutil.net_if_addrs()) is None


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GLOO_INTERFACE, "theirs0")
    monkeypatch.setenv(VLLM_ADDRESS, "10.9.8.7")
    use_node_address()
    assert (os.environ[GLOO_INTERFACE], os.environ[VLLM_ADDRESS]) == ("theirs0", "10.9.8.7")
