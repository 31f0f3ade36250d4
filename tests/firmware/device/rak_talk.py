# Talks to a RAK3172 over a path, in real time, and prints what happened, as JSON.
# Arguments: path, then what to do.

import json
import sys

from amont_node.at import Line, open_uart
from amont_node.radio import Modulation, RadioFault
from amont_node.radio_rak3172 import RadioRak3172

UP = Modulation(868100, 7)
DOWN = Modulation(868100, 7, inverted=True)


def radio(path: str) -> None:
    made = RadioRak3172({"uart": {"port": path}})
    began = made.fault
    sent = [made.send(bytes([1, at]) * 20, UP) for at in range(3)]
    made.configure([DOWN])
    heard = []
    for _ in range(40):
        found = made.receive(100)
        if found is not None:
            heard.append([list(found[0]), found[1], found[2]])
        if len(heard) == 2:
            break
    made.close()
    print(json.dumps({
        "began": began, "sent": sent, "heard": heard, "fault": made.fault,
        "crc_errors": made.crc_errors,
    }))  # fmt: skip


# The line has text without an end on it.
def flood(path: str) -> None:
    line = Line(open_uart({"port": path}))
    said = []
    for _ in range(200):
        try:
            said.append(line.command("AT+NWM=?", 300))
            break
        except RadioFault as error:
            said.append(str(error))
    print(json.dumps({"last": said[-1], "overlong": line.overlong, "rest": len(line._rest)}))


globals()[sys.argv[2]](sys.argv[1])
