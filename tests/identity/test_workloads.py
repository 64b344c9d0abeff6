from outgate.identity.workloads import JwtTrust, Workload, Workloads, digest_of

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
    found = KNOWN.by_token("alpha", "two")

    assert found is not None
    assert ("alpha", "t1", frozenset({"g"}), "token") == (found.name, found.tenant, found.groups, found.method)


def test_a_token_without_a_name_finds_its_workload():
    found = KNOWN.by_token(None, "three")

    assert found is not None
    assert "beta" == found.name


def test_wrong_name_wrong_token_and_unknown_name_find_nobody():
    assert [None] * 5 == [
        KNOWN.by_token("beta", "one"),
        KNOWN.by_token("alpha", "none"),
        KNOWN.by_token("gamma", "one"),
        KNOWN.by_token("", ""),
        KNOWN.by_token(None, ""),
    ]


def test_a_digest_is_no_token():
    assert KNOWN.by_token(None, digest_of("one")) is None


def test_text_that_is_no_unicode_finds_nobody():
    assert KNOWN.by_token("\udc80", "\udc80") is None


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
