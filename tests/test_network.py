"""Tests run with the network off, and would say if one of them needed it."""

import socket

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "huggingface.co"])
def test_whatever_asks_the_network_fails_its_test(host):
    with pytest.raises(RuntimeError, match=f"asks the network for {host}"):
        socket.create_connection((host, 443), timeout=1)
