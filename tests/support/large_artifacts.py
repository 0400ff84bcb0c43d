"""What a large artifact costs between two steps of `torii pipeline run`, by copy and by location: bytes that
the runner and its steps read and write together, and bytes of objects that go to and from an S3 store.

The system adds what a process did to its parent's account (/proc/PID/io) when that waits for it: a process
that runs `torii` and nothing else has the account of the runner and all steps in the end."""

import json
import os
import pathlib
import subprocess
import time

MIB = 1 << 20
CLIENT = """
import os, sys
import boto3
store = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")
bucket, _, key = sys.argv[2].removeprefix("s3://").partition("/")
size, piece = int(sys.argv[3]), 16 << 20
if sys.argv[1] == "write":
    place = {"Bucket": bucket, "Key": key}
    upload, parts = store.create_multipart_upload(**place)["UploadId"], []
    for number in range(1, size // piece + 1):
        part = store.upload_part(**place, UploadId=upload, PartNumber=number, Body=bytes([number % 256]) * piece)
        parts.append({"ETag": part["ETag"], "PartNumber": number})
    store.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})
else:
    for at in range(0, size, piece):
        body = store.get_object(Bucket=bucket, Key=key, Range=f"bytes={at}-{at + piece - 1}")["Body"].read()
        assert body == bytes([(at // piece + 1) % 256]) * piece, at
"""
# Runs a command and writes its account, with that of all its processes, to stderr.
WATCHED = """
import json, pathlib, subprocess, sys
def account():
    return {k: int(v) for k, v in (line.split(": ") for line in pathlib.Path("/proc/self/io").read_text().splitlines())}
before = account()
status = subprocess.run(sys.argv[1:], check=False).returncode
after = account()
print(json.dumps({name: after[name] - before[name] for name in after}), file=sys.stderr)
sys.exit(status)
"""


def pipeline(share, size, client=None):
    """A step that makes `size` bytes and one that reads them all. Of their own they read twice and write
    once as much: zeros from a device, the artifact, and the artifact back."""
    make = f"dd if=/dev/zero of=${{outputs.big}} bs=1M count={size // MIB} status=none"
    read = "sha256sum ${inputs.big}"
    if client:
        make, read = (f"/usr/bin/python3 -B {client} {what} ${{{place}.big}} {size}" for what, place in (("write", "outputs"), ("read", "inputs")))
    return (
        f"name: large\nsteps:\n  make:\n    command: {make}\n    outputs: {{big: {{type: Dataset, share: {share}}}}}\n"
        f"  read:\n    command: {read}\n    inputs: {{big: make.big}}\n"
    )


def measure(program, folder, share, size, store=None, deps=None):
    """{read, written: through calls; disk_read, disk_written; sent, received: objects of the store; seconds}.
    `store`: a support.s3_store.S3Store, else a folder."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    client, environment = None, dict(os.environ)
    words = [str(program), "pipeline", "run", "large.yaml", "--no-cache", "--json", "--quiet"]
    if store is not None:
        environment |= store.environment()
        words.append(f"--store=s3://{store.bucket}/{folder.name}")
        if share == "location":
            client = folder / "client.py"
            client.write_text(CLIENT)
            environment["PYTHONPATH"] = str(pathlib.Path(deps) / "moto")
    (folder / "large.yaml").write_text(pipeline(share, size, client))
    traffic = (store.bytes_in, store.bytes_out) if store else (0, 0)
    begun = time.monotonic()
    done = subprocess.run(["/usr/bin/python3", "-c", WATCHED, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begun
    if done.returncode != 0:
        raise AssertionError(f"exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    more = json.loads(done.stderr.splitlines()[-1])
    steps = {task["task"]: (task["ended_ms"] - task["started_ms"]) / 1e3 for task in json.loads(done.stdout)["tasks"]}
    return {
        "read": more["rchar"],
        "written": more["wchar"],
        "disk_read": more["read_bytes"],
        "disk_written": more["write_bytes"],
        "sent": store.bytes_in - traffic[0] if store else 0,
        "received": store.bytes_out - traffic[1] if store else 0,
        "seconds": seconds,
        "steps": steps,
    }
