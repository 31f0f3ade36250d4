# A non-blocking byte stream over TCP or TLS, the same on CPython and on MicroPython.

import binascii
import errno
import gc
import select
import ssl
import sys

_MICROPYTHON = sys.implementation.name == "micropython"
_PENDING_BYTES_MAX = 1024
_AGAIN = (errno.EAGAIN, errno.EINPROGRESS)
# CPython's TLS says "later" by exceptions of its own; MicroPython's like a plain socket.
_LATER = tuple(
    [getattr(ssl, n) for n in ("SSLWantReadError", "SSLWantWriteError") if hasattr(ssl, n)]
)


class Closed(Exception):
    pass


# The first object of a PEM file in DER, which is all that MicroPython's TLS reads.
def der_of_pem(path: str) -> bytes:
    with open(path) as file:
        text = file.read()
    _, begin, rest = text.partition("-----BEGIN ")
    body, end, _ = rest.partition("-----END ")
    if not begin or not end:
        raise ValueError("%s: no PEM object" % path)
    return binascii.a2b_base64(body.partition("-----")[2])


# When a certificate in DER begins to be valid, "20261122093000Z"; "": not to be seen. The first
# two times in it are its validity: UTCTime (tag 23) to 2049, GeneralizedTime (24) after that.
def starts_of(der: bytes) -> str:
    for mark, century in ((b"\x17\x0d", "20"), (b"\x18\x0f", "")):
        at = der.find(mark)
        while at >= 0:
            text = der[at + 2 : at + 2 + mark[1]]
            if text[-1:] == b"Z" and text[:-1].isdigit():
                return ("19" if century and text[:1] >= b"5" else century) + text.decode()
            at = der.find(mark, at + 1)
    return ""


# Wraps a connected socket. All PEM files: the certificate of the broker's authority and, if the
# node has them, its own certificate and key. `host` is the name that the broker's certificate must
# bear. Chain, name and time are always checked.
class TlsWrapper:
    def __init__(self, ca_file: str, host: str, cert_file: str = "", key_file: str = "") -> None:
        self._host = host
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.verify_mode = ssl.CERT_REQUIRED
        der = der_of_pem(ca_file)
        self.starts = starts_of(der)  # when the last of the certificates here began to be valid
        self._context.load_verify_locations(cadata=der)
        if cert_file:
            der = der_of_pem(cert_file)
            self.starts = max(self.starts, starts_of(der))
            if _MICROPYTHON:
                self._context.load_cert_chain(der, der_of_pem(key_file))
            else:
                self._context.load_cert_chain(cert_file, key_file)

    def __call__(self, sock):  # type: ignore[no-untyped-def]
        gc.collect()  # a board's TLS wants 17 KB of its heap in one piece
        return self._context.wrap_socket(
            sock, server_hostname=self._host, do_handshake_on_connect=False
        )


class Stream:
    def __init__(self, sock) -> None:  # type: ignore[no-untyped-def]
        self.sock = sock  # connecting or connected, non-blocking
        self._pending = b""  # not yet written

    # True once the connection is there; OSError when it was refused.
    def connected(self) -> bool:
        poll = select.poll()
        poll.register(self.sock, select.POLLOUT)
        for entry in poll.poll(0):
            if entry[1] & (select.POLLERR | select.POLLHUP):
                raise OSError("connection refused")
            return True
        return False

    def wrap(self, wrapper) -> None:  # type: ignore[no-untyped-def]
        self.sock = wrapper(self.sock)

    def queue(self, data: bytes) -> None:
        if len(self._pending) + len(data) > _PENDING_BYTES_MAX:
            raise OSError("too much waits to be sent")
        self._pending += data

    def pending(self) -> bool:
        return len(self._pending) > 0

    # Write what can be written now.
    def flush(self) -> None:
        while self._pending:
            sent = self._try(self.sock.write if hasattr(self.sock, "write") else self.sock.send,
                             self._pending)  # fmt: skip
            if sent is None:
                return
            self._pending = self._pending[sent:]

    # What has come, perhaps nothing; raises Closed at the end.
    def read(self) -> bytes:
        read = self.sock.recv if hasattr(self.sock, "recv") else self.sock.read
        data = self._try(read, 512)
        if data is None:
            return b""
        if data == b"":
            raise Closed()
        return data  # type: ignore[no-any-return]

    def _try(self, call, argument):  # type: ignore[no-untyped-def]
        try:
            return call(argument)
        except _LATER:
            return None
        except OSError as error:
            if error.errno in _AGAIN:
                return None
            raise

    def close(self) -> None:
        try:
            self.sock.close()
        except OSError:
            pass
