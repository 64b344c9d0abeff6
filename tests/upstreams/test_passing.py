"""A workload's own token: it goes to the provider that was addressed, where a rule lets it, and nowhere else."""

import pytest

from outgate.inference.principal import Principal
from outgate.net.headers import Headers
from outgate.upstreams.bindings import Holders, PassThrough, Scope
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.credentials import CredentialMisboundError
from outgate.upstreams.passing import passed, told_passing
from outgate.upstreams.placeholders import Addressed

TOKEN = "sk-ant-oat01-canary-5c0ffee5e11ab"
RULE = PassThrough(
    holders=Holders(("laptop",)), scope=Scope(("POST",), ("/v1/messages",)), prefixes=("sk-ant-oat",), also=("x-account",)
)


def backend(name="anthropic", *rules: PassThrough) -> Backend:
    endpoint = Endpoint(name="e", host="h", port=443)
    return Backend(name=name, provider=name, dialect="anthropic", host=f"{name}.test", endpoints=(endpoint,), pass_through=rules)


TO = backend("anthropic", RULE)


def own(*, to=TO, addressed=TO, workload="laptop", method="POST", target="/v1/messages?beta=true", fields=None):
    fields = fields or [("authorization", f"Bearer {TOKEN}"), ("x-account", "a-1"), ("x-other", "o")]
    return passed(to, addressed, Addressed(Principal(name=workload), method, target, Headers(fields), b""))


def test_it_goes_on_with_the_fields_that_belong_to_it():
    bound = own()

    assert (("authorization", f"Bearer {TOKEN}"), ("x-account", "a-1")) == bound.fields_for(TO, TO.origination, "POST", "/", b"")
    assert bound.own
    assert () == bound.echoes()
    assert TOKEN not in repr(bound)


@pytest.mark.parametrize(
    "other",
    [
        {"workload": "server"}, {"method": "GET"}, {"target": "/v1/files"}, {"addressed": None}, {"addressed": backend("openai")},
        {"to": backend("openai", RULE)}, {"to": backend("anthropic"), "addressed": backend("anthropic")},
        {"fields": [("authorization", "Bearer sk-ant-api03-key")]}, {"fields": [("authorization", f"Bearer x{TOKEN}")]},
        {"fields": [("x-api-key", TOKEN)]}, {"fields": [("authorization", "")]},
        {"fields": [("authorization", f"Bearer {TOKEN}"), ("authorization", f"Bearer {TOKEN}2")]},
    ],
)  # fmt: skip
def test_it_stays_where_anything_is_otherwise(other):
    assert own(**other) is None


def test_it_is_bound_as_any_credential():
    elsewhere = backend("elsewhere")

    with pytest.raises(CredentialMisboundError):
        own().fields_for(elsewhere, elsewhere.origination, "POST", "/", b"")


def test_the_plan_is_told_whose():
    (line,) = told_passing(TO)

    assert "anthropic: the own `authorization` of laptop with x-account goes on, POST /v1/messages" == line
