"""Strict reading of Kubernetes manifests by the API's own description, as its Python client has it (it comes with
KFP's SDK): every member known, of its type, and none missing that the API requires."""

import re

from kubernetes import client
from kubernetes.utils import parse_quantity

KINDS = {
    ("v1", "ServiceAccount"): "V1ServiceAccount",
    ("v1", "ConfigMap"): "V1ConfigMap",
    ("rbac.authorization.k8s.io/v1", "Role"): "V1Role",
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): "V1RoleBinding",
    ("batch/v1", "Job"): "V1Job",
}
PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float)}


class Refused(Exception):
    pass


def refuse(where, what):
    raise Refused(f"{where}: {what}")


def judge_value(kind, value, where):
    if kind.startswith("list["):
        if not isinstance(value, list):
            refuse(where, f"expected a list, found {value!r}")
        for index, one in enumerate(value):
            judge_value(kind[5:-1], one, f"{where}[{index}]")
        return value
    if kind.startswith("dict("):
        if not isinstance(value, dict):
            refuse(where, f"expected a map, found {value!r}")
        for key, one in value.items():
            judge_value("str", key, f"{where} (a key)")
            judge_value(kind[5:-1].split(", ")[1], one, f"{where}.{key}")
            if where.endswith((".requests", ".limits")):
                parse_quantity(one)
        return value
    if kind in PLAIN:
        if not isinstance(value, PLAIN[kind]) or (kind != "bool" and isinstance(value, bool)):
            refuse(where, f"expected {kind}, found {value!r}")
        return value
    if kind == "object":
        return value
    return judge_object(getattr(client, kind), value, where)


def judge_object(model, value, where):
    if not isinstance(value, dict):
        refuse(where, f"expected a map, found {value!r}")
    members = {json: (name, model.openapi_types[name]) for name, json in model.attribute_map.items()}
    given = {}
    for key, one in value.items():
        if key not in members:
            refuse(where, f"unknown member {key!r}; there are: {', '.join(sorted(members))}")
        name, kind = members[key]
        given[name] = judge_value(kind, one, f"{where}.{key}")
    try:
        return model(**given)
    except ValueError as missing:
        return refuse(where, missing)


def judge(document, where):
    key = (document.get("apiVersion"), document.get("kind"))
    if key not in KINDS:
        refuse(where, f"unknown kind {key}")
    judge_object(getattr(client, KINDS[key]), document, f"{where}: {key[1]}")
    metadata = document["metadata"]
    name = metadata.get("name") or metadata.get("generateName", "")
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9]|[-a-z0-9]{0,56}-)?", name):
        refuse(where, f"{name!r} is no name")
