"""The fake over loopback HTTP."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.stripe_fake.account import Account, Reply

CONTROL = "/_fake/"


def serve(account: Account) -> ThreadingHTTPServer:
    """A server on a free port of the loopback address; `serve_forever` runs it."""

    class Handler(BaseHTTPRequestHandler):
        """Hands requests to the account, and what a test wants to happen to it."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Read something."""
            split = urlsplit(self.path)
            self._answer(account.call("GET", split.path, split.query, dict(self.headers)))

        def do_POST(self) -> None:
            """Have something done."""
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length).decode()
            if self.path.startswith(CONTROL):
                verb = getattr(account, self.path.removeprefix(CONTROL))
                self._answer(Reply(200, {"answer": verb(**json.loads(body or "{}"))}, {}))
            else:
                self._answer(account.call("POST", self.path, body, dict(self.headers)))

        def _answer(self, reply: Reply) -> None:
            self.close_connection = self.close_connection or reply.cut
            if reply.cut:
                return
            body = json.dumps(reply.body).encode()
            self.send_response(reply.status)
            headers = {**reply.headers, "content-type": "application/json"}
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:  # noqa: ANN401 - as the base has it
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server
