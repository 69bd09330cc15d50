"""A node with a certificate is spoken to by TLS, and one whose certificate nobody vouches for is not."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.cli.shell import Shell
from tests.node.nodes import RunningNode


@pytest.fixture
def certificate(home: Path) -> tuple[Path, Path]:
    """A certificate of this machine that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "postroom.test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = home / "node.pem", home / "node.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return paths


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
