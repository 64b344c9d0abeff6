"""A Git host behind TLS: `git http-backend` for one bare repository, which asks for a token as Git hosts do.

    with GitHost(folder, ca, "git.test", token="…") as host:
        ... host.port, host.asked: (method, path, authorization or None) of each request ...

`folder/repo.git` is the repository; it has one commit, and may be pushed to.
"""

import base64
import os
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import trustme

from support.upload_host import body_of

_IDENTITY = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@x.test", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@x.test"}
PLAIN = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", **_IDENTITY}
"""An environment in which Git reads no settings of this machine; `HOME` is still to be given."""


def git(*arguments: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run Git; whether it failed is for the caller to see."""
    env = {**PLAIN, "HOME": str(folder), **environ}
    return subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


class GitHost:
    """See the module. `echo` repeats the credential in a header field and in error bodies."""

    def __init__(self, folder: Path, ca: trustme.CA, name: str, token: str) -> None:
        self.asked: list[tuple[str, str, str | None]] = []
        self._folder, self._token = folder, token
        made = git("init", "-q", "--bare", "repo.git", folder=folder)
        assert made.returncode == 0, made.stderr
        work = folder / "first"
        for step in (
            ("init", "-q", "-b", "main", "first"), ("-C", str(work), "commit", "-q", "--allow-empty", "-m", "first"),
            ("-C", str(work), "push", "-q", "../repo.git", "main"), ("-C", "repo.git", "config", "http.receivepack", "true"),
            ("-C", "repo.git", "symbolic-ref", "HEAD", "refs/heads/main"),
        ):  # fmt: skip
            done = git(*step, folder=folder)
            assert done.returncode == 0, done.stderr
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(name).configure_cert(context)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def log(self) -> list[str]:
        """The subjects of the commits on its branch, the newest first."""
        return git("-C", "repo.git", "log", "--format=%s", "main", folder=self._folder).stdout.split("\n")[:-1]

    def _knows(self, authorization: str | None) -> bool:
        scheme, _, value = (authorization or "").partition(" ")
        return scheme == "Basic" and base64.b64decode(value).decode().rpartition(":")[2] == self._token

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                authorization = self.headers.get("authorization")
                host.asked.append((self.command, self.path, authorization))
                body = b"".join(body_of(self))
                if host._knows(authorization):
                    self._run(body)
                else:
                    told = f"no such user: {authorization}".encode()
                    self._answer(401, [("WWW-Authenticate", 'Basic realm="git"'), ("X-Request-Id", authorization or "none")], told)

            do_POST = do_GET  # noqa: N815

            def _run(self, body: bytes) -> None:
                path, _, query = self.path.partition("?")
                env = {
                    **PLAIN, "GIT_PROJECT_ROOT": str(host._folder), "GIT_HTTP_EXPORT_ALL": "1", "REQUEST_METHOD": self.command,
                    "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_TYPE": self.headers.get("content-type") or "",
                    "CONTENT_LENGTH": str(len(body)), "REMOTE_USER": "t", "REMOTE_ADDR": "127.0.0.1",
                    "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding") or "",
                    "GIT_PROTOCOL": self.headers.get("git-protocol") or "", "HOME": str(host._folder),
                }  # fmt: skip
                done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=True, timeout=60)
                head, _, answer = done.stdout.partition(b"\r\n\r\n")
                fields = [tuple(line.decode().split(": ", 1)) for line in head.split(b"\r\n")]
                status = next((int(value[:3]) for name, value in fields if name == "Status"), 200)
                self._answer(status, [field for field in fields if field[0] != "Status"], answer)

            def _answer(self, status: int, fields: list, body: bytes) -> None:
                self.send_response(status)
                for name, value in (*fields, ("Content-Length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        return Handler
