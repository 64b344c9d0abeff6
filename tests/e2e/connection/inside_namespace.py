"""Run in a network and mount namespace of its own (`unshare --net --mount`): providers, the gateway, a redirect, and clients that
know nothing of it. Prints one JSON object of what happened.

The clients resolve api.openai.com to ADDRESS, which nobody serves: the kernel redirects port 443 of it to the gateway.
"""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import openai
import trustme

from e2e.world import TOKEN, World
from support.scripted_upstream import ScriptedUpstream

ADDRESS = "198.51.100.7"
PORT = "8443"


def run(*words: str) -> None:
    subprocess.run(words, check=True)


def set_up(folder: Path) -> None:
    """An address that is nobody's, a redirect of its port 443, and a hosts file that leads there."""
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{ADDRESS} api.openai.com api.evil.example\n")
    run("mount", "--bind", str(hosts), "/etc/hosts")
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")
    rule = ("OUTPUT", "-p", "tcp", "-d", ADDRESS, "--dport", "443", "-j", "REDIRECT", "--to-ports", PORT)
    run("iptables", "-t", "nat", "-A", *rule)


def outcome(call) -> object:
    """What a client sees: the text of an answer, or the name of its error."""
    try:
        return call()
    except (openai.APIError, httpx.HTTPError) as error:
        return type(error).__name__


def asked(token: str, trusted: str, *, stream: bool = False) -> object:
    with openai.OpenAI(api_key=token, max_retries=0, http_client=httpx.Client(verify=trusted, timeout=20)) as client:
        messages = [{"role": "user", "content": "hi"}]
        if not stream:
            return client.chat.completions.create(model="gpt-4o-mini", messages=messages).choices[0].message.content
        parts = client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True)
        return "".join(part.choices[0].delta.content or "" for part in parts if part.choices)


def main() -> None:
    folder = Path(sys.argv[1])
    set_up(folder)
    ca = trustme.CA()
    names = ("api.openai.com", "api.anthropic.com")
    with ScriptedUpstream(names[0], ca=ca) as provider, ScriptedUpstream(names[1], ca=ca) as other:
        world = World(folder, provider, other)
        with world.gateway(world.policy(), extra=("--transparent", f"0.0.0.0:{PORT}")) as gateway:
            trusted = str(gateway.ca)
            told = {
                "plain": outcome(lambda: asked(TOKEN, trusted)),
                "streamed": outcome(lambda: asked(TOKEN, trusted, stream=True)),
                "seen": [[seen.sni, seen.header("host"), seen.header("authorization")] for seen in provider.seen],
                "wrong_token": outcome(lambda: asked("ogw_wrong", trusted)),
                "elsewhere": outcome(lambda: httpx.get("https://api.evil.example/v1/models", verify=trusted).status_code),
                "fronted": outcome(
                    lambda: (
                        httpx.get(
                            "https://api.openai.com/v1/models", verify=trusted, headers={"host": "api.anthropic.com"}
                        ).status_code
                    )
                ),
            }
            told["dialled"] = len(provider.seen) + len(other.seen)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
