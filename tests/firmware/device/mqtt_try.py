# Connects, sends three messages to its own topic, and prints what happened, as JSON. Arguments:
#   host port [ca name [cert key]]
# On both Pythons. Time passes by itself here, with a hard limit.

import json
import sys
import time

from amont_node.mqtt import DOWN, UP, MqttClient
from amont_node.stream import TlsWrapper

TOPIC = "amont/here/17/down"
STEP_MS = 5


def main(arguments) -> None:
    host, port = arguments[0], int(arguments[1])
    tls = TlsWrapper(*arguments[2:]) if len(arguments) > 2 else None
    client = MqttClient(host, port, "node-17", TOPIC, tls, "", "", 60, 2000)
    client.start(0)
    sent = 0
    got = []
    for now_ms in range(0, 5000, STEP_MS):
        got += [payload.decode() for payload in client.step(now_ms)]
        if client.state == UP and sent < 3 and client.publish(TOPIC, b"m%d" % sent, now_ms):
            sent += 1
        if client.state == DOWN or len(got) == 3:
            break
        time.sleep(STEP_MS / 1000)
    state = client.state
    error = client.error
    client.disconnect()
    print(json.dumps({"state": state, "error": error, "sent": sent, "got": got}))


main(sys.argv[1:])
