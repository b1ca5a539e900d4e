"""What one set of values makes of the chart, as the rules of chart_rules.py look at it. It is imported, never run."""

import yaml

# Ends of the names of what the sets of values bring themselves, as extraObjects; all else is the chart's own.
BROUGHT = ("-house", "-motd")


class Render:
    """The resources that one set of values makes, in a file named RELEASE-SET-VERSION.yaml after Kubernetes'."""

    def __init__(self, path):
        self.name = path.stem
        self.set = path.stem.split("-")[-2]
        resources = [it for it in yaml.safe_load_all(path.read_text()) if it]
        self.resources = [it for it in resources if not name(it).endswith(BROUGHT)]
        self.brought = [it for it in resources if name(it).endswith(BROUGHT)]

    def of(self, *kinds):
        return [it for it in self.resources if it["kind"] in kinds]

    def workloads(self):
        """What has pods, with the template of these; a pod is its own."""
        made = [(it, it["spec"]["template"]) for it in self.resources if "template" in it.get("spec", {})]
        return made + [(it, it) for it in self.of("Pod")]

    def programs(self):
        """What serves: a Deployment, its pods, their one container and the settings of that."""
        for deployment in self.of("Deployment"):
            pod = deployment["spec"]["template"]
            [container] = pod["spec"]["containers"]
            source = container["envFrom"][0]
            [config] = [it for it in self.of("ConfigMap") if name(it) == source["configMapRef"]["name"]]
            yield deployment, pod, container, config["data"]

    def scaler(self, deployment):
        """The autoscaler of a Deployment, or None."""
        scalers = {it["spec"]["scaleTargetRef"]["name"]: it for it in self.of("HorizontalPodAutoscaler")}
        return scalers.get(name(deployment))

    def counts(self, deployment):
        """How many pods a Deployment has at least, and at most."""
        scaler = self.scaler(deployment)
        if scaler:
            return scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]
        return deployment["spec"]["replicas"], deployment["spec"]["replicas"]


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
    return selector.items() <= pod["metadata"].get("labels", {}).items()


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
