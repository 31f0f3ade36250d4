# A simulated board's whole carrier without channels, factors and windows: what is sent goes at
# once and all is heard. It stands alone, because the heap that it leaves is what benchmarks
# measure; radio_sim.py is the simulated radio under the port, and hears this one as well.
#
# Datagram, both ways: rssi_dbm i16, snr_db4 i8 (little endian), sealed frame.

import select
import socket
import struct

_HEAD = "<hb"
_HEAD_BYTES = 3
_FRAME_BYTES_MAX = 51
_DATAGRAMS_A_POLL = 16


class PlainSim:
    # config: host, port, and perhaps rssi_dbm, snr_db4 (what the bridge will hear) and
    # loss_percent (of frames lost, each way).
    def __init__(self, config, node: int) -> None:  # type: ignore[no-untyped-def]
        self._address = socket.getaddrinfo(
            config.get("host", "127.0.0.1"), config["port"], 0, socket.SOCK_DGRAM
        )[0][-1]
        self._head = struct.pack(_HEAD, config.get("rssi_dbm", -80), config.get("snr_db4", 36))
        self._loss_percent = config.get("loss_percent", 0)
        self._random = node
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self.rssi_dbm = 0  # of the last downlink; 0: none yet
        self.snr_db4 = 0
        self.fault = False

    def ready(self) -> bool:
        return True

    def send(self, frame: bytes, link_ms: int) -> bool:  # noqa: ARG002
        try:
            if not self._lost():
                self._socket.sendto(self._head + frame, self._address)
            self.fault = False
        except OSError:
            self.fault = True  # nobody listens there: as lost as any frame on the air
        return True

    # Frames that have come.
    def receive(self, link_ms: int) -> list[bytes]:  # noqa: ARG002
        frames = []
        for _ in range(_DATAGRAMS_A_POLL):
            try:
                data = self._socket.recv(256)
            except OSError:
                break
            if _HEAD_BYTES < len(data) <= _HEAD_BYTES + _FRAME_BYTES_MAX and not self._lost():
                self.rssi_dbm, self.snr_db4 = struct.unpack_from(_HEAD, data)
                frames.append(data[_HEAD_BYTES:])
        return frames

    # Sleep until something comes, at most wait_ms.
    def wait(self, wait_ms: int) -> None:
        self._poll.poll(wait_ms)

    def close(self) -> None:
        self._socket.close()

    def _lost(self) -> bool:
        self._random = (self._random * 1103515245 + 12345) & 0x7FFFFFFF
        return bool((self._random >> 8) % 100 < self._loss_percent)
