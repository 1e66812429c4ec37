"""The picture of the dashboard: what is drawn of the answers of a Prometheus, which is not asked here."""

import json
from xml.etree import ElementTree as ET

from benchmarks.dashboard.panels import DASHBOARD, read_panels
from benchmarks.dashboard.picture import draw
from benchmarks.dashboard.story import Chapter

TIMES = (1000.0, 1120.0, 2)
SERIES = [
    {"metric": {"outcome": "granted"}, "values": [[1000 + 2 * n, str(n)] for n in range(20)]},
    {"metric": {"outcome": "fault <&>"}, "values": [[1000, "1"], [1002, "NaN"], [1060, "3"], [1062, "4"]]},
]


def test_each_query_of_the_file_is_asked_with_an_interval_in_it_and_each_answer_is_drawn():
    asked = []

    def query(expression):
        asked.append(expression)
        return SERIES if "by (outcome)" in expression else []

    panels = read_panels(query, rate_interval="8s")
    written = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    targets = [target["expr"] for panel in written for target in panel.get("targets", ())]
    assert asked == [expression.replace("$__rate_interval", "8s") for expression in targets]
    picture = draw("a picture", panels, [Chapter("an outage", 1040, 1080)], TIMES, {"StoreDown": 1065.0})
    root = ET.fromstring(picture)
    said = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {panel["title"] for panel in written} <= {*said}
    assert {"granted", "fault <&>", "an outage", "StoreDown fires at 1:05", "nothing of this kind"} <= {*said}


def test_a_gap_in_the_answers_is_a_gap_in_the_line():
    panels = read_panels(
        lambda expression: SERIES[1:] if "committed" in expression else [], rate_interval="8s"
    )
    root = ET.fromstring(draw("a picture", panels, [], TIMES, {}))
    lines = [each for each in root.iter() if each.get("class") == "line"]
    assert [each.get("d").count("L") for each in lines] == [0, 1]
