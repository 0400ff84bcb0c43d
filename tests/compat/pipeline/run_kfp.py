#!/usr/bin/env python3
"""Runs a compiled pipeline by KFP's own local orchestrator, without containers: it puts the placeholders
in, hands artifacts and parameters on and keeps the order; commands are looked up on PATH.

    run_kfp.py FILE ROOT [NAME=VALUE...]      (kfp importable)

Images, resources, retries, caching and the kubernetes part play no role. Prints the artifacts below ROOT."""

import os
import pathlib
import sys

from kfp import components, local
from kfp.local import executor_output_utils, subprocess_task_handler

# Container components are refused where no container is made; here any program is its own.
handler = subprocess_task_handler.SubprocessTaskHandler
handler.validate_image = lambda self, image: None
handler.validate_not_container_component = lambda self, command: None
subprocess_task_handler.replace_python_executable = lambda command, executable: command

run_command = subprocess_task_handler.run_local_subprocess


def with_folders(root):
    """In a cluster the launcher makes the folders of a step's outputs."""

    def run(full_command, env_vars=None):
        for word in full_command:
            place = word[word.find(root) :] if root in word else None
            if place:
                pathlib.Path(place).parent.mkdir(parents=True, exist_ok=True)
        return run_command(full_command, env_vars)

    return run


read_outputs = executor_output_utils.get_outputs_from_executor_output


def every_output(executor_output, executor_input, component_spec):
    """In a cluster the launcher hands on all declared artifacts, here only those that a file names."""
    for name, artifacts in executor_input.outputs.artifacts.items():
        if name not in executor_output.artifacts:
            executor_output.artifacts[name].CopyFrom(artifacts)
    return read_outputs(executor_output, executor_input, component_spec)


executor_output_utils.get_outputs_from_executor_output = every_output


def main(file, root, *given):
    pipeline = components.load_component_from_file(file)
    read = {"Integer": int, "Float": float, "Boolean": lambda text: text == "true"}
    arguments = {}
    for one in given:
        name, value = one.split("=", 1)
        arguments[name] = read.get(pipeline.component_spec.inputs[name].type, str)(value)
    subprocess_task_handler.run_local_subprocess = with_folders(root)
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=root, raise_on_error=True)
    pipeline(**arguments)
    for folder, _, files in sorted(os.walk(root)):
        for name in files:
            print((pathlib.Path(folder) / name).relative_to(root))


if __name__ == "__main__":
    main(*sys.argv[1:])
