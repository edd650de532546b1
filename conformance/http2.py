"""The least HTTP/2 client that can carry a signed request: one connection, one stream at a time.

It sends every header as a literal that is neither indexed nor Huffman-coded (RFC 7541, 6.2.3), so that a
server's buffers hold the values as they are. It reads of an answer's head only the status, and only where
that is in HPACK's static table. Does not: flow control (a connection sends at most 64 KiB), trailers,
pushes.
"""
import socket
import struct

DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
HEADER_TABLE_SIZE, INITIAL_WINDOW_SIZE = 1, 4
STATUS = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}
FRAME_BYTES_MAX = 16384
WINDOW_BYTES = 1 << 24


class Http2:
    """A connection."""

    def __init__(self, server):
        context = server.tls(check_hostname=False)
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.stream = context.wrap_socket(plain)
        if self.stream.selected_alpn_protocol() != "h2":
            raise RuntimeError("the server does not speak HTTP/2")
        self.next_id = 1
        self.stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.frame(SETTINGS, 0, 0, struct.pack(">HIHI", HEADER_TABLE_SIZE, 0, INITIAL_WINDOW_SIZE, WINDOW_BYTES))
        self.frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", WINDOW_BYTES))
        while self.read_frame()[0] != SETTINGS:
            pass
        self.frame(SETTINGS, ACK, 0, b"")

    def request(self, method, target, headers, body=b""):
        """The status (`None` where it is not in the static table) and the body."""
        number, self.next_id = self.next_id, self.next_id + 2
        host = next(value for name, value in headers if name.lower() == "host")
        head = [(":method", method), (":scheme", "https"), (":authority", host), (":path", target)]
        head += [(name.lower(), value) for name, value in headers if name.lower() != "host"]
        if body:
            head.append(("content-length", str(len(body))))
        block = b"".join(literal(name.encode(), value.encode()) for name, value in head)
        self.frame(HEADERS, END_HEADERS | (0 if body else END_STREAM), number, block)
        for at in range(0, len(body), FRAME_BYTES_MAX):
            last = at + FRAME_BYTES_MAX >= len(body)
            self.frame(DATA, END_STREAM if last else 0, number, body[at:at + FRAME_BYTES_MAX])
        return self.answer(number)

    def answer(self, number):
        """Reads until the stream has ended."""
        status, body = None, b""
        while True:
            kind, flags, stream, payload = self.read_frame()
            if kind == GOAWAY or kind == RST_STREAM and stream == number:
                raise ConnectionError(f"HTTP/2 error {payload.hex()}")
            if stream != number:
                continue
            if kind == HEADERS:
                status = STATUS.get(payload.lstrip(b"\x20")[0])  # 0x20: the table's size is now 0
            if kind == DATA:
                body += payload
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                return status, body

    def frame(self, kind, flags, stream, payload):
        """Sends one frame."""
        self.stream.sendall(struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload)

    def read_frame(self):
        """The next frame: type, flags, stream, payload."""
        head = self.read(9)
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        return kind, flags, stream, self.read(int.from_bytes(head[:3], "big"))

    def read(self, count):
        """So many bytes."""
        found = b""
        while len(found) < count:
            part = self.stream.recv(count - len(found))
            if not part:
                raise ConnectionError("the server closed")
            found += part
        return found

    def close(self):
        """Closes."""
        self.stream.close()


def literal(name, value):
    """A literal header field, never indexed, with a new name."""
    return b"\x10" + integer(len(name)) + name + integer(len(value)) + value


def integer(number):
    """An integer of HPACK with a prefix of 7 bits (no Huffman coding)."""
    if number < 127:
        return bytes([number])
    number, encoded = number - 127, b"\x7f"
    while number >= 128:
        encoded, number = encoded + bytes([number % 128 + 128]), number // 128
    return encoded + bytes([number])
