"""Asking an endpoint over HTTP: how many at once, and what a time-out counts."""

import asyncio
from contextlib import asynccontextmanager

from actors.endpoint_client import EndpointClient
from atp_ray.checkpoint.profiles import EndpointProfile
from atp_ray.play.model_calls import ReplyRequest
from atp_ray.play.sampling import Sampling

REQUEST = ReplyRequest(({"role": "user", "content": "Choose."},), Sampling(), 1, ("a", "b"))
BODY = b'{"choices": [{"message": {"content": "a"}}]}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Endpoint:
    """Answers as soon as it holds `together` requests at once."""

    def __init__(self, together: int) -> None:
        self.received = 0
        self._together = together
        self._full = asyncio.Event()

    @asynccontextmanager
    async def client(self, concurrency: int, timeout_s: float):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        profile = EndpointProfile(name="openai:x", model="x", base_url=url, concurrency=concurrency)
        yield EndpointClient(profile, timeout_s)
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.received += 1
        if self.received == self._together:
            self._full.set()
        await self._full.wait()
        writer.write(ANSWER)
        await writer.drain()
        writer.close()


async def test_as_many_requests_are_in_flight_as_the_profile_says() -> None:
    endpoint = Endpoint(together=150)
    async with endpoint.client(concurrency=150, timeout_s=600) as client:
        replies = await asyncio.gather(*(client.reply(REQUEST) for _ in range(150)))
    assert {(reply.text, reply.error) for reply in replies} == {("a", None)}


async def test_a_time_out_counts_from_sending_so_each_request_is_sent() -> None:
    endpoint = Endpoint(together=1000)
    async with endpoint.client(concurrency=1, timeout_s=0.3) as client:
        replies = await asyncio.gather(*(client.reply(REQUEST) for _ in range(4)))
    assert [reply.error for reply in replies] == ["no reply within 0.3 s of sending the request"] * 4
    assert endpoint.received == 4
