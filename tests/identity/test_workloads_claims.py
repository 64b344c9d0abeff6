from outgate.identity.workloads import Workload, told_claims


def test_conditions_may_name_what_is_text_and_does_not_change_with_every_token():
    claims = {"department": "legal", "jti": "a1", "exp": 1.0, "roles": ["a"], "long": "x" * 300, "sub": "ann"}

    assert {("department", "legal"), ("sub", "ann")} == told_claims(claims)


def test_a_token_with_many_claims_tells_the_same_few():
    claims = {f"claim{number:03}": "x" for number in range(100)}

    assert 32 == len(told_claims(claims))
    assert told_claims(claims) == told_claims(dict(reversed(claims.items())))


def test_a_caller_without_a_jwt_has_no_claims():
    assert not Workload(name="a").principal("token").claims
