"""Checks in renders of the chart what no schema knows: chart_rules.py RENDER...

A rule is a function in RULES that yields a sentence for everything that breaks it.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

import chart_customs
import chart_runs
import chart_scale
from chart_render import Render, containers, name, ports, selects, strings, title
from chart_runs import HOOK

# What the chart may make. Above all no Secret, no Role and nothing that binds one.
KINDS = {
    "Certificate", "ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Job", "NetworkPolicy",
    "PersistentVolumeClaim", "Pod", "PodDisruptionBudget", "PodMonitor", "PrometheusRule", "Service", "ServiceAccount", "ServiceMonitor",
}

SECRETS = {"DATABASE_URL", "TOKEN_KEY"}

# What the Secret may have besides: for a bucket, and keys of before.
SECRETS_BESIDES = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "TOKEN_KEYS_OLD"}

# What it may have for relays, which only the daemon speaks to.
SECRETS_OF_MAIL = {"SMTP_PASSWORD"}

# What it has in place of a URL of the database, which is put together of them.
PARTS = {"PGUSER", "PGPASSWORD"}
URL_OF_PARTS = r"host=\S+ port=\d+ dbname=\S+ user='\$\(PGUSER\)' password='\$\(PGPASSWORD\)'( sslmode=\w+)?"

# What the sets of values bring by extraEnv.
BROUGHT = {"SSL_CERT_FILE", "NODE_NAME", "LOG", "LARGE_WORKCENTER"}

# What the restricted standard for pods allows, of which the chart has use. Source: Kubernetes' Pod Security Standards.
VOLUMES = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}

# Seconds between the end of the drain and SIGKILL.
GRACE_AFTER_DRAIN = 10

# Seconds that a program has to start on a slow machine.
STARTUP_MIN = 60

# MiB that a server needs at rest, and for each core: to hash a password and to cut a picture.
MEMORY_BASE = 64
MEMORY_CORE = 19 + 128

NAME_MAX = 63

SELECTED_BY = {f"app.kubernetes.io/{it}" for it in ("name", "instance", "component")}
LABELS = SELECTED_BY | {"helm.sh/chart"} | {f"app.kubernetes.io/{it}" for it in ("part-of", "version", "managed-by")}


def kinds_are_known(render):
    for resource in render.resources:
        if resource["kind"] not in KINDS:
            yield f"{title(resource)} is none of {', '.join(sorted(KINDS))}"


def names_and_labels_are_standard(render):
    for resource in render.resources:
        metadata = resource["metadata"]
        if len(name(resource)) > NAME_MAX:
            yield f"{title(resource)} has a name of more than {NAME_MAX} characters"
        # The renders are made for a namespace of the release's name.
        labels = metadata.get("labels", {})
        if metadata.get("namespace") != labels.get("app.kubernetes.io/instance"):
            yield f"{title(resource)} is in no namespace, or in another"
        for label in sorted(LABELS - labels.keys()):
            yield f"{title(resource)} has no label {label}"


def pods_are_restricted(render):
    for resource, pod in render.workloads():
        spec = pod["spec"]
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if spec.get(key):
                yield f"{title(resource)} has {key}"
        for volume in spec.get("volumes", []):
            for kind in volume.keys() - {"name"} - VOLUMES:
                yield f"{title(resource)} has a volume of the kind {kind}"
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{title(resource)} mounts a token"
        for container in containers(pod):
            for flaw in flaws(spec.get("securityContext", {}), container):
                yield f"{title(resource)}, container {container['name']}, {flaw}"
    for account in render.of("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield f"{title(account)} mounts a token"


def flaws(of_pod, container):
    """What keeps a container out of a namespace that is restricted, and two things that we ask for besides."""
    own = container.get("securityContext", {})
    context = {**of_pod, **own}
    capabilities = own.get("capabilities", {})
    if context.get("runAsNonRoot") is not True:
        yield "may run as root: runAsNonRoot"
    if not context.get("runAsUser"):
        yield "runs as root, or as whom the image says: runAsUser"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "makes any system call: seccompProfile"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "may become more: allowPrivilegeEscalation"
    if own.get("privileged"):
        yield "is privileged"
    if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
        yield "has capabilities: drop, add"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "takes a port of its node: hostPort"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "writes where it should not: readOnlyRootFilesystem"
    if not any(mount["mountPath"] == "/tmp" for mount in container.get("volumeMounts", [])):
        yield "has no /tmp"


def resources_are_bounded(render):
    for resource, pod in render.workloads():
        for container in containers(pod):
            resources = container.get("resources") or {}
            for kind, what in (("requests", "cpu"), ("requests", "memory"), ("limits", "cpu"), ("limits", "memory")):
                if what not in resources.get(kind, {}):
                    yield f"{title(resource)}, container {container['name']}, has no {what} in {kind}"


def memory_is_enough_for_all_cores(render):
    for deployment, _, container, _ in render.programs():
        limits = container["resources"]["limits"]
        cores = int(limits["cpu"])
        mebibytes = int(limits["memory"][:-2]) * {"Mi": 1, "Gi": 1024}[limits["memory"][-2:]]
        if container["name"] == "server" and mebibytes < MEMORY_BASE + cores * MEMORY_CORE:
            yield f"{title(deployment)} has {mebibytes} MiB for {cores} cores"


def images_are_pinned(render):
    for resource, pod in render.workloads():
        for container in containers(pod):
            if not re.search(r"(@sha256:[0-9a-f]{64}|:(?!latest$)[\w.-]+)$", container["image"]):
                yield f"{title(resource)} runs whatever is newest: {container['image']}"


def secrets_are_references(render):
    for resource, pod in render.workloads():
        for container in containers(pod):
            referred = set()
            for variable in container.get("env", []):
                if "secretKeyRef" in variable.get("valueFrom", {}):
                    referred.add(variable["name"])
                elif PARTS <= referred and re.fullmatch(URL_OF_PARTS, variable.get("value", "")):
                    referred = (referred - PARTS) | {variable["name"]}
                elif variable["name"] not in {"DATABASE_CA_FILE"} | BROUGHT:
                    yield f"{title(resource)} has {variable['name']} from elsewhere than the Secret"
            if resource["kind"] == "Pod":
                needed = allowed = set()
            elif container["name"] == "migrate":
                needed = allowed = {"DATABASE_URL"}
            else:
                needed = SECRETS
                allowed = needed | SECRETS_BESIDES | (SECRETS_OF_MAIL if container["name"] == "daemon" else set())
            if not needed <= referred <= allowed:
                yield f"{title(resource)} takes {sorted(referred)} from the Secret and not {sorted(needed)}"
    for resource in render.resources:
        for path, value in strings(resource):
            if path[:1] == ("data",) and path[-1] in SECRETS | SECRETS_BESIDES | SECRETS_OF_MAIL | PARTS:
                yield f"{title(resource)} has {path[-1]}"
            key = re.search(r"(?<!sha256:)\b[0-9a-f]{64}\b", value) and path[-1] != "checksum/config"
            if key or re.search(r"://[^/\s]*:[^/\s]*@|PRIVATE KEY", value):
                yield f"{title(resource)} has what looks like a secret at {'.'.join(map(str, path))}"


def one_secret_is_taken_by_all(render):
    named = set()
    for _, pod in render.workloads():
        named |= {value for path, value in strings(pod["spec"]) if path[-2:] == ("secretKeyRef", "name")}
    if len(named) != 1:
        yield f"secrets come from {sorted(named)}, and existingSecret names one"


def selectors_match(render):
    pods = render.workloads()
    for deployment, own in [it for it in pods if it[0]["kind"] == "Deployment"]:
        spread = own["spec"].get("topologySpreadConstraints", [])
        if {it["topologyKey"] for it in spread} != {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}:
            yield f"{title(deployment)} is not spread over zones and nodes"
        for selector in (deployment["spec"]["selector"], *(it["labelSelector"] for it in spread)):
            found = [title(resource) for resource, pod in pods if selects(selector["matchLabels"], pod)]
            if found != [title(deployment)]:
                yield f"{title(deployment)} looks for pods and finds those of {found}"
        labels = deployment["spec"]["selector"]["matchLabels"].keys()
        if labels != SELECTED_BY:
            yield f"{title(deployment)} is selected by what may change, and a selector cannot: {sorted(labels)}"
    for service in render.of("Service"):
        found = [(resource, pod) for resource, pod in pods if selects(service["spec"]["selector"], pod)]
        if [resource["kind"] for resource, _ in found] != ["Deployment"]:
            yield f"{title(service)} finds the pods of {[title(it) for it, _ in found]}"
            continue
        named = {port["name"] for port in ports(found[0][1])}
        for port in service["spec"]["ports"]:
            if port["targetPort"] not in named:
                yield f"{title(service)} leads to the port {port['targetPort']}, which its pods do not have"


def services_speak_grpc(render):
    for deployment, pod, container, settings in render.programs():
        plain, encrypted = (["health"], ["grpc"]) if "TLS_CERT_FILE" in settings else (["grpc"], [])
        services = [it["spec"] for it in render.of("Service") if selects(it["spec"]["selector"], pod)]
        if sorted(it.get("clusterIP", "") for it in services) != ["", "None"]:
            yield f"{title(deployment)} has not one Service with an address and one without"
        for spec in services:
            is_headless = spec.get("clusterIP") == "None"
            said = {it["name"]: it.get("appProtocol") for it in spec["ports"]}
            for port in plain if is_headless else set(plain) - {"health"}:
                if said.get(port) != "kubernetes.io/h2c":
                    yield f"{title(deployment)} has a Service whose port {port} is not known to be HTTP/2: {said}"
            for port in encrypted:
                if said.get(port) != "https":
                    yield f"{title(deployment)} has a Service whose port {port} is not known to be TLS: {said}"
        served = {port["name"] for spec in services for port in spec["ports"]}
        for port in container["ports"]:
            if port["name"] not in served:
                yield f"{title(deployment)} has a port that no Service leads to: {port['name']}"


def probes_ask_health(render):
    for deployment, pod, container, settings in render.programs():
        # The kubelet speaks no TLS.
        asked_at = "health" if "TLS_CERT_FILE" in settings else "grpc"
        [port] = [port["containerPort"] for port in ports(pod) if port["name"] == asked_at]
        for kind, service in (("startup", "liveness"), ("liveness", "liveness"), ("readiness", "")):
            probe = container.get(f"{kind}Probe", {})
            asked = probe.get("grpc", {})
            is_asked = (asked.get("port"), asked.get("service", "")) == (port, service)
            # A connection that is opened and no more stays for a while.
            if not is_asked or {"tcpSocket", "exec", "httpGet"} & probe.keys():
                yield f"{title(deployment)} has a {kind} probe that asks not for {service!r} at {port} but {probe}"
        startup = container.get("startupProbe", {})
        if startup.get("periodSeconds", 10) * startup.get("failureThreshold", 3) < STARTUP_MIN:
            yield f"{title(deployment)} has less than {STARTUP_MIN} seconds to start"


def pods_end_after_their_drain(render):
    for deployment, pod, _, settings in render.programs():
        grace = int(settings["DRAIN_DELAY_SECONDS"]) + int(settings["DRAIN_SECONDS"]) + GRACE_AFTER_DRAIN
        found = pod["spec"].get("terminationGracePeriodSeconds")
        if found != grace:
            yield f"{title(deployment)} is killed after {found} seconds and not after {grace}"


def rollouts_keep_what_serves(render):
    for deployment in render.of("Deployment"):
        if deployment["spec"].get("strategy", {}).get("rollingUpdate") != {"maxUnavailable": 0, "maxSurge": 1}:
            yield f"{title(deployment)} is not replaced one pod after the other"


def settings_arrive(render):
    for deployment, pod, container, settings in render.programs():
        text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
        if pod["metadata"]["annotations"].get("checksum/config") != hashlib.sha256(text.encode()).hexdigest():
            yield f"{title(deployment)} does not change with its settings: checksum/config"
        listens = {value for key, value in settings.items() if key.endswith("LISTEN")}
        ported = {f"0.0.0.0:{port['containerPort']}" for port in container["ports"]}
        if listens != ported:
            yield f"{title(deployment)} listens at {sorted(listens)} and has the ports {sorted(ported)}"
        mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
        for key, value in settings.items():
            if key.endswith("_DIR") and not any(value == it or value.startswith(f"{it}/") for it in mounts):
                yield f"{title(deployment)} cannot write to {key}: {value}"
            if re.fullmatch(r"\d(\.\d+)?e\+\d+", value):
                yield f"{title(deployment)} has a setting that is no whole number: {key}: {value}"


def pictures_are_shared(render):
    claims = set()
    for deployment, _, _, settings in render.programs():
        volumes = {it["name"]: it for it in deployment["spec"]["template"]["spec"]["volumes"]}
        claims.add(volumes.get("pictures", {}).get("persistentVolumeClaim", {}).get("claimName"))
        if ("BLOB_DIR" in settings) == ("BLOB_URL" in settings) or ("BLOB_DIR" in settings) != ("pictures" in volumes):
            yield f"{title(deployment)} has pictures in a folder and in a bucket, or in neither"
        own = "emptyDir" in volumes.get("pictures", {})
        if own and render.counts(deployment)[1] > 1:
            yield f"{title(deployment)} has pictures that its pods do not share"
    if len(claims) > 1:
        yield f"pictures are filled in one claim and cleared in another: {claims}"
    for claim in render.of("PersistentVolumeClaim"):
        if claim["spec"]["accessModes"] != ["ReadWriteMany"]:
            yield f"{title(claim)} cannot be shared"
        if claim["metadata"].get("annotations", {}).get("helm.sh/resource-policy") != "keep":
            yield f"{title(claim)} goes with the release"


def what_is_said_of_pods_holds_for_all(render):
    # The pod of the test has nothing of its own, so what it has is said of all.
    [test] = render.of("Pod")
    keys = {"nodeSelector", "tolerations", "affinity", "priorityClassName", "schedulerName", "runtimeClassName"}
    if render.set == "production" and keys - test["spec"].keys():
        yield f"{title(test)} does not have {sorted(keys - test['spec'].keys())}"
    for resource, pod in render.workloads():
        for key in sorted(keys & test["spec"].keys() - pod["spec"].keys()):
            yield f"{title(resource)} has no {key}"
        for what in ("labels", "annotations"):
            of_all = {key for key in test["metadata"].get(what, {}) if not HOOK.match(key) and key not in LABELS}
            for key in sorted(of_all - pod["metadata"].get(what, {}).keys()):
                yield f"{title(resource)} has not {key} in its pods' {what}"


def files_are_where_settings_say(render):
    for resource, pod in render.workloads():
        settings = next((it for deployment, _, _, it in render.programs() if deployment is resource), {})
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        for container in containers(pod):
            of_env = {it["name"]: it.get("value", "") for it in container.get("env", [])}
            mounts = {it["mountPath"]: it for it in container["volumeMounts"]}
            if any("subPath" in mount for mount in mounts.values()):
                yield f"{title(resource)} mounts a single file, which stays as it is when the Secret changes"
            own = settings if container["name"] != "migrate" else {}
            for key, value in {**own, **of_env}.items():
                if not value.startswith("/etc/workcenter/"):
                    continue
                folder, file = value.rsplit("/", 1)
                items = volumes[mounts[folder]["name"]]["secret"]["items"] if folder in mounts else []
                if file not in [it["path"] for it in items] or not mounts[folder].get("readOnly"):
                    yield f"{title(resource)}, container {container['name']}, has no file {value} for {key}"


# What particular values are for, which shows only in what becomes of them: a set, a kind, and what its YAML must have.
ARRIVES = [
    ("brought", "Deployment", "images.example/mirror/workcenter:0.1.0"),
    ("brought", "Deployment", "'serviceAccountName': 'backend'"),
    ("hooked", "Job", "'key': 'OWNER_URL'"),
    ("hooked", "Job", "'serviceAccountName': 'default'"),
    ("production", "Job", "'key': 'owner-url'"),
    ("production", "Job", "argocd.argoproj.io/sync-wave"),
    ("production", "ServiceAccount", "iam.gke.io/gcp-service-account"),
    ("production", "Service", "service.kubernetes.io/topology-mode"),
    ("production", "Deployment", "'secretRef': {'name': 'workcenter-proxy'}"),
    ("production", "Job", "'mountPath': '/etc/house'"),
    ("scaled", "Deployment", "info,workcenter=debug"),
    ("parts", "Deployment", "host=db-rw.databases.svc port=5433 dbname=backend"),
]


def values_arrive(render):
    for found in [it for it in ARRIVES if it[0] == render.set]:
        if not any(found[2] in str(it) for it in render.of(found[1])):
            yield f"no {found[1]} has {found[2]}"
    if render.set in ("extended", "production") and not render.brought:
        yield "extraObjects are not there"
    for resource in render.brought:
        if "{{" in str(resource):
            yield f"{title(resource)} has templates that were not rendered"


RULES = [
    kinds_are_known,
    names_and_labels_are_standard,
    pods_are_restricted,
    resources_are_bounded,
    memory_is_enough_for_all_cores,
    images_are_pinned,
    secrets_are_references,
    one_secret_is_taken_by_all,
    selectors_match,
    services_speak_grpc,
    probes_ask_health,
    pods_end_after_their_drain,
    rollouts_keep_what_serves,
    settings_arrive,
    pictures_are_shared,
    what_is_said_of_pods_holds_for_all,
    files_are_where_settings_say,
    values_arrive,
    *chart_runs.RULES,
    *chart_scale.RULES,
    *chart_customs.RULES,
]


def main(paths):
    renders = [Render(Path(path)) for path in paths]
    broken = []
    for render in renders:
        for rule in RULES:
            broken += [f"{render.name}: {rule.__name__}: {sentence}" for sentence in rule(render)]
    if broken or not renders:
        sys.exit("\n".join(broken or ["no renders"]))
    print(f"{len(renders)} renders keep {len(RULES)} rules")


main(sys.argv[1:])
