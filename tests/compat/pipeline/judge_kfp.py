#!/usr/bin/env python3
"""KFP's own code judges compiled pipelines:  judge_kfp.py FILE...   (kfp and kfp-kubernetes importable)

Protobuf takes every field of the specification and of the kubernetes part, or says which it does not
know; every reference leads somewhere; the SDK loads the file as it would to upload or run it."""

import sys

import yaml
from google.protobuf import json_format
from kfp import components
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes_pb2
from kfp.pipeline_spec import pipeline_spec_pb2 as spec_pb2


class Refused(Exception):
    pass


def need(condition, *what):
    if not condition:
        raise Refused(": ".join(map(str, what)))


def judge_inputs(spec, owner, name, task, definition):
    """What a task is given: from tasks that it waits for, of outputs that they have."""
    tasks = owner.dag.tasks

    def producer(kind, key, producer_task, output):
        need(producer_task in tasks, name, key, f"no task {producer_task}")
        need(producer_task in task.dependent_tasks, name, key, f"does not wait for {producer_task}")
        made = getattr(spec.components[tasks[producer_task].component_ref.name].output_definitions, kind)
        need(output in made, name, key, f"{producer_task} makes no {output}")
        return made[output]

    for key, given in task.inputs.artifacts.items():
        need(key in definition.artifacts, name, key, "is no input artifact")
        if given.HasField("task_output_artifact"):
            source = given.task_output_artifact
            made = producer("artifacts", key, source.producer_task, source.output_artifact_key)
            wanted = definition.artifacts[key].artifact_type.schema_title
            need(wanted in (made.artifact_type.schema_title, "system.Artifact"), name, key, "types differ")
    for key, given in task.inputs.parameters.items():
        need(key in definition.parameters, name, key, "is no input parameter")
        kind = given.WhichOneof("kind")
        if kind == "task_output_parameter":
            source = given.task_output_parameter
            made = producer("parameters", key, source.producer_task, source.output_parameter_key)
            need(made.parameter_type == definition.parameters[key].parameter_type, name, key, "types differ")
        elif kind == "component_input_parameter":
            need(given.component_input_parameter in owner.input_definitions.parameters, name, key, "unknown to the parent")
    for key, wanted in definition.parameters.items():
        need(wanted.is_optional or key in task.inputs.parameters, name, key, "is given nothing")
    for key, wanted in definition.artifacts.items():
        need(wanted.is_optional or key in task.inputs.artifacts, name, key, "is given nothing")


def judge_dag(spec, owner):
    for name, task in owner.dag.tasks.items():
        need(task.component_ref.name in spec.components, name, "no component", task.component_ref.name)
        for other in task.dependent_tasks:
            need(other in owner.dag.tasks, name, "waits for nothing", other)
        judge_inputs(spec, owner, name, task, spec.components[task.component_ref.name].input_definitions)
        condition = task.trigger_policy.condition
        if condition:
            named = condition.split("['")[1].split("']")[0]
            need(named in task.inputs.parameters, name, "the condition reads what is no input", named)


def judge(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    documents = [document for document in yaml.safe_load_all(text) if document]
    spec = json_format.ParseDict(documents[0], spec_pb2.PipelineSpec())
    deployment = json_format.ParseDict(documents[0]["deploymentSpec"], spec_pb2.PipelineDeploymentConfig())
    need(spec.schema_version == "2.1.0", path, "schema", spec.schema_version)
    for name, component in spec.components.items():
        if component.HasField("dag"):
            judge_dag(spec, component)
        else:
            need(component.executor_label in deployment.executors, name, "no executor", component.executor_label)
    judge_dag(spec, spec.root)
    if len(documents) > 1:
        platforms = json_format.ParseDict(documents[1], spec_pb2.PlatformSpec()).platforms
        need(list(platforms) == ["kubernetes"], path, "platforms", list(platforms))
        for name, config in platforms["kubernetes"].deployment_spec.executors.items():
            need(name in deployment.executors, path, "platform of no executor", name)
            json_format.ParseDict(json_format.MessageToDict(config), kubernetes_pb2.KubernetesExecutorConfig())
    components.load_component_from_text(text)
    return spec


if __name__ == "__main__":
    for one in sys.argv[1:]:
        judged = judge(one)
        print(f"{one}: {judged.pipeline_info.name}, {len(judged.components)} components, {len(judged.root.dag.tasks)} tasks")
