from datetime import UTC, datetime

from outgate.identity.workloads import Expired, JwtTrust, Workload, Workloads, digest_of, entry_of

TRUST = JwtTrust(issuer="iss", audience="aud", jwks_file="k", claims=(("sub", "a"),))
ALPHA = Workload(
    name="alpha",
    tenant="t1",
    groups=frozenset({"g"}),
    token_hashes=frozenset({digest_of("one"), digest_of("two")}),
    certificates=frozenset({"spiffe://x/alpha"}),
    jwt=(TRUST,),
)
BETA = Workload(name="beta", token_hashes=frozenset({digest_of("three")}))
KNOWN = Workloads([ALPHA, BETA])


def test_a_token_finds_its_workload():
    found = KNOWN.by_token("alpha", "two", 0.0)

    assert found is not None
    assert ("alpha", "t1", frozenset({"g"}), "token") == (found.name, found.tenant, found.groups, found.method)


def test_a_token_without_a_name_finds_its_workload():
    found = KNOWN.by_token(None, "three", 0.0)

    assert found is not None
    assert "beta" == found.name


def test_wrong_name_wrong_token_and_unknown_name_find_nobody():
    assert [None] * 5 == [
        KNOWN.by_token("beta", "one", 0.0),
        KNOWN.by_token("alpha", "none", 0.0),
        KNOWN.by_token("gamma", "one", 0.0),
        KNOWN.by_token("", "", 0.0),
        KNOWN.by_token(None, "", 0.0),
    ]


def test_a_digest_is_no_token():
    assert KNOWN.by_token(None, digest_of("one"), 0.0) is None


def test_text_that_is_no_unicode_finds_nobody():
    assert KNOWN.by_token("\udc80", "\udc80", 0.0) is None


def test_only_digests_are_kept():
    assert "one" not in repr(vars(KNOWN))


def test_certificate():
    found = KNOWN.by_certificate("spiffe://x/alpha")

    assert found is not None
    assert ("alpha", "certificate") == (found.name, found.method)
    assert KNOWN.by_certificate("spiffe://x/beta") is None


def test_trusted_issuers():
    assert [ALPHA] == [workload for _, workload in KNOWN.trusted("iss")]
    assert () == KNOWN.trusted("other")


def test_claims_are_covered_exactly():
    trust = ALPHA.jwt[0]

    assert trust.covers({"sub": "a", "more": 1})
    assert not trust.covers({"sub": "A"})
    assert not trust.covers({})


def test_a_token_with_an_end_is_told_only_to_whom_it_belongs():
    late = datetime(2027, 1, 31, 12, tzinfo=UTC)
    known = Workloads([Workload(name="alpha", token_hashes=frozenset({entry_of("one", late), digest_of("two")})), BETA])

    assert "alpha" == known.by_token("alpha", "one", late.timestamp() - 0.001).name
    assert Expired("alpha", late.timestamp()) == known.by_token(None, "one", late.timestamp())
    assert known.by_token("beta", "one", late.timestamp()) is None
    assert "alpha" == known.by_token("alpha", "two", late.timestamp()).name


def test_attack_no_certificate_is_no_name_of_one():
    assert Workloads([Workload(name="alpha", certificates=frozenset({""}))]).by_certificate("") is None
