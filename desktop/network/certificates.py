"""Certificates of the node and of its peers, and what TLS makes of them (PS3.15 B.12: TLS 1.2 or later)."""

import os
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from desktop.errors import UserFacingError

_YEARS = 10
_KEY_BITS = 2048
"""RSA, as older devices know nothing else."""


@dataclass(frozen=True)
class CertificateInfo:
    """What a person compares. sha256: of the certificate itself, in groups of two hex digits."""

    subject: str
    expires: datetime
    sha256: str


def make(title: str, now: datetime) -> tuple[str, str]:
    """A certificate of our own, signed by itself, and its key, both PEM; valid for ten years."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(_host_name(title))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), private.decode()


def describe(pem: str) -> CertificateInfo:
    """The first certificate of a PEM text. Raises UserFacingError `network.certificate_unreadable`."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise UserFacingError("network.certificate_unreadable") from error
    digest = certificate.fingerprint(hashes.SHA256()).hex()
    return CertificateInfo(
        certificate.subject.rfc4514_string(),
        certificate.not_valid_after_utc,
        " ".join(digest[place : place + 4] for place in range(0, len(digest), 4)),
    )


def server_context(certificate: str, private_key: str, trusted: Sequence[str]) -> ssl.SSLContext:
    """For those who call us. trusted: PEM; where there is any, every caller has to prove that it is one of them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, certificate, private_key)
    if any(trusted):
        _trust(context, trusted)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(certificate: str, private_key: str, trusted: str) -> ssl.SSLContext:
    """For a peer that we call. trusted: PEM; it must prove that it is this one. Devices have addresses, not names, so a
    certificate's host name says nothing here."""
    if not trusted:
        raise UserFacingError("network.peer_needs_certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    _trust(context, (trusted,))
    if certificate and private_key:
        _load(context, certificate, private_key)
    return context


def _trust(context: ssl.SSLContext, trusted: Sequence[str]) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A device's own certificate is trusted as it is, whoever signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cadata="\n".join(filter(None, trusted)))
    except (ssl.SSLError, ValueError) as error:
        raise UserFacingError("network.certificate_unreadable") from error


def _load(context: ssl.SSLContext, certificate: str, private_key: str) -> None:
    """OpenSSL reads keys from files only; ours lies there encrypted, for as long as it takes to read it."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    password = os.urandom(32).hex().encode()
    try:
        key = load_pem_private_key(private_key.encode(), None)
        sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
        with tempfile.TemporaryDirectory() as folder:
            chain = Path(folder) / "certificate.pem"
            chain.write_bytes(sealed + b"\n" + certificate.encode())
            context.load_cert_chain(chain, password=password)
    except (ssl.SSLError, ValueError, TypeError) as error:
        raise UserFacingError("network.certificate_unreadable") from error


def _host_name(title: str) -> str:
    """An AE title as a host name may look."""
    name = "".join(letter if letter.isalnum() else "-" for letter in title.casefold()).strip("-")
    return name or "lantern"
