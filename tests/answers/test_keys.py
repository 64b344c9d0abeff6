"""Keys of requests that end in the same text: what is counted by its bytes, and what by its order alone."""

import pytest

from outgate.answers.keys import keys_of
from stages.cache.test_cache import body, facts
from support.placeholders import placeholder


def asking(*texts):
    given = facts(body(*(("user", "hello") for _ in texts)))
    return given._replace(prompt=given.prompt.replace(dict(enumerate(texts))))


@pytest.mark.parametrize("scope", ["workload", "tenant"])
def test_the_keys_name_the_placeholders_of_the_whole_prompt(scope):
    jane, john = placeholder("jane@x.example"), placeholder("john@x.example")
    keys = keys_of(asking(f"{jane} is new", f"mail {john} and {jane}"), scope)

    assert 32 == len(keys.key)
    assert [jane, john] == list(keys.names.inward)


@pytest.mark.parametrize(("first", "second"), [(("EMAIL_1", ""), ("", "EMAIL_1")), (("a\0b",), ("a", "b")), (("\ud800",), ("?",))])
def test_texts_cannot_run_into_each_other(first, second):
    assert keys_of(asking(*first), "tenant").key != keys_of(asking(*second), "tenant").key
