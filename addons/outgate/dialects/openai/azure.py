"""Addresses of Azure OpenAI: the same work as at OpenAI's own, under `/openai`, with the deployment in the path or without.

learn.microsoft.com: Azure OpenAI in Microsoft Foundry, REST API reference. A deployment's name stands for a model. Requests leave
the codec with OpenAI's own path; what a provider's resource wants is written at its backend (`upstreams.azure`).
"""

import re
from collections.abc import Iterator

from outgate.dialects.spec import MODEL, PathTemplate
from outgate.inference.operation import Kind, Operation

VERSION = "api-version"
_QUERY = {VERSION: r"\d{4}-\d\d-\d\d(?:-preview)?|v1|preview|latest"}
_OWN = re.compile(r"/openai(?:/v1|/deployments/[^/?]+)?(/[^?]*)(?:\?.*)?")
_DEPLOYED = "/openai/deployments/{model}"


def addresses(method: str, path: str, kind: Kind, *, deployed: bool = False) -> Iterator[PathTemplate]:
    """The addresses of what OpenAI has at `/v1` and this path: for one deployment, or for all of a resource; and in its API v1."""
    for prefix in (_DEPLOYED if deployed else "/openai", "/openai/v1"):
        yield PathTemplate(f"{method} {prefix}{path}", kind, values={"model": MODEL}, query=_QUERY)


def plain(target: str) -> str:
    """The target at OpenAI's own address; any other one as it is."""
    own = _OWN.fullmatch(target)
    return f"/v1{own[1]}" if own is not None else target


def deployment(operation: Operation) -> str:
    """The deployment that the path names, for which the body need not name a model; empty where it names none."""
    return dict(operation.captured).get("model", "")
