"""The place of the tests of a policy, and the policy of a file of tests. Apart from what runs them, which a check may not need."""

from pathlib import Path

from outgate.errors import PolicyError, Problem

_TESTS = ".test.yaml"


def cases_beside(policy: Path) -> Path:
    """Where the tests of a policy lie."""
    return policy.with_suffix(_TESTS)


def policy_beside(tests: Path) -> Path | None:
    """The policy whose tests a file holds, None where it is no test file. Raises PolicyError where that policy is not there."""
    if not tests.name.endswith(_TESTS):
        return None
    policy = tests.with_name(tests.name.removesuffix(_TESTS) + ".yaml")
    if not policy.is_file():
        message = f"these are behaviour tests, and the policy they are for, {policy.name}, is not beside them"
        repair = f"give the policy; its tests are those in NAME{_TESTS} beside NAME.yaml"
        raise PolicyError((Problem(code="E_TEST", message=message, repair=repair, file=str(tests), line=1),))
    return policy
