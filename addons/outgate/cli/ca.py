"""`outgate ca`: the certificate authority by which workloads know the gateway. Its key is written once and never shown."""

import os
import ssl
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from outgate.cli.options import CERTIFICATE, CERTS

_ROOTS = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
"""Where Debian, Fedora and macOS keep them."""
_WITH_KEY = "mitmproxy-ca.pem"


@click.group()
def command() -> None:
    """Make or show the certificate authority that workloads trust."""


@command.command()
@click.option("--name", default="Outgate", show_default=True, help="Common name.")
@click.option("--days", default=825, show_default=True, type=click.IntRange(1, 3650), help="How long it is valid.")
@click.option("--force", is_flag=True, help="Replace the one that is there: every workload must then trust the new one.")
@CERTS
def init(*, name: str, days: int, force: bool, certs: Path) -> None:
    """Make a new authority (EC P-256). Refuses to replace one, exit code 1."""
    folder, target = certs, certs / _WITH_KEY
    if target.exists() and not force:
        raise click.ClickException(
            f"{target} is already there; --force replaces it, and nobody will trust the gateway until they trust the new one"
        )
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(name, days, key, datetime.now(UTC))
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    _write(target, private + public, 0o600)
    _write(folder / CERTIFICATE, public, 0o644)
    _write(folder / "mitmproxy-ca-cert.cer", public, 0o644)
    _show(folder, certificate)


@command.command()
@CERTS
def show(*, certs: Path) -> None:
    """Show fingerprint and dates, and how to trust it. Exit code 1 when there is none."""
    folder, path = certs, certs / CERTIFICATE
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read ({error.strerror}); `outgate ca init` makes one") from error
    except ValueError as error:
        raise click.ClickException(f"{path} holds no certificate") from error
    _show(folder, certificate)
    if certificate.not_valid_after_utc <= datetime.now(UTC):
        sys.exit("it has expired: make a new one with `outgate ca init --force`")


@command.command()
@CERTS
def bundle(*, certs: Path) -> None:
    """Print the roots of this machine and the authority, in PEM: for variables that replace the roots, as SSL_CERT_FILE does.

    Exit code 1 where either is missing.
    """
    known = (ssl.get_default_verify_paths().cafile, *_ROOTS)
    roots = next((path for path in known if path and Path(path).is_file()), None)
    if roots is None:
        raise click.ClickException("this machine has no file of roots; install ca-certificates, or name one in SSL_CERT_FILE")
    try:
        texts = [path.read_text(encoding="utf-8").rstrip() for path in (Path(roots), certs / CERTIFICATE)]
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}; `outgate ca init` makes an authority") from error
    click.echo("\n".join(texts))


def _certificate(name: str, days: int, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    """A self-signed authority that may sign server certificates, and no further authority (RFC 5280 section 4.2.1)."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Outgate")])
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    """Never readable by more than `mode` allows, at any moment."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.chmod(mode)
    beside.replace(path)


def _show(folder: Path, certificate: x509.Certificate) -> None:
    path = (folder / CERTIFICATE).resolve()
    click.echo(f"certificate   {path}")
    click.echo(f"subject       {certificate.subject.rfc4514_string()}")
    click.echo(f"sha256        {certificate.fingerprint(hashes.SHA256()).hex(':').upper()}")
    click.echo(f"valid         {certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}")
    click.echo("\nTo trust it, give it to the workload, and only to the workload:")
    click.echo(f"  curl     curl --cacert {path} …")
    click.echo(f"  Python   SSL_CERT_FILE={path}   (OpenAI and Anthropic SDKs; for requests REQUESTS_CA_BUNDLE={path})")
    click.echo(f"  Node     NODE_EXTRA_CA_CERTS={path} NODE_USE_ENV_PROXY=1")
    click.echo(f"  Go       SSL_CERT_FILE={path}")
