"""Rules of what Kubernetes has no schema of: certificates, monitors, alerts, dashboards. chart_rules.py runs them."""

import json
import re
from pathlib import Path

from chart_render import name, ports, title

MONITORING = "monitoring.coreos.com/v1"
CERTIFICATES = "cert-manager.io/v1"

# Labels that Prometheus itself gives, and the bounds of histograms.
GIVEN = {"namespace", "pod", "le"}

# Words of PromQL that stand where a metric could.
WORDS = {
    "by", "on", "without", "sum", "max", "min", "rate", "increase", "absent", "histogram_quantile", "min_over_time",
    "clamp_min", "or", "and", "unless", "group_left", "ignoring", "time", "count",
}

# What a dashboard need not show: what other series say in another way, and what is looked up when one is puzzled.
UNSHOWN = {
    "grpc_server_handling_seconds_sum", "grpc_server_handling_seconds_count", "process_virtual_memory_bytes",
    "process_start_time_seconds",
}

GROUPING = r"\b(?:by|on|without|ignoring)\s*\((.*?)\)"


def exported():
    """The series that the programs export, and the names of their labels, read out of the source."""
    root = Path(__file__).parents[2]
    series, labels = set(), set()
    for source in [it.read_text() for it in sorted((root / "src").rglob("*.rs"))]:
        fields = dict(re.findall(r"^    (?:pub )?(\w+): (?:Family<\w+, )?(Counter|Histogram|Gauge)\b", source, re.M))
        told = re.findall(r'\.register(?:_with_unit)?\(\s*"(\w+)",(.*?)self\.(\w+)\.clone\(\)', source, re.S)
        for metric, between, field in told:
            metric += "".join(f"_{unit.lower()}" for unit in re.findall(r"Unit::(\w+)", between))
            ends = {"Counter": ["_total"], "Gauge": [""], "Histogram": ["_bucket", "_sum", "_count"]}[fields[field]]
            series |= {metric + end for end in ends}
        structs = re.findall(r"EncodeLabelSet\)\]\nstruct \w+ \{(.*?)\}", source, re.S)
        labels |= {label for fields in structs for label in re.findall(r"(\w+):", fields)}
    return series, labels


SERIES, LABELS = exported()


def strangers(expression):
    """What an expression of PromQL names that the programs do not export."""
    plain = re.sub(r'"[^"]*"', '""', expression)
    labels = {label for inside in re.findall(r"\{(.*?)\}", plain) for label in re.findall(r"(\w+)\s*[=!]", inside)}
    labels |= {label for inside in re.findall(GROUPING, plain) for label in re.findall(r"\w+", inside)}
    rest = re.sub(rf"{GROUPING}|\{{.*?\}}|\[.*?\]", " ", plain)
    names = set(re.findall(r"[A-Za-z_]\w*", rest)) - WORDS
    return sorted((names - SERIES) | (labels - LABELS - GIVEN))


def the_source_tells_its_metrics(render):
    known = {"grpc_server_handled_total", "workcenter_mails_total", "process_open_fds"}
    if len(SERIES) < 30 or not known <= SERIES or "grpc_code" not in LABELS or not UNSHOWN < SERIES:
        yield f"the metrics are not found in the source: {sorted(SERIES)}"


def alerts_are_whole(render):
    if bool(render.of("PrometheusRule")) != (render.set == "production"):
        yield "there are alerts that nobody asked for, or none"
    for resource in render.of("PrometheusRule"):
        if resource["apiVersion"] != MONITORING:
            yield f"{title(resource)} is of {resource['apiVersion']}"
        for rule in [rule for group in resource["spec"]["groups"] for rule in group["rules"]]:
            if not {"alert", "expr", "for", "labels", "annotations"} <= rule.keys():
                yield f"{title(resource)} has a rule that is not whole: {rule}"
            here = f'namespace="{resource["metadata"]["namespace"]}"'
            if rule["expr"].count("{") != rule["expr"].count(here) or "e+" in rule["expr"]:
                yield f"{title(resource)} looks at others' metrics, or at a number written oddly: {rule['expr']}"
            if strangers(rule["expr"]):
                yield f"{title(resource)}, {rule['alert']}, looks at what is not exported: {strangers(rule['expr'])}"
            if not rule["annotations"].get("summary", "").strip() or "map[" in str(rule["annotations"]):
                yield f"{title(resource)} has a rule that says nothing: {rule['alert']}"
            if not rule["annotations"].get("runbook_url", "").endswith(f"#{rule['alert'].lower()}"):
                yield f"{title(resource)} has a rule that leads nowhere: {rule['alert']}"


def the_dashboard_shows_what_there_is(render):
    found = [it for it in render.of("ConfigMap") if name(it).endswith("-dashboard")]
    if bool(found) != (render.set == "production"):
        yield "there is a dashboard that nobody asked for, or none"
    for resource in found:
        if resource["metadata"]["labels"].get("grafana_dashboard") != "workcenter":
            yield f"{title(resource)} is not found by Grafana's sidecar"
        [text] = resource["data"].values()
        dashboard = json.loads(text)
        panels = dashboard["panels"]
        for key in ("id", "title"):
            if len({panel[key] for panel in panels}) != len(panels):
                yield f"{title(resource)} has two panels of one {key}"
        for panel in panels:
            if panel["type"] != "row" and not panel.get("targets"):
                yield f"{title(resource)}, {panel['title']}, shows nothing"
            for target in panel.get("targets", []):
                said = f"{title(resource)}, {panel['title']}"
                if strangers(target["expr"].replace("$__rate_interval", "5m")):
                    yield f"{said}, shows what is not exported: {strangers(target['expr'])}"
                if target["expr"].count("{") != target["expr"].count('namespace="$namespace"'):
                    yield f"{said}, shows other namespaces: {target['expr']}"
                if target["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
                    yield f"{said}, asks a data source that others do not have"
        shown = " ".join(target["expr"] for panel in panels for target in panel.get("targets", []))
        for metric in sorted(SERIES - UNSHOWN):
            if not re.search(rf"\b{metric}\b", shown):
                yield f"{title(resource)} does not show {metric}"


def monitors_find_every_program_once(render):
    monitors = render.of("ServiceMonitor", "PodMonitor")
    due = {"production": ["ServiceMonitor"], "certified": ["PodMonitor"]}.get(render.set, [])
    if [it["kind"] for it in monitors] != due:
        yield f"the monitors are {[title(it) for it in monitors]}"
    for monitor in monitors:
        spec = monitor["spec"]
        selector = spec["selector"]["matchLabels"]
        [among] = spec["selector"]["matchExpressions"]
        if monitor["kind"] == "PodMonitor":
            [endpoint] = spec["podMetricsEndpoints"]
            offered = [(pod["metadata"]["labels"], ports(pod)) for _, pod in render.workloads()]
        else:
            [endpoint] = spec["endpoints"]
            offered = [(it["metadata"]["labels"], it["spec"]["ports"]) for it in render.of("Service")]
        found = [
            labels[among["key"]] for labels, has in offered
            if selector.items() <= labels.items() and labels[among["key"]] in among["values"]
            and endpoint["port"] in [port["name"] for port in has]
        ]
        if sorted(found) != ["daemon", "server"]:
            yield f"{title(monitor)} finds {found}"
        if monitor["apiVersion"] != MONITORING or endpoint["path"] != "/metrics" or endpoint["interval"][-1] != "s":
            yield f"{title(monitor)} does not ask for metrics: {endpoint}"
        if spec["namespaceSelector"] != {"matchNames": [monitor["metadata"]["namespace"]]}:
            yield f"{title(monitor)} looks into other namespaces"


def certificates_name_every_service(render):
    certificates = render.of("Certificate")
    if bool(certificates) != (render.set == "certified"):
        yield "there is a certificate that nobody asked for, or none"
    for certificate in certificates:
        spec = certificate["spec"]
        if certificate["apiVersion"] != CERTIFICATES or set(spec["issuerRef"]) != {"name", "kind", "group"}:
            yield f"{title(certificate)} is signed by nobody: {spec['issuerRef']}"
        namespace = certificate["metadata"]["namespace"]
        for service in render.of("Service"):
            if not {name(service), f"{name(service)}.{namespace}.svc"} <= set(spec["dnsNames"]):
                yield f"{title(certificate)} is not good for {name(service)}"
        if len(set(spec["dnsNames"])) != len(spec["dnsNames"]) or "api.pier-works.example" not in spec["dnsNames"]:
            yield f"{title(certificate)} lacks names, or has one twice: {spec['dnsNames']}"
        if spec["privateKey"]["rotationPolicy"] != "Always" or "server auth" not in spec["usages"]:
            yield f"{title(certificate)} keeps its key, or serves for nothing"
        if hours(spec["duration"]) <= hours(spec["renewBefore"]):
            yield f"{title(certificate)} is renewed before it begins"
        for deployment, pod, _, _ in render.programs():
            mounted = [it["secret"]["secretName"] for it in pod["spec"]["volumes"] if it["name"] == "tls"]
            if mounted != [spec["secretName"]]:
                yield f"{title(deployment)} has the certificate of {mounted}"


def hours(duration):
    return int(re.fullmatch(r"(\d+)h", duration)[1])


RULES = [
    the_source_tells_its_metrics,
    alerts_are_whole,
    the_dashboard_shows_what_there_is,
    monitors_find_every_program_once,
    certificates_name_every_service,
]
