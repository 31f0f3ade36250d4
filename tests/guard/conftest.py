import pytest
from tests.guard.rig import Rig


@pytest.fixture
def rig(tmp_path):
    made = Rig(tmp_path / "state")
    yield made
    made.close()
