"""Rules of how many pods there are, and of who may speak with them. chart_rules.py runs them."""

from chart_render import containers, name, ports, selects, title

# Where names are asked for.
DNS = {("UDP", 53), ("TCP", 53)}


def autoscalers_have_the_say(render):
    deployments = {name(it): it for it in render.of("Deployment")}
    for deployment in deployments.values():
        if ("replicas" in deployment["spec"]) == bool(render.scaler(deployment)):
            yield f"{title(deployment)} has replicas and an autoscaler, or neither"
    for scaler in render.of("HorizontalPodAutoscaler"):
        spec = scaler["spec"]
        if scaler["apiVersion"] != "autoscaling/v2" or spec["scaleTargetRef"]["name"] not in deployments:
            yield f"{title(scaler)} scales nothing: {spec['scaleTargetRef']}"
        if not spec["metrics"] or not spec["minReplicas"] <= spec["maxReplicas"]:
            yield f"{title(scaler)} cannot decide: {spec}"
    if (render.set in ("scaled", "production")) != bool(render.of("HorizontalPodAutoscaler")):
        yield "there are autoscalers that nobody asked for, or none where somebody did"


def some_pods_stay(render):
    for deployment, pod, _, _ in render.programs():
        least = render.counts(deployment)[0]
        budgets = [it["spec"] for it in render.of("PodDisruptionBudget")]
        budgets = [it for it in budgets if selects(it["selector"]["matchLabels"], pod)]
        due = 1 if least > 1 and render.set != "hooked" else 0
        if len(budgets) != due:
            yield f"{title(deployment)} has {len(budgets)} budgets for {least} pods and not {due}"
        for budget in budgets:
            if not 0 < budget.get("maxUnavailable", 1) or least <= budget.get("minAvailable", 0):
                yield f"{title(deployment)} has {least} pods of which none may be moved: {budget}"
            if render.set == "default" and budget.get("maxUnavailable") != 1:
                yield f"{title(deployment)} does not lose one pod at a time: {budget}"


def opened(rules):
    """The protocols and ports of rules of ingress or egress."""
    return {(port["protocol"], port["port"]) for rule in rules for port in rule.get("ports", [])}


def networks_let_through_what_is_needed(render):
    policies = render.of("NetworkPolicy")
    if bool(policies) != (render.set in ("certified", "production")):
        yield f"there are {len(policies)} network policies"
    if not policies:
        return
    settings = {name(deployment): settings for deployment, _, _, settings in render.programs()}
    for resource, pod in render.workloads():
        own = [it["spec"] for it in policies if selects(it["spec"]["podSelector"]["matchLabels"], pod)]
        if [it["policyTypes"] for it in own] != [["Ingress", "Egress"]]:
            yield f"{title(resource)} has not one policy for both directions"
            continue
        [policy] = own
        into, out = opened(policy["ingress"]), opened(policy["egress"])
        due = {("TCP", port["containerPort"]) for port in ports(pod)}
        if into != due:
            yield f"{title(resource)} may be reached at {sorted(into)} and has the ports {sorted(due)}"
        if any("ports" not in rule for rule in policy["ingress"] + policy["egress"]):
            yield f"{title(resource)} has a rule that opens every port"
        needed = DNS | needs(render, resource, settings)
        if not needed <= out:
            yield f"{title(resource)} cannot speak to {sorted(needed - out)}"


def needs(render, resource, settings):
    """Where else a workload has to get to."""
    if resource["kind"] == "Pod":
        targets = [container["command"][-1] for container in containers(resource)]
        return {("TCP", int(target.rsplit(":", 1)[1])) for target in targets}
    found = {("TCP", 6432 if render.set == "production" else 5432)}
    of = settings.get(name(resource), {})
    if of.get("SMTP_URL"):
        found |= {("TCP", 465), ("TCP", 2525)}
    if of.get("BLOB_URL"):
        found.add(("TCP", 443))
    return found


def peers_are_named(render):
    if render.set != "production":
        return
    for policy in render.of("NetworkPolicy"):
        for rule in policy["spec"]["ingress"]:
            if not rule.get("from"):
                yield f"{title(policy)} lets everybody in at {rule['ports']}"
        for rule in policy["spec"]["egress"]:
            if not rule.get("to") and opened([rule]) != DNS:
                yield f"{title(policy)} lets its pods out to everybody at {rule['ports']}"


RULES = [autoscalers_have_the_say, some_pods_stay, networks_let_through_what_is_needed, peers_are_named]
