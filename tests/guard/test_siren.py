from tests.guard.rig import RISING

from amont_guard import messages


def test_live_flood_sounds_with_the_deciding_frame(rig):
    rig.prove()
    rig.live(*RISING[:-2])
    assert rig.sounded() == []
    rig.clock.pass_s(60)
    rig.line.put(rig.a.frame(2600))
    rig.turn()
    rig.line.put(rig.b.frame(2600))
    rig.turn()
    assert len(rig.sounded()) == 1
    state = rig.state()
    assert state["sirens"][0]["state"] == "sound"
