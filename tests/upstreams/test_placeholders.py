"""Placeholders: where they are found, when they are bound, and how the credential is written in their place."""

from base64 import b64encode

import pytest

from outgate.errors import Denial
from outgate.inference.principal import Principal
from outgate.net.headers import Headers
from outgate.net.secret import Secret
from outgate.upstreams.bindings import Placeholder, Scope
from outgate.upstreams.catalog import Backend, Catalog, CredentialReference, Endpoint
from outgate.upstreams.placeholders import Addressed, Placeholders, Put, held, told

TEXT, OTHER = "outgate-placeholder-aaaaaaaaaaaaaaaa", "outgate-placeholder-bbbbbbbbbbbbbbbb"
REAL = 'k"1\\2 3+4'


def backend(name="git", dialect="none", **placeholder) -> Backend:
    bound = Placeholder(**{"name": name, "text": TEXT} | placeholder)
    return Backend(
        name=name, provider=name, dialect=dialect, host=f"{name}.test", endpoints=(Endpoint(name="e", host="h", port=443),),
        placeholders=((bound, CredentialReference(env=name.upper())),),
    )  # fmt: skip


def standing(to: Backend, *, target="/", body=b"", others=(), **fields):
    headers = Headers((name.replace("_", "-"), value) for name, value in fields.items())
    asked = Addressed(Principal(name="app"), "GET", target, headers, body)
    return Placeholders(Catalog((to, *others))).standing(to, asked)


def test_no_placeholder_is_no_standing():
    assert standing(backend(), authorization="Bearer own") is None
    assert standing(backend(), authorization="Basic !!") is None


def test_it_names_where_its_credential_is_held_and_put():
    to = backend(query=("key",))
    found = standing(to, target=f"/?key={TEXT}", authorization=f"token {TEXT}")

    assert not isinstance(found, Denial)
    assert ("git", "GIT", ()) == (found.name, found.holder.credential.env, found.holder.placeholders)
    assert (f"/?key={'k%221%5C2%203%2B4'}", (("authorization", f"token {REAL}"),), b"") == found.put.over(
        REAL, f"/?key={TEXT}", b""
    )


@pytest.mark.parametrize(
    ("media", "written"),
    [
        ("application/x-www-form-urlencoded", "k%221%5C2%203%2B4"),
        ("application/json", 'k\\"1\\\\2 3+4'),
        ("application/vnd.npm+json", 'k\\"1\\\\2 3+4'),
        ("text/plain", REAL),
    ],
)
def test_a_body_gets_it_as_its_type_has_it(media, written):
    put = Put(text=TEXT, fields=(), target=False, body=True, media=media)

    assert ("/", (), f"[{written}]".encode()) == put.over(REAL, "/", f"[{TEXT}]".encode())


def test_a_put_shows_no_field():
    put = Put(text=TEXT, fields=(("cookie", Secret("session=canary")),), target=False, body=False)

    assert "canary" not in repr(put)


def test_inside_basic_it_is_written_inside():
    basic = "Basic " + b64encode(f"me:{TEXT}".encode()).decode()
    found = standing(backend(), authorization=basic)

    assert (("authorization", "Basic " + b64encode(f"me:{REAL}".encode()).decode()),) == found.put.over(REAL, "/", b"")[1]


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
def test_a_provider_of_models_gets_it_as_its_api_has_it(dialect):
    found = standing(backend(dialect=dialect), x_api_key=TEXT)

    assert ("git", None) == (found.name, found.put)


@pytest.mark.parametrize(
    ("to", "places", "code"),
    [
        (backend(), {"x_other": TEXT}, "placeholder_unbound"),
        (backend(), {"target": f"/{TEXT}"}, "placeholder_unbound"),
        (backend(scope=Scope(("PUT",))), {"authorization": TEXT}, "placeholder_unbound"),
        (backend(dialect="openai", scope=Scope(("PUT",))), {"authorization": TEXT}, "placeholder_unbound"),
        (backend(), {"authorization": OTHER, "others": (backend("npm", text=OTHER),)}, "placeholder_unbound"),
    ],
)
def test_in_a_head_it_is_refused_where_it_is_not_bound(to, places, code):
    found = standing(to, **places)

    assert isinstance(found, Denial)
    assert (code, 403) == (found.code, found.status)
    assert TEXT not in found.message + repr(found)


def test_the_key_that_a_client_shows_a_provider_of_models_may_be_another_ones_placeholder():
    assert standing(backend(dialect="openai", text=OTHER), authorization=TEXT, others=(backend("npm"),)) is None


def test_each_placeholder_of_a_backend_is_held_by_itself():
    ((placeholder, holder),) = held(backend())

    assert ("git", "GIT", "git") == (placeholder.name, holder.credential.env, holder.name)


def test_the_plan_is_told_of_its_bounds():
    text = (
        "git: the placeholder git of every workload, every method **, in authorization, ?key, body; what goes with it is not read"
    )

    assert [text] == list(told(backend(query=("key",), body=True)))
    assert "as API key" in next(told(backend(dialect="openai")))
