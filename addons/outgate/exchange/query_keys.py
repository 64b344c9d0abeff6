"""Removal of keys from a request's query: a key is a credential wherever it stands, and no line, cache or provider may see it."""

from outgate.dialects.query import without
from outgate.dialects.registry import keyed_by_query
from outgate.exchange.channel import RequestHead
from outgate.net.headers import Headers


def without_keys(head: RequestHead, hint: str) -> RequestHead:
    """The head without keys in its query; one that stands there alone counts as if it stood in the API's own field."""
    api = keyed_by_query(head.method, head.path, hint)
    if api is None:
        return head
    path, keys = without(head.path, api.key_query)
    field = api.keys[0].name
    alone = len(keys) == 1 and field not in head.headers
    return head._replace(path=path, headers=Headers([*head.headers, (field, keys[0])]) if alone else head.headers)
