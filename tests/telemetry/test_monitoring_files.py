"""The dashboard and the alerts: what they ask for exists, under these names and with these labels."""

import json
import re
from pathlib import Path

import pytest
import yaml

from monite_auth.telemetry.instruments import INSTRUMENTS

FOLDER = Path(__file__).parents[2] / "docs" / "monitoring"
DASHBOARD = json.loads((FOLDER / "grafana.json").read_text())
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "prometheus.yml").read_text())["groups"]
    for rule in group["rules"]
]


def in_prometheus():
    """Return the series of all metrics as Prometheus has them, each with its labels: the rules are OpenTelemetry's own."""
    series = {}
    for name, each in INSTRUMENTS.items():
        base = name.replace(".", "_") + ("_seconds" if each.unit == "s" else "")
        labels = set(each.attributes)
        if each.kind == "histogram":
            series |= {f"{base}_count": labels, f"{base}_sum": labels, f"{base}_bucket": labels | {"le"}}
        elif each.kind in ("counter", "observed counter"):
            series[f"{base}_total"] = labels
        else:
            series[base] = labels
    return series


SERIES = in_prometheus()
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"] if panel["type"] != "row"}
EXPRESSIONS = [
    *[(title, target["expr"]) for title, panel in PANELS.items() for target in panel["targets"]],
    *[(rule["alert"], rule["expr"]) for rule in RULES],
]


@pytest.mark.parametrize(("title", "expression"), EXPRESSIONS)
def test_each_expression_asks_for_what_exists(title, expression):
    names = re.findall(r"\bmonite_auth_\w+", expression)
    assert names
    assert set(names) <= SERIES.keys()
    known = set().union(*(SERIES[name] for name in names))
    grouped = {label for by in re.findall(r"by \((.*?)\)", expression) for label in re.split(r",\s*", by)}
    chosen = set(re.findall(r"[{,]\s*(\w+)=", expression))
    assert grouped | chosen <= known


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_each_metric_is_in_the_dashboard(name):
    base = name.replace(".", "_")
    assert any(
        re.search(rf"\b{base}(_|\b)", expression) for title, expression in EXPRESSIONS if title in PANELS
    )


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_panel_says_what_it_shows_and_its_legend_uses_its_labels(panel):
    assert panel["description"].endswith(".")
    for target in panel["targets"]:
        labels = re.findall(r"{{(\w+)}}", target["legendFormat"])
        assert all(re.search(rf"by \([^)]*\b{label}\b", target["expr"]) for label in labels)


def test_panels_have_ids_and_places_of_their_own():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert {x for x, _ in cells} == set(range(24))


def test_the_dashboard_can_be_imported_and_asks_which_prometheus_is_meant():
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    assert isinstance(DASHBOARD["schemaVersion"], int)
    assert DASHBOARD["title"]
    assert DASHBOARD["__inputs"] == []
    assert "id" not in DASHBOARD  # Grafana gives it its own
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in PANELS.values():
        assert panel["datasource"] == chosen
        assert [target["datasource"] for target in panel["targets"]] == [chosen] * len(panel["targets"])
        assert [target["refId"] for target in panel["targets"]] == ["A", "B", "C"][: len(panel["targets"])]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_happens_and_what_to_do(rule):
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"].keys() == {"summary", "action"}


def test_outcomes_that_alerts_name_exist():
    outcomes = {"granted", "badcredentials", "astray", "failed", "renewed", "throttled"}
    assert {each for rule in RULES for each in re.findall(r'="(\w+)"', rule["expr"])} <= outcomes
