# A RAK3172 module, whatever it is used for: its working mode, its restarts, its memory. Facts are
# from RUI3's source, releases 4.0.6 to 5.0.0 (docs/rak3172.md).

from amont_node.at import AtError, Line, OutOfTime
from amont_node.radio import RadioFault

P2P = "0"
LORAWAN = "1"
_BOOT_MS = 3000  # from its restart until it answers again
_QUIET_MS = 400  # a module that restarts says nothing for so long


# Puts the module into a working mode, which restarts it.
def choose_mode(line: Line, mode: str) -> None:
    if line.command("AT+NWM=?") == mode:
        return
    try:
        line.command("AT+NWM=" + mode, _QUIET_MS, False)
    except AtError:
        raise
    except RadioFault:  # it restarts with half an answer
        pass
    wait_booted(line)
    if line.command("AT+NWM=?") != mode:
        raise RadioFault("AT+NWM: the module does not change its mode")


def wait_booted(line: Line) -> None:
    began_ms = line.clock.now_ms()
    while True:
        line.clock.sleep_ms(line.left_ms(100))
        try:
            line.command("AT", _QUIET_MS)
            line.rebooted = False
            return
        except OutOfTime:
            raise
        except RadioFault:
            if line.clock.since_ms(began_ms) >= _BOOT_MS:
                raise


# Restarts a module that answers nothing sensible any more.
def restart(line: Line) -> None:
    try:
        line.command("ATZ", _QUIET_MS, False)
    except RadioFault:  # it answers by restarting
        pass
    wait_booted(line)


# Writes a setting if it is another one. True: it was.
def keep_setting(line: Line, command: str, value: str) -> bool:
    if line.command(command + "=?").lower() == value.lower():
        return False
    line.command(command + "=" + value)
    return True
