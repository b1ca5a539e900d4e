"""Rules of what runs and ends: migrations, tests and hooks. chart_rules.py runs them."""

import re

from chart_render import containers, name, strings, title

HOOK = re.compile(r"(helm\.sh|argocd\.argoproj\.io)/hook")


def hooks_are_tests_or_asked_for(render):
    for resource in render.resources:
        hooks = [key for key in resource["metadata"].get("annotations", {}) if HOOK.match(key)]
        is_test = resource["kind"] == "Pod" and resource["metadata"]["annotations"].get("helm.sh/hook") == "test"
        is_asked_for = resource["kind"] == "Job" and render.set == "hooked"
        if bool(hooks) != (is_test or is_asked_for):
            yield f"{title(resource)} is a hook, or should be: {hooks}"


def hooks_need_nothing_of_the_release(render):
    """A hook may come before all that the chart makes: what it names has to be there without it."""
    made = {name(it) for it in render.of("ConfigMap", "PersistentVolumeClaim", "ServiceAccount", "Certificate")}
    for job in [it for it in render.of("Job") if any(HOOK.match(key) for key in it["metadata"].get("annotations", {}))]:
        for path, value in strings(job["spec"]["template"]["spec"]):
            is_ours = path[-1] in ("name", "claimName", "serviceAccountName") and path[-2:-1] != ("secretKeyRef",)
            if value in made and is_ours:
                yield f"{title(job)} is a hook and waits for {value}, which comes after it"


def a_test_asks_by_the_image_itself(render):
    images = {container["image"] for _, pod in render.workloads() for container in containers(pod)}
    if len(images) != 1:
        yield f"there is more than one image: {sorted(images)}"
    for pod in render.of("Pod"):
        asked = [container["command"] for container in pod["spec"]["containers"]]
        if any(command[:2] != ["workcenterctl", "healthcheck"] for command in asked):
            yield f"{title(pod)} asks otherwise than by the programs' own check: {asked}"
        for target in [command[-1].removeprefix("http://").split(":") for command in asked]:
            services = [it["spec"]["ports"] for it in render.of("Service") if name(it) == target[0]]
            plain = [port for it in services for port in it if port.get("appProtocol") == "kubernetes.io/h2c"]
            if target[1] not in [str(port["port"]) for port in plain]:
                yield f"{title(pod)} asks where nobody is: {target}"
    if [name(it) for it in render.of("Pod")] == []:
        yield "helm test finds nothing to run"


def migrations_end(render):
    for job in render.of("Job"):
        spec = job["spec"]
        for key in {"backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"} - spec.keys():
            yield f"{title(job)} has no {key}"
        if not re.search(r"-migrate-[0-9a-f]{8}$", name(job)):
            yield f"{title(job)} has a name that another revision may have"


def the_schema_comes_once(render):
    jobs = [title(job) for job in render.of("Job")]
    inits = [title(it) for it in render.of("Deployment") if it["spec"]["template"]["spec"].get("initContainers")]
    if (len(jobs), len(inits)) != {"brought": (0, 0), "parts": (0, 2)}.get(render.set, (1, 0)):
        yield f"the schema is brought by {jobs + inits}"
    for resource, pod in render.workloads():
        for container in containers(pod):
            if container["name"] == "migrate" and container["command"] != ["workcenterctl", "migrate"]:
                yield f"{title(resource)} migrates by {container['command']}"


RULES = [
    hooks_are_tests_or_asked_for,
    hooks_need_nothing_of_the_release,
    a_test_asks_by_the_image_itself,
    migrations_end,
    the_schema_comes_once,
]
