"""A node with a certificate is spoken to by TLS, and one whose certificate nobody vouches for is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certificates import certify
from tests.cli.shell import Shell
from tests.node.nodes import RunningNode


@pytest.fixture
def certificate(home: Path) -> tuple[Path, Path]:
    """A certificate of this machine that vouches for itself, and its key."""
    return certify(home)


def test_a_node_with_a_certificate_is_reached_by_those_who_trust_it(certificate, shell: Shell, home: Path):
    pem, key = map(str, certificate)
    token = shell.ok("token", "create", "jack").strip()
    with RunningNode(home / "postroom", home, arguments=["--certificate", pem, "--key", key]) as node:
        assert node.url.startswith("https://127.0.0.1:")
        known = {"POSTROOM_URL": node.url, "POSTROOM_TOKEN": token, "POSTROOM_HOME": str(home / "far")}
        assert "jack: delivered" in shell.ok("send", "jack", "to myself", SSL_CERT_FILE=pem, **known)
        done = shell("send", "jack", "to myself", **known)
        assert (done.code, "its certificate is not trusted" in done.err) == (69, True), done
        plain = shell("profile", **known | {"POSTROOM_URL": node.url.replace("https", "http")})
        assert plain.code in {69, 75}, plain
