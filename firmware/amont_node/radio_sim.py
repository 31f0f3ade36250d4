# A simulated radio under the port of radio.py: datagrams on the loopback in place of the air. Its
# datagram says how the frame is on the air:
#   -32768 i16, freq_khz u32, sf u8, bw_khz u16, inverted u8, rssi_dbm i16, snr_db4 i8, frame
# and only a radio that listens to just that hears it. A node's sends to one address, a bridge's is
# bound to a port and sends to everybody it has heard.
#
# It hears plain_sim.py's as well, whatever it listens to, and answers so:
#   rssi_dbm i16, snr_db4 i8, sealed frame
# Both little endian.

import select
import socket
import struct
import time

from amont_node.radio import Modulation, RadioPort

_HEAD = "<hb"
_HEAD_BYTES = 3
_AIR = "<hIBHBhb"
_AIR_BYTES = 13
_MARK = -32768  # no rssi
_DATAGRAMS_A_POLL = 16
_DATAGRAM_BYTES = 300
_PEERS_MAX = 256  # the oldest goes first


class SimRadio(RadioPort):
    scans = True

    # config: host, port (where to send), bind (own port), and perhaps rssi_dbm, snr_db4 (what the
    # others will hear), loss_percent (of frames lost, each way), plain (speak as PlainSim does),
    # instant (nothing takes time on the air). seed: any number.
    def __init__(self, config, seed: int) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self._heard_as = (config.get("rssi_dbm", -80), config.get("snr_db4", 36))
        self._loss_percent = config.get("loss_percent", 0)
        self._plain = config.get("plain", False)
        self._instant = config.get("instant", False)
        self._random = seed
        self._asleep = False
        self._waiting: list[tuple[bytes, int, int, int]] = []
        self._peers: list[tuple[object, bool]] = []  # (address, speaks plainly), oldest first
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        host = config.get("host", "127.0.0.1")
        if "port" in config:
            self._peers.append((_address(host, config["port"]), self._plain))
        if "bind" in config:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(_address(host, config["bind"]))
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self.pollable = self._socket

    def configure(self, listen: list[Modulation]) -> None:
        super().configure(listen)
        self._asleep = False
        self._drain()

    def send(self, frame: bytes, modulation: Modulation) -> bool:
        self._drain()
        self.fault = ""
        m = modulation
        rssi_dbm, snr_db4 = self._heard_as
        plain = struct.pack(_HEAD, rssi_dbm, snr_db4) + frame
        told = struct.pack(_AIR, _MARK, m.freq_khz, m.sf, m.bw_khz, m.inverted, rssi_dbm, snr_db4)
        if not self._instant:
            time.sleep(self.time_on_air_us(len(frame), m) / 1000000)
        if not self._lost():
            for address, speaks_plainly in self._peers:
                self._put(plain if speaks_plainly else told + frame, address)
        if not self._instant:
            self._drain()  # half-duplex
        self.frames_out += not self.fault
        return not self.fault

    def receive(self, wait_ms: int):  # type: ignore[no-untyped-def]
        if self._asleep:
            self._drain()
            self._asleep = False
        if not self._waiting:
            self._take_all()
        if not self._waiting and wait_ms > 0 and self._poll.poll(wait_ms):
            self._take_all()
        return self._waiting.pop(0) if self._waiting else None

    def sleep(self) -> None:
        self._asleep = True

    def close(self) -> None:
        self._socket.close()

    def _put(self, datagram: bytes, address) -> None:  # type: ignore[no-untyped-def]
        try:
            self._socket.sendto(datagram, address)
        except OSError as error:  # nobody listens there: as lost as any frame on the air
            self.fault = "radio: the air is gone (%s)" % error

    def _take_all(self) -> None:
        for _ in range(_DATAGRAMS_A_POLL):
            try:
                data, address = self._socket.recvfrom(_DATAGRAM_BYTES)
            except OSError:
                return
            found = self._parsed(data, address)
            if found is not None and not self._lost():
                self.frames_in += 1
                self._waiting.append(found)

    def _parsed(self, data: bytes, address):  # type: ignore[no-untyped-def]
        if len(data) <= _HEAD_BYTES:
            return None
        rssi_dbm, snr_db4 = struct.unpack_from(_HEAD, data)
        if rssi_dbm != _MARK:
            self._remember(address, True)
            return data[_HEAD_BYTES:], rssi_dbm, snr_db4, 0
        if len(data) <= _AIR_BYTES:
            return None
        told = struct.unpack_from(_AIR, data)
        self._remember(address, False)
        heard = Modulation(told[1], told[2], told[3], inverted=bool(told[4]))
        for index, wanted in enumerate(self.listen):
            if heard.meets(wanted):
                return data[_AIR_BYTES:], told[5], told[6], index
        return None

    def _remember(self, address, speaks_plainly: bool) -> None:  # type: ignore[no-untyped-def]
        known = (address, speaks_plainly)
        if known not in self._peers:
            self._peers = self._peers[1 - _PEERS_MAX :] + [known]

    # Nobody listened. Those who spoke are remembered all the same, so that they can be answered.
    def _drain(self) -> None:
        if self._plain:
            return
        self._take_all()
        self.frames_in -= len(self._waiting)
        self._waiting = []

    def _lost(self) -> bool:
        self._random = (self._random * 1103515245 + 12345) & 0x7FFFFFFF
        return bool((self._random >> 8) % 100 < self._loss_percent)


def _address(host: str, port: int):  # type: ignore[no-untyped-def]
    return socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)[0][-1]
