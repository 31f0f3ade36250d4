"""Which gauges lie upstream of which."""

from amont_models.records import courses

LIST = """id,river,km2
a,Aude,100
b,Aude,240
c,Aude,700
d,Aude,1500
d2,Aude,1500
o,Orbieu,200
Y142203001,Aude,
O200001001,Garonne,9980
O171251001,Ariege,3450
O060003001,Garonne,4425
"""


def links(tmp_path):
    path = tmp_path / "stations.csv"
    path.write_text(LIST)
    return courses.upstream(path, "id", "river", "km2")


def test_gauges_of_a_river_follow_each_other_by_their_catchments(tmp_path):
    found = links(tmp_path)
    assert found["a"] == ()
    assert found["c"] == ("b", "a")
    assert found["d"] == found["d2"] == ("c", "b")  # nobody is above a gauge of the same place
    assert found["o"] == ()


def test_an_area_that_the_list_lacks_lies_between_its_neighbours(tmp_path):
    assert links(tmp_path)["Y142203001"][0] in ("d", "d2")


def test_a_tributary_comes_before_a_gauge_far_above(tmp_path):
    assert links(tmp_path)["O200001001"] == ("O171251001", "O060003001")


def test_without_a_list_nobody_is_linked(tmp_path):
    assert courses.upstream(tmp_path / "stations.csv", "id", "river", "km2") == {}
