import ssl

from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from mitmproxy.certs import CertStore

from outgate.cli.main import cli


def run(*args):
    return CliRunner().invoke(cli, ["ca", *map(str, args)])


def test_init_makes_an_authority_whose_key_only_its_owner_reads(tmp_path):
    folder = tmp_path / "certs"
    result = run("init", "--certs", folder)

    assert 0 == result.exit_code, result.output
    assert 0o600 == (folder / "mitmproxy-ca.pem").stat().st_mode & 0o777
    assert "PRIVATE KEY" not in result.output
    assert b"PRIVATE" not in (folder / "mitmproxy-ca-cert.pem").read_bytes()
    certificate = x509.load_pem_x509_certificate((folder / "mitmproxy-ca-cert.pem").read_bytes())
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (True, True, 0) == (basic.critical, basic.value.ca, basic.value.path_length)


def test_the_proxy_takes_it_and_clients_trust_what_it_signs(tmp_path):
    assert 0 == run("init", "--certs", tmp_path).exit_code
    store = CertStore.from_store(tmp_path, "mitmproxy", 2048)
    certificate = x509.load_pem_x509_certificate((tmp_path / "mitmproxy-ca-cert.pem").read_bytes())
    context = ssl.create_default_context(cafile=tmp_path / "mitmproxy-ca-cert.pem")

    assert certificate.fingerprint(hashes.SHA256()) == store.default_ca.to_cryptography().fingerprint(hashes.SHA256())
    leaf = store.get_cert("api.openai.com", [x509.DNSName("api.openai.com")]).cert.to_cryptography()
    leaf.verify_directly_issued_by(certificate)
    assert 1 == len(context.get_ca_certs())


def test_init_never_replaces_an_authority_silently(tmp_path):
    assert 0 == run("init", "--certs", tmp_path).exit_code
    before = (tmp_path / "mitmproxy-ca.pem").read_bytes()
    result = run("init", "--certs", tmp_path)

    assert 1 == result.exit_code
    assert "--force" in result.output
    assert before == (tmp_path / "mitmproxy-ca.pem").read_bytes()
    assert 0 == run("init", "--certs", tmp_path, "--force").exit_code
    assert before != (tmp_path / "mitmproxy-ca.pem").read_bytes()


def test_show_tells_fingerprint_dates_and_how_to_trust_it(tmp_path):
    assert 0 == run("init", "--certs", tmp_path).exit_code
    result = run("show", "--certs", tmp_path)
    fingerprint = x509.load_pem_x509_certificate((tmp_path / "mitmproxy-ca-cert.pem").read_bytes()).fingerprint(hashes.SHA256())

    assert 0 == result.exit_code
    assert fingerprint.hex(":").upper() in result.output
    for word in ("valid", "curl --cacert", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
        assert word in result.output


def test_show_without_one_says_how_to_make_it(tmp_path):
    result = run("show", "--certs", tmp_path)

    assert 1 == result.exit_code
    assert "ca init" in result.output


def test_show_of_a_broken_one(tmp_path):
    (tmp_path / "mitmproxy-ca-cert.pem").write_text("x")

    assert 1 == run("show", "--certs", tmp_path).exit_code


def test_a_bundle_has_the_roots_of_the_machine_and_the_authority(tmp_path, monkeypatch):
    assert 0 == run("init", "--certs", tmp_path / "other", "--name", "Root").exit_code
    assert 0 == run("init", "--certs", tmp_path).exit_code
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other" / "mitmproxy-ca-cert.pem"))
    (tmp_path / "bundle.pem").write_text(run("bundle", "--certs", tmp_path).output)

    subjects = [dict(pair for pairs in each["subject"] for pair in pairs) for each in _trusted(tmp_path / "bundle.pem")]
    assert {"Root", "Outgate"} == {subject["commonName"] for subject in subjects}
    assert (1, True) == ((found := run("bundle", "--certs", tmp_path / "none")).exit_code, "ca init" in found.output)


def _trusted(path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(path)
    return context.get_ca_certs()
