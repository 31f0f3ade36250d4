# A small MQTT 3.1.1 client: one non-blocking step() that moves a connection along.
#
# Never waits: connecting, the TLS handshake and each answer have a deadline, and step() drops the
# connection when one passes. Only start() with a name may block: a board looks it up before it
# (lookup.py).
# One packet is one write (several small writes cost 40 ms each: Nagle meets delayed ACK).
# A PUBACK says that the broker has it in memory, no more: it serves to notice a dead link, and
# never to forget a reading. Hence nothing is published twice here, and no session is kept.

import errno
import socket
import struct

from amont_node.stream import Closed, Stream

DOWN = 0
CONNECTING = 1  # TCP, then the TLS handshake under way
GREETING = 2  # CONNECT sent
SUBSCRIBING = 3
UP = 4

_CONNACK = 0x20
_PUBLISH = 0x30
_PUBACK = 0x40
_SUBACK = 0x90
_PINGRESP = 0xD0

# A sealed frame is 51 bytes and a topic 60: what is longer is not for us, and is skipped.
_PACKET_BYTES_MAX = 256
_INBOX_MAX = 8  # messages kept between two steps
_UNANSWERED_MAX = 16


class MqttError(Exception):
    pass


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def _packet(kind: int, body: bytes) -> bytes:
    length = len(body)
    head = bytearray([kind])
    while True:
        low, length = length & 0x7F, length >> 7
        head.append(low | (0x80 if length else 0))
        if not length:
            return bytes(head) + body


def connect_packet(client_id: str, keepalive_s: int, user: str, password: str) -> bytes:
    flags = 0x02  # clean session
    tail = _text(client_id)
    if user:
        flags |= 0x80
        tail += _text(user)
    if password:
        flags |= 0x40
        tail += _text(password)
    return _packet(0x10, _text("MQTT") + bytes([4, flags]) + struct.pack(">H", keepalive_s) + tail)


def publish_packet(topic: str, payload: bytes, pid: int) -> bytes:
    return _packet(_PUBLISH | 0x02, _text(topic) + struct.pack(">H", pid) + payload)


# Bytes in, whole packets (kind, body) out; bounded, and what is too long is skipped and counted.
class PacketReader:
    def __init__(self) -> None:
        self._data = b""
        self._skip = 0  # bytes of a packet that is too long, still to come
        self.skipped = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        self._data += data
        packets: list[tuple[int, bytes]] = []
        while True:
            if self._skip:
                gone = min(self._skip, len(self._data))
                self._data = self._data[gone:]
                self._skip -= gone
            length, start = self._length()
            if start == 0:
                return packets
            if length > _PACKET_BYTES_MAX:
                self.skipped += 1
                self._skip = start + length
                continue
            if len(self._data) < start + length:
                return packets
            packets.append((self._data[0], self._data[start : start + length]))
            self._data = self._data[start + length :]

    # The remaining length and where the body starts; (0, 0) while it is not there yet.
    def _length(self) -> tuple[int, int]:
        length = 0
        for index in range(1, min(len(self._data), 5)):
            byte = self._data[index]
            length |= (byte & 0x7F) << (7 * (index - 1))
            if not byte & 0x80:
                return length, index + 1
        if len(self._data) >= 5:
            raise MqttError("remaining length has more than four bytes")
        return 0, 0


class MqttClient:
    # tls: None, or a function that wraps a connected non-blocking socket (see stream.TlsWrapper).
    def __init__(  # type: ignore[no-untyped-def]
        self,
        host: str,
        port: int,
        client_id: str,
        topic_in: str,
        tls=None,
        user: str = "",
        password: str = "",
        keepalive_s: int = 60,
        deadline_ms: int = 10000,
    ) -> None:
        self.address = (host, port)
        self._connect = connect_packet(client_id, keepalive_s, user, password)
        self._topic_in = topic_in
        self._tls = tls
        self._keepalive_ms = keepalive_s * 1000
        self._deadline_ms = deadline_ms
        self._stream: Stream | None = None
        self._reader = PacketReader()
        self._inbox: list[bytes] = []
        self._unanswered: list[tuple[int, int]] = []  # (pid, deadline) of publishes
        self._pid = 0
        self._due_ms = 0  # deadline of the state, or of the ping's answer
        self._sent_ms = 0
        self._pinging = False
        self.state = DOWN
        self.error = ""  # why the last connection ended
        self.overflow = 0  # messages that came faster than they were taken
        self.skipped = 0  # packets that were too long

    def start(self, now_ms: int) -> None:
        self.stop("")
        try:
            family_address = socket.getaddrinfo(self.address[0], self.address[1])[0]
            sock = socket.socket(family_address[0], socket.SOCK_STREAM)
            sock.setblocking(False)
            self._stream = Stream(sock)
            self.state = CONNECTING
            self._due_ms = now_ms + self._deadline_ms
            try:
                sock.connect(family_address[-1])
            except OSError as error:
                if error.errno != errno.EINPROGRESS:
                    raise
        except OSError as error:
            self.stop("connect: %s" % error)

    def stop(self, why: str) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = None
        self._reader = PacketReader()
        self._unanswered = []
        self._pinging = False
        self.state = DOWN
        self.error = why

    # Say good-bye and close.
    def disconnect(self) -> None:
        self.leave()
        self.stop("")

    # Say good-bye; the broker answers by closing, which step() notices.
    def leave(self) -> None:
        if self.state == UP and self._stream is not None:
            try:
                self._stream.queue(_packet(0xE0, b""))
                self._stream.flush()
            except (OSError, Closed):
                pass

    # What can be polled for input, or None.
    def pollable(self):  # type: ignore[no-untyped-def]
        return None if self._stream is None else self._stream.sock

    def wants_write(self) -> bool:
        return self.state == CONNECTING or (self._stream is not None and self._stream.pending())

    # Move along without waiting. Returns the payloads that came on the topic.
    def step(self, now_ms: int) -> list[bytes]:
        if self._stream is not None:
            try:
                self._advance(now_ms)
            except Closed:
                self.stop("closed by the other side")
            except (OSError, MqttError, ValueError) as error:  # ValueError: MicroPython's TLS
                self.stop(str(error).strip())
            except MemoryError:  # the node goes on measuring
                self.stop("not enough memory")
        inbox, self._inbox = self._inbox, []
        return inbox

    # False when the connection is not up or too much waits for an answer: nothing was sent then.
    def publish(self, topic: str, payload: bytes, now_ms: int) -> bool:
        if self.state != UP or len(self._unanswered) >= _UNANSWERED_MAX or self._stream is None:
            return False
        self._pid = self._pid % 65535 + 1
        self._unanswered.append((self._pid, now_ms + self._deadline_ms))
        self._send(publish_packet(topic, payload, self._pid), now_ms)
        return True

    def _send(self, packet: bytes, now_ms: int) -> None:
        if self._stream is None:
            return  # it broke while a packet was being taken
        self._stream.queue(packet)
        self._sent_ms = now_ms
        try:
            self._stream.flush()
        except Closed:
            self.stop("closed by the other side")
        except (OSError, ValueError) as error:
            self.stop(str(error).strip())

    def _advance(self, now_ms: int) -> None:
        stream = self._stream
        if stream is None:
            return
        if self.state == CONNECTING:
            if stream.connected():
                if self._tls is not None:
                    stream.wrap(self._tls)
                self.state = GREETING
                self._due_ms = now_ms + self._deadline_ms
                self._send(self._connect, now_ms)
        else:
            stream.flush()
            for kind, body in self._reader.feed(stream.read()):
                self._take(kind, body, now_ms)
            self.skipped += self._reader.skipped
            self._reader.skipped = 0
        self._check_deadlines(now_ms)

    def _check_deadlines(self, now_ms: int) -> None:
        if self.state == UP:
            if self._unanswered and now_ms - self._unanswered[0][1] >= 0:
                raise MqttError("no answer to a publish")
            if self._pinging and now_ms - self._due_ms >= 0:
                raise MqttError("no answer to a ping")
            if not self._pinging and now_ms - self._sent_ms >= self._keepalive_ms // 2:
                self._pinging = True
                self._due_ms = now_ms + self._deadline_ms
                self._send(_packet(0xC0, b""), now_ms)
        elif self.state != DOWN and now_ms - self._due_ms >= 0:
            raise MqttError("no answer while connecting (state %d)" % self.state)

    def _take(self, kind: int, body: bytes, now_ms: int) -> None:
        kind_only = kind & 0xF0
        if self.state == GREETING:
            if kind_only != _CONNACK or len(body) != 2 or body[1] != 0:
                raise MqttError("broker refused: %s" % (body[1] if len(body) == 2 else kind))
            self.state = SUBSCRIBING
            self._due_ms = now_ms + self._deadline_ms
            self._send(_packet(0x82, b"\x00\x01" + _text(self._topic_in) + b"\x01"), now_ms)
        elif kind_only == _SUBACK and self.state == SUBSCRIBING:
            if len(body) != 3 or body[2] > 1:
                raise MqttError("subscription refused")
            self.state = UP
        elif kind_only == _PUBLISH:
            self._take_publish(kind, body, now_ms)
        elif kind_only == _PUBACK and len(body) == 2:
            pid = struct.unpack(">H", body)[0]
            self._unanswered = [entry for entry in self._unanswered if entry[0] != pid]
        elif kind_only == _PINGRESP:
            self._pinging = False

    def _take_publish(self, kind: int, body: bytes, now_ms: int) -> None:
        qos = (kind >> 1) & 3
        if len(body) < 2:
            raise MqttError("short publish")
        start = 2 + struct.unpack_from(">H", body)[0]
        end = start + (2 if qos else 0)
        if len(body) < end or qos > 1:
            raise MqttError("malformed publish")
        if len(self._inbox) >= _INBOX_MAX:
            self.overflow += 1
        elif body[2:start] == self._topic_in.encode():
            self._inbox.append(body[end:])
        if qos:
            self._send(_packet(_PUBACK, body[start:end]), now_ms)
