# Plays tests/watch/cases.json and prints what came out, as JSON. Unchanged on both Pythons:
#   micropython run_cases.py cases.json      (with core/ on the path)
import json
import sys

from amont_watch import machine, quality, siren, vote
from amont_watch.hazard import Hazard


def play_quality(case):
    judge = quality.SensorQuality(*case["limits"])
    out = []
    for tick_s, value, wire in case["samples"]:
        if wire == "restart":
            judge.restart()
            wire = 0
        out.append(quality.flag_names(judge.judge(tick_s, value, wire)))
    return out


def play_vote(case):
    station, names = vote.StationConfig(case["station"]), case["station"]["sensors"]
    sensors = {}
    validities_s = case["validity_s"], case.get("fast_validity_s", 0)
    for name in names:
        sensors[name] = vote.SensorState(name, *validities_s)
    out = []
    for step in case["steps"]:
        if step[0] == "see":
            out.append(vote.observe(station, sensors[step[1]], *step[2:]))
        elif step[0] == "restart":
            for name in names:
                saved = json.loads(json.dumps(sensors[name].as_dict(step[1])))
                sensors[name] = vote.SensorState(name, *validities_s)
                sensors[name].restore(saved, 0)
            out.append(len(sensors))
        elif step[0] == "look":
            out.append([[s.stuck, s.doubted, s.drifting] for s in [sensors[n] for n in names]])
        else:
            v = vote.decide(station, [sensors[name] for name in names], step[1])
            out.append([v.level, v.hold, v.voters, v.valid, v.rule, v.evidence])
    return out


def play_hazard(case):
    hazard = Hazard(case["clear_s"])
    out = []
    for now_s, level, hold, valid in case["votes"]:
        if level == "restart":
            saved = hazard.as_dict(hold)
            hazard = Hazard(case["clear_s"])
            hazard.restore(saved, now_s)
            out.append([hazard.level, "restored", hazard.awaiting])
            continue
        rule = hazard.take(vote.Vote(level, hold, [], valid, "level", []), now_s)
        out.append([hazard.level, rule, hazard.awaiting])
    return out


def play_siren(case):
    state, limits = siren.State(), siren.Limits()
    out = []
    for now_s, kind, fields in case["events"]:
        if kind == siren.RESTART:
            saved = json.loads(json.dumps(state.as_dict(fields["at_s"])))
            state, fields = siren.state_from_dict(saved, now_s), {}
        state, actions = machine.step(state, siren.Event(kind, **fields), now_s, limits)
        regions = [state.annunciation, state.mode, state.health, state.relay]
        out.append([regions, [[a.kind, a.rule, a.value, a.person] for a in actions]])
    return out


PLAYERS = {"quality": play_quality, "vote": play_vote, "hazard": play_hazard, "siren": play_siren}


def play(cases):
    return {case["name"]: PLAYERS[case["kind"]](case) for case in cases}


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        sys.stdout.write(json.dumps(play(json.load(file))))
