# A radio in the test's hand, and its time.

from amont_node.radio import Modulation, RadioPort


class Radio(RadioPort):
    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 5000
        self.done = []  # what it was asked
        self.air = []  # (at_ms, frame, modulation)
        self.is_asleep = False
        self.is_heard = False
        self.works = True

    def configure(self, listen) -> None:
        super().configure(listen)
        self.is_asleep = False

    def send(self, frame: bytes, modulation: Modulation) -> bool:
        self.done.append((frame, modulation))
        self.is_asleep = False
        if not self.works:
            self.fault = "sx1262: busy for ever"
            return False
        self.fault = ""
        self.now_ms += self.time_on_air_us(len(frame), modulation) // 1000
        return True

    def receive(self, wait_ms: int):
        assert not self.is_asleep, "it was to sleep"
        until_ms = self.now_ms + wait_ms
        for heard in self.air:
            at_ms, frame, modulation = heard
            if at_ms <= until_ms:
                self.air.remove(heard)
                self.now_ms = max(self.now_ms, at_ms)
                if modulation.meets(self.listen[0]):
                    return frame, -101, -20, 0
        self.now_ms = until_ms
        return None

    def hears(self) -> bool:
        return self.is_heard

    def sleep(self) -> None:
        self.is_asleep = True

    def close(self) -> None:
        pass
