"""Some hundreds of the bench's damages, each through the real loader: none is silent."""

import numpy as np
import pytest
from tests.bench import bench_silence
from tests.bench.corruptions import KINDS, Damage

from amont_gateway.scoring.onnx_weights import all_finite, float_weights
from amont_models.recipe import ARTIFACTS_DIR


@pytest.fixture(scope="module")
def damage(tmp_path_factory):
    return Damage(ARTIFACTS_DIR, tmp_path_factory.mktemp("damage") / "models")


@pytest.mark.parametrize("kind", KINDS)
def test_no_damage_is_silent(damage, kind):
    rng = np.random.default_rng(41)
    assert not any(damage.silent(kind, rng) for _ in range(60))


def test_what_only_the_hash_finds_is_there_to_be_found(damage):
    rng = np.random.default_rng(42)
    blind, golden = np.mean([damage.unchecked(rng) for _ in range(30)], axis=0)
    assert blind >= golden > 0.2, "without the hash nothing would be wrong: the test sees nothing"


def test_a_hung_session_never_looks_right():
    assert not bench_silence.hung_looks_right()


def test_the_weights_that_are_read_are_those_that_are_there():
    import onnx
    from onnx import numpy_helper

    for path in sorted(ARTIFACTS_DIR.glob("*.onnx")):
        content = path.read_bytes()
        graph = onnx.load_from_string(content).graph
        wanted = [
            numpy_helper.to_array(one).ravel()
            for one in graph.initializer
            if one.data_type == onnx.TensorProto.FLOAT
        ]
        got = list(float_weights(content))
        assert [one.tolist() for one in got if len(one)] == [one.tolist() for one in wanted]
        assert len(wanted) > 4
        assert all_finite(content)
        for share in (0.3, 0.7):
            with pytest.raises(ValueError, match="cut short"):
                all_finite(content[: int(share * len(content))])
