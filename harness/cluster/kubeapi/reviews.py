"""Who may do what: here everybody everything, and the API says so when it is asked."""

from __future__ import annotations

from harness.cluster.manifests.documents import Json

USER = {"username": "windtunnel", "groups": ["system:masters", "system:authenticated"]}


def review(group: str, plural: str, body: Json) -> Json | None:
    """The answer to a review posted to `group`/`plural`; None for one that is not known."""
    match group, plural:
        case "authorization.k8s.io", "selfsubjectaccessreviews" | "subjectaccessreviews" | "localsubjectaccessreviews":
            return {**body, "status": {"allowed": True, "reason": "the local cluster allows everything"}}
        case "authorization.k8s.io", "selfsubjectrulesreviews":
            rules = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
            paths = [{"verbs": ["*"], "nonResourceURLs": ["*"]}]
            return {**body, "status": {"resourceRules": rules, "nonResourceRules": paths, "incomplete": False}}
        case "authentication.k8s.io", "selfsubjectreviews":
            return {**body, "status": {"userInfo": USER}}
    return None
