# The numbers of docs/wire-format.md. Plain ints: `micropython.const` does not exist on CPython.

VERSION = 1
HEADER = 7  # bytes: version and type, node, counter
TAG = 8  # bytes of the CCM tag
MAX_FRAME = 51  # bytes: the slowest LoRaWAN rate
MAX_BODY = MAX_FRAME - HEADER - TAG
MIN_FRAME = HEADER + 1 + TAG

NODE_MAX = 65534  # 0 and 65535 are never used
GENERATION_MAX = 0xFFFF  # 0 is never used
LIFE_MAX = 4095
COUNTER_MAX = 0xFFFFFFFF

UPLINK = 0
DOWNLINK = 1

SAMPLES = 1
URGENT = 2
HEALTH = 3
HELLO = 4
PROGRESS = 5
ACK = 8
TIME = 9
CONFIG = 10
RESEND = 11
UPDATE = 12

DIRECTIONS = {
    SAMPLES: UPLINK,
    URGENT: UPLINK,
    HEALTH: UPLINK,
    HELLO: UPLINK,
    PROGRESS: UPLINK,
    ACK: DOWNLINK,
    TIME: DOWNLINK,
    CONFIG: DOWNLINK,
    RESEND: DOWNLINK,
    UPDATE: DOWNLINK,
}

TYPE_NAMES = {
    SAMPLES: "samples",
    URGENT: "urgent",
    HEALTH: "health",
    HELLO: "hello",
    PROGRESS: "progress",
    ACK: "ack",
    TIME: "time",
    CONFIG: "config",
    RESEND: "resend",
    UPDATE: "update",
}

# Quality of one reading
GOOD = 0
SUSPECT = 1
OUT_OF_RANGE = 2
FAULT = 3
MISSING = 4
HELD = 5
TEST = 6
QUALITY_MAX = 6
QUALITY_NAMES = ("good", "suspect", "out_of_range", "fault", "missing", "held", "test")

# code: (name, unit)
QUANTITIES = {
    1: ("stage_mm", "mm"),
    2: ("rain_um", "µm"),
    3: ("flow_l_h", "l/h"),
    4: ("pressure_pa10", "10 Pa"),
    5: ("volume_l", "l"),
    6: ("water_temp_cc", "0.01 °C"),
    7: ("air_temp_cc", "0.01 °C"),
    8: ("battery_mv", "mV"),
    9: ("level_mm", "mm"),
    10: ("range_mm", "mm"),
}
QUANTITY_CODES = {name: code for code, (name, _unit) in QUANTITIES.items()}

INTERVALS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)  # s
INTERVAL_OTHER = 15  # the index that says: a var follows
STEPS = (1, 2, 5, 10, 20, 50, 100, 200)

CHANNELS_MAX = 4
READINGS_MAX = 64  # per channel of one frame
# Bits of the largest value after division, zigzag. With 20 the newest sample of four channels
# always fits 36 bytes: 24 bits of flags, 104 + 16 of seq, ticks and backlog, 4 * (12 + 24) of
# channels = 288.
VALUE_BITS = 20
VALUE_MAX = (1 << (VALUE_BITS - 1)) - 1

TICK_BITS = 28
SEQ_BITS = 24
ECHO_AGE_BITS = 16
INTERVAL_BITS = 17

# Reset causes
RESET_UNKNOWN = 0
RESET_POWER = 1
RESET_WATCHDOG = 2
RESET_SOFT = 3
RESET_BROWN_OUT = 4
RESET_DEEP_SLEEP = 5
RESET_MAX = 5

# Bits of the health faults
FAULT_PROBE = 1
FAULT_FLASH = 2
FAULT_CLOCK = 4
FAULT_RADIO = 8
FAULT_OUTBOX_FULL = 16
FAULT_CONFIG = 32
FAULT_UPDATE = 64
FAULT_BATTERY = 128
FAULT_SAFE_MODE = 256
FAULT_AIRTIME = 512

# How far a node is with a release that comes by the air
PROGRESS_WANTS = 0
PROGRESS_CHECKED = 1
PROGRESS_REFUSED = 2
PROGRESS_RUNNING = 3

# Rates that an ack asks for
RATE_NORMAL = 0
RATE_FAST = 1
RATE_SIREN = 2

# Quality of the guard's time
TIME_UNKNOWN = 0
TIME_FREE = 1
TIME_SYNCED = 2

# Configuration keys
KEY_INTERVAL_S = 1
KEY_FAST_INTERVAL_S = 2
KEY_HIGH_MARK = 3
KEY_RISE_MARK = 4
KEY_OVERLAP = 5
