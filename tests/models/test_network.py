import numpy as np
import onnxruntime
import pytest

from amont_models import network
from amont_models.export import write_int8
from amont_models.network import Network, Schedule

SCHEDULE = Schedule(epochs=30, batch=64, rate=0.01, decay=0.0)


def made(seed=1, count=2000):
    rng = np.random.default_rng(seed)
    rows = rng.uniform(-1, 1, (count, 4))
    target = (2 * rows[:, :1] + rng.standard_normal((count, 1))).repeat(3, axis=1)
    return rows, target, np.ones(count)


def test_gradients_are_the_slopes_of_the_loss():
    rows, target, weight = made(count=40)
    net = Network((4, 5, 3), (0.1, 0.5, 0.9), 3)
    gradients = net.gradients(rows, target + 3.0, weight)
    for depth, (weights, _) in enumerate(net.layers):
        for place in ((0, 0), (3, 2)):
            before = weights[place]
            weights[place] = before + 1e-5
            high = net.loss(rows, target + 3.0, weight)
            weights[place] = before - 1e-5
            low = net.loss(rows, target + 3.0, weight)
            weights[place] = before
            # The loss is a mean over outputs, the gradient a sum.
            slope = 3 * (high - low) / 2e-5
            assert gradients[depth][0][place] == pytest.approx(slope, abs=2e-3)


def test_quantiles_are_learnt_and_one_seed_gives_one_network():
    rows, target, weight = made()
    nets = [Network((4, 8, 3), (0.1, 0.5, 0.9), 3) for _ in range(2)]
    for net in nets:
        network.train(net, rows, target, weight, SCHEDULE, seed=5)
    assert np.array_equal(nets[0](rows), nets[1](rows))
    below = (target <= nets[0](rows)).mean(axis=0)
    assert below == pytest.approx([0.1, 0.5, 0.9], abs=0.04)


def test_int8_is_near_float_and_small(tmp_path):
    rows, target, weight = made()
    net = Network((4, 16, 3), (0.1, 0.5, 0.9), 3)
    network.train(net, rows, target, weight, SCHEDULE, seed=5)
    path = tmp_path / "net.onnx"
    assert write_int8(net, rows, path) == path.stat().st_size < 20_000
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    got = session.run(None, {"rows": rows.astype(np.float32)})[0]
    assert np.abs(got - net(rows)).max() < 0.1
    assert "QuantizeLinear" in path.read_bytes().decode("latin-1")


def test_a_file_that_is_too_large_is_refused(tmp_path):
    net = Network((200, 400, 3), (0.1, 0.5, 0.9), 3)
    with pytest.raises(ValueError, match="more than 65536"):
        write_int8(net, np.zeros((300, 200)), tmp_path / "net.onnx")
