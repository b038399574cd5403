import ast
from pathlib import Path

import prometheus_client
import pytest
from prometheus_client import CollectorRegistry

import ivrengine
from ivrengine.telemetry import metrics

PACKAGE = Path(ivrengine.__file__).parent


def labels_of(registry: CollectorRegistry, name: str, label: str) -> set[str]:
    return {
        sample.labels[label]
        for family in registry.collect()
        for sample in family.samples
        if family.name == name and label in sample.labels
    }


def test_two_engines_count_apart() -> None:
    one, other = metrics.new(), metrics.new()
    one.calls_failed.inc()
    assert one.registry.get_sample_value("ivrengine_calls_failed_total") == 1
    assert other.registry.get_sample_value("ivrengine_calls_failed_total") == 0


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("ivrengine_shipping_failed_total", {"fault": "away"}),
        ("ivrengine_calls_refused_total", {"reason": "no route"}),
        ("ivrengine_requests_failed_total", {"effect": "Play", "failure": "gone"}),
        ("ivrengine_rows_parked_total", {"kind": "event"}),
    ],
)
def test_a_series_of_a_known_set_begins_at_zero(name: str, labels: dict[str, str]) -> None:
    assert metrics.new().registry.get_sample_value(name, labels) == 0


def test_what_prometheus_reads_names_the_engine_and_the_unit() -> None:
    written = prometheus_client.generate_latest(metrics.new().registry).decode()
    names = {line.split()[2] for line in written.splitlines() if line.startswith("# TYPE")}
    assert all(name.startswith("ivrengine_") for name in names)


def literal_labels() -> list[tuple[str, str, object]]:
    """Return metric, label and value wherever the package writes a label as a literal."""
    return [
        (node.func.value.attr, word.arg or "", word.value.value)
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "labels"
        and isinstance(node.func.value, ast.Attribute)
        for word in node.keywords
        if isinstance(word.value, ast.Constant)
    ]


def test_every_label_written_in_the_code_is_of_the_closed_set() -> None:
    registry = metrics.new().registry
    written = literal_labels()
    assert written
    for metric, label, value in written:
        assert value in labels_of(registry, f"ivrengine_{metric}", label), (metric, label)
