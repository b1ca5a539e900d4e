"""Checks in renders of the chart what no schema knows: chart_rules.py RENDER...

A rule is a function in RULES that yields a sentence for everything that breaks it.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

import yaml

# What the chart may make. Above all no Secret, no Role and nothing that binds one.
KINDS = {"ConfigMap", "Deployment", "Job", "PersistentVolumeClaim", "PrometheusRule", "Service", "ServiceAccount"}

# What no schema of Kubernetes' own knows: the group, and what there must be.
RULE_API = "monitoring.coreos.com/v1"

SECRETS = {"DATABASE_URL", "TOKEN_KEY"}

# What the Secret may have besides: for a bucket, and keys of before.
SECRETS_BESIDES = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "TOKEN_KEYS_OLD"}

# What it may have for relays, which only the daemon speaks to.
SECRETS_OF_MAIL = {"SMTP_PASSWORD"}

# What the restricted standard for pods allows, of which the chart has use. Source: Kubernetes' Pod Security Standards.
VOLUMES = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}

# Seconds between the end of the drain and SIGKILL.
GRACE_AFTER_DRAIN = 10

# Seconds that a program has to start on a slow machine.
STARTUP_MIN = 60

NAME_MAX = 63

LABELS = {"helm.sh/chart"} | {f"app.kubernetes.io/{it}" for it in ("name", "instance", "part-of", "version", "managed-by")}


class Render:
    """The resources that one set of values makes."""

    def __init__(self, path):
        self.name = path.stem
        self.resources = [it for it in yaml.safe_load_all(path.read_text()) if it]

    def of(self, *kinds):
        return [it for it in self.resources if it["kind"] in kinds]

    def workloads(self):
        """What has pods, with the template of these."""
        return [(it, it["spec"]["template"]) for it in self.resources if "template" in it.get("spec", {})]

    def programs(self):
        """What serves: a Deployment, its pods, their one container and the settings of that."""
        for deployment in self.of("Deployment"):
            pod = deployment["spec"]["template"]
            [container] = pod["spec"]["containers"]
            [source] = container["envFrom"]
            [config] = [it for it in self.of("ConfigMap") if name(it) == source["configMapRef"]["name"]]
            yield deployment, pod, container, config["data"]


def name(resource):
    return resource["metadata"]["name"]


def title(resource):
    return f"{resource['kind']} {name(resource)}"


def containers(pod):
    spec = pod["spec"]
    return spec.get("initContainers", []) + spec["containers"] + spec.get("ephemeralContainers", [])


def ports(pod):
    return [port for container in containers(pod) for port in container.get("ports", [])]


def selects(selector, pod):
    return selector.items() <= pod["metadata"]["labels"].items()


def strings(value, path=()):
    """Every string below `value`, with the keys that lead there."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from strings(below, (*path, key))
    elif isinstance(value, list):
        for at, below in enumerate(value):
            yield from strings(below, (*path, at))


def kinds_are_known(render):
    for resource in render.resources:
        if resource["kind"] not in KINDS:
            yield f"{title(resource)} is none of {', '.join(sorted(KINDS))}"


def alerts_are_whole(render):
    for resource in render.of("PrometheusRule"):
        if resource["apiVersion"] != RULE_API:
            yield f"{title(resource)} is of {resource['apiVersion']}"
        for rule in [rule for group in resource["spec"]["groups"] for rule in group["rules"]]:
            if not {"alert", "expr", "for", "labels", "annotations"} <= rule.keys():
                yield f"{title(resource)} has a rule that is not whole: {rule}"
            if f'namespace="{resource["metadata"]["namespace"]}"' not in rule["expr"] or "e+" in rule["expr"]:
                yield f"{title(resource)} looks at others' metrics, or at a number that is written oddly: {rule['expr']}"
            if not rule["annotations"].get("summary", "").strip() or "map[" in str(rule["annotations"]):
                yield f"{title(resource)} has a rule that says nothing: {rule['alert']}"


def names_and_labels_are_standard(render):
    for resource in render.resources:
        metadata = resource["metadata"]
        if len(name(resource)) > NAME_MAX:
            yield f"{title(resource)} has a name of more than {NAME_MAX} characters"
        # The renders are made for a namespace of the release's name.
        if metadata.get("namespace") != metadata["labels"]["app.kubernetes.io/instance"]:
            yield f"{title(resource)} is in no namespace, or in another"
        for label in sorted(LABELS - metadata["labels"].keys()):
            yield f"{title(resource)} has no label {label}"


def nothing_is_a_hook(render):
    for resource in render.resources:
        for path, _ in strings(resource):
            if path[-2:-1] == ("annotations",) and re.search(r"(^helm\.sh|^argocd\.argoproj\.io)/hook", path[-1]):
                yield f"{title(resource)} is a hook: {path[-1]}"


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
                else:
                    yield f"{title(resource)} has {variable['name']} from elsewhere than the Secret"
            needed = SECRETS if resource["kind"] == "Deployment" else {"DATABASE_URL"}
            allowed = needed | SECRETS_BESIDES if resource["kind"] == "Deployment" else needed
            if container["name"] == "daemon":
                allowed = allowed | SECRETS_OF_MAIL
            if not needed <= referred <= allowed:
                yield f"{title(resource)} takes {sorted(referred)} from the Secret and not {sorted(needed)}"
    for resource in render.resources:
        for path, value in strings(resource):
            if path[:1] == ("data",) and path[-1] in SECRETS | SECRETS_BESIDES | SECRETS_OF_MAIL:
                yield f"{title(resource)} has {path[-1]}"
            key = re.search(r"(?<!sha256:)\b[0-9a-f]{64}\b", value) and path[-1] != "checksum/config"
            if key or re.search(r"://[^/\s]*:[^/\s]*@|PRIVATE KEY", value):
                yield f"{title(resource)} has what looks like a secret at {'.'.join(map(str, path))}"


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
        changing = {"app.kubernetes.io/version", "helm.sh/chart"} & deployment["spec"]["selector"]["matchLabels"].keys()
        for label in sorted(changing):
            yield f"{title(deployment)} is selected by {label}, which changes, and a selector cannot"
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
    for deployment, pod, container, _ in render.programs():
        services = [it["spec"] for it in render.of("Service") if selects(it["spec"]["selector"], pod)]
        if sorted(it.get("clusterIP", "") for it in services) != ["", "None"]:
            yield f"{title(deployment)} has not one Service with an address and one without"
        for spec in services:
            h2c = [it["name"] for it in spec["ports"] if it.get("appProtocol") == "kubernetes.io/h2c"]
            if h2c != ["grpc"]:
                yield f"{title(deployment)} has a Service whose ports of the protocol h2c are {h2c} and not ['grpc']"
        served = {port["name"] for spec in services for port in spec["ports"]}
        for port in container["ports"]:
            if port["name"] not in served:
                yield f"{title(deployment)} has a port that no Service leads to: {port['name']}"


def probes_ask_health(render):
    for deployment, pod, container, _ in render.programs():
        [grpc] = [port["containerPort"] for port in ports(pod) if port["name"] == "grpc"]
        for kind, service in (("startup", "liveness"), ("liveness", "liveness"), ("readiness", "")):
            probe = container.get(f"{kind}Probe", {})
            asked = probe.get("grpc", {})
            if (asked.get("port"), asked.get("service", "")) != (grpc, service):
                yield f"{title(deployment)} has a {kind} probe that asks not for {service!r} at {grpc} but {asked}"
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
        if own and deployment["spec"]["replicas"] > 1:
            yield f"{title(deployment)} has pictures that its pods do not share"
    if len(claims) > 1:
        yield f"pictures are filled in one claim and cleared in another: {claims}"
    for claim in render.of("PersistentVolumeClaim"):
        if claim["spec"]["accessModes"] != ["ReadWriteMany"]:
            yield f"{title(claim)} cannot be shared"
        if claim["metadata"].get("annotations", {}).get("helm.sh/resource-policy") != "keep":
            yield f"{title(claim)} goes with the release"


def migrations_end(render):
    for job in render.of("Job"):
        spec = job["spec"]
        for key in {"backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"} - spec.keys():
            yield f"{title(job)} has no {key}"
        if not re.search(r"-migrate-[0-9a-f]{8}$", name(job)):
            yield f"{title(job)} has a name that another revision may have"


RULES = [
    kinds_are_known,
    alerts_are_whole,
    names_and_labels_are_standard,
    nothing_is_a_hook,
    pods_are_restricted,
    resources_are_bounded,
    images_are_pinned,
    secrets_are_references,
    selectors_match,
    services_speak_grpc,
    probes_ask_health,
    pods_end_after_their_drain,
    rollouts_keep_what_serves,
    settings_arrive,
    pictures_are_shared,
    migrations_end,
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
