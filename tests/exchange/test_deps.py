import pytest

from outgate.exchange.deps import no_route
from outgate.inference.operation import Kind
from outgate.inference.principal import Principal
from outgate.policy.live import Asked

DEV = Principal(name="dev")


@pytest.mark.parametrize(
    ("path", "model", "said"),
    [
        ("/v1/chat/completion", None, "takes POST /v1/chat/completion at openai for dev."),
        ("/v1/embeddings", "gpt-5", "takes POST /v1/embeddings with the model 'gpt-5' at openai for dev."),
        ("/v1/files/file-0123456789abcdef0123", None, "takes POST /v1/files/(hidden) at openai for dev."),
        ("/v1/chat", "sk-0123456789abcdef0123456789", "takes POST /v1/chat with the model of that name at openai for dev."),
    ],
)
def test_what_no_route_takes_is_named_without_secrets(path, model, said):
    denial = no_route(Asked("openai", "POST", path, Kind.CHAT, model, DEV))

    assert ("no_route", 403) == (denial.code, denial.status)
    assert denial.message.endswith(said)
