"""A round robin over front-ends, by connection: each new connection goes to the next of them that takes it.

It knows nothing of TLS or HTTP; the front-ends have one certificate. Does not: ask for health beforehand.
"""
import asyncio
import itertools
import threading

CHUNK_BYTES = 256 << 10


class Forwarder:
    """Listens on `port` and forwards to `ports`, in a thread of its own."""

    def __init__(self, port, ports):
        self.port, self.ports, self.turn = port, ports, itertools.count()
        self.loop, self.ready = asyncio.new_event_loop(), threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        """Listens from now on."""
        self.thread.start()
        if not self.ready.wait(10):
            raise RuntimeError(f"nothing listens on {self.port}")

    def stop(self):
        """Ends, with every connection."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.set_exception_handler(lambda *_: None)  # clients and servers go away as the lane pleases
        server = self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024))
        self.ready.set()
        self.loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    async def _serve(self, reader, writer):
        first = next(self.turn)
        for step in range(len(self.ports)):
            try:
                theirs = await asyncio.open_connection("127.0.0.1", self.ports[(first + step) % len(self.ports)])
                break
            except OSError:
                continue
        else:
            writer.transport.abort()
            return
        try:
            await asyncio.gather(carried(reader, theirs[1]), carried(theirs[0], writer))
        finally:
            theirs[1].close()
            writer.close()


async def carried(reader, writer):
    """Carries bytes one way until their end, and hands the end on: a half-closed connection stays half open."""
    try:
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()
