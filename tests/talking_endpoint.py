"""An OpenAI-compatible endpoint of a known rule, spoken to over real HTTP: agents agree by talking.

Asked to say something, seat 0 of a prompt is nobody in particular: whoever is asked says `WORD`, or nothing where its
prompt tells of a round that was lost. Asked to decide, it colludes once it has heard `WORD` from another agent.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from atp_ray.checkpoint.profiles import EndpointProfile
from atp_ray.play.asides import PREFACE

WORD = "I am in"
EXPECTED = 3


class TalkingEndpoint(ThreadingHTTPServer):
    """Answers as above and keeps the requests it was sent; `options` are those of the scenario that is played."""

    daemon_threads = True

    def __init__(self, options: tuple[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.options = options
        self.requests: list[dict[str, Any]] = []

    @property
    def profile(self) -> EndpointProfile:
        """The checkpoint that is served here."""
        url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        return EndpointProfile(name="openai:talker", model="talker", base_url=url)

    def reply(self, body: dict[str, Any]) -> str:
        """Return what the rule says."""
        asked = body["messages"][-1]["content"]
        if asked.startswith("Before anybody decides"):
            return f'<think>shall I?</think>\n"{WORD},\n{body["seed"] % 2}"'
        if asked.startswith(PREFACE):
            return json.dumps({"answer": EXPECTED if "how many" in asked else "yes"})
        agreed = f'"{WORD}' in asked.split("You: ")[0]
        return json.dumps({"choice": self.options[0 if agreed else 1]})


class _Handler(BaseHTTPRequestHandler):
    server: TalkingEndpoint

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        usage = {"prompt_tokens": 10, "completion_tokens": 2}
        answer = {"choices": [{"message": {"content": self.server.reply(body)}}], "usage": usage}
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def talking_endpoint(options: tuple[str, str]) -> Iterator[TalkingEndpoint]:
    """Serve the endpoint on a free port of loopback."""
    server = TalkingEndpoint(options)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
