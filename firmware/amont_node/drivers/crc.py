# The checksums that sensors use. Bit by bit: answers are short, and tables cost heap.


# CRC-16 with the polynomial 8005h, reflected: Modbus begins with FFFFh, SDI-12 with 0.
def crc16(data: bytes, begin: int) -> int:
    return _reflected(data, begin, 0xA001)


# CRC-8 of Maxim's one-wire chips: x^8 + x^5 + x^4 + 1, reflected.
def crc8(data: bytes) -> int:
    return _reflected(data, 0, 0x8C)


def _reflected(data: bytes, crc: int, polynomial: int) -> int:
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (polynomial if crc & 1 else 0)
    return crc
