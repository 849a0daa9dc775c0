"""A run of Graft that train.py of its job continues: the losses of 20 steps in one process and in two that shard by FSDP2.

Usage: check_job.py one|fsdp JOB MODEL. `one` stops after ten steps, which `clusterJob.ts back` takes back; `fsdp` first
ends these 20 in one process, from the checkpoint of train.py itself. One "ok …" or "FAIL …" line a check.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
mode, job, model = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
# Two processes share few cores: threads of one would wait for those of the other.
env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_DATASETS_CACHE": str(job.parent / "datasets")}


def report(ok, text):
    print(("ok " if ok else "FAIL ") + text, flush=True)


def run(*command):
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, env=env)
    return done.returncode, done.stdout + done.stderr


def train(name, *command):
    code, output = run(*command, "--model", model)
    if code != 0:
        report(False, f"job: {name}: train.py ended with {code}: {output[-1500:]}")
        sys.exit(0)


def check(name):
    """Whether check.py of the job finds nothing, and what it says of the losses."""
    code, output = run(job / "check.py")
    first, *rest = output.strip().splitlines() or [""]
    report(code == 0, f"job: {name}: {first if code == 0 else '; '.join([first, *rest])}")


def changed(name, change, says):
    """check.py fails where a copy of the job was changed, and says why."""
    copy = job.parent / "changed"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(job, copy, ignore=shutil.ignore_patterns("checkpoints", "adapter"))
    change(copy)
    # As if the one who changed it had changed the list of files with it.
    description = json.loads((copy / "job.json").read_text())
    description["files"] = []
    (copy / "job.json").write_text(json.dumps(description))
    code, output = run(copy / "check.py")
    report(code != 0 and says in output, f"job: check.py fails where {name}")


def edit_rows(copy, edit):
    path = copy / "rows" / "00000.parquet"
    table = pq.read_table(path)
    pq.write_table(pa.Table.from_pylist(edit(table.to_pylist()), schema=table.schema), path)


def another_label(rows):
    labels = rows[0]["labels"]
    at = next(i for i, label in enumerate(labels) if i > 0 and label != -100)
    labels[at] += 1
    return rows


def another_order(rows):
    first, second, *others = rows
    for row in (first, second):
        assert row["step"] == first["step"]
    return [second, first, *others]


def another_rate(copy):
    path = copy / "schedule.json"
    schedule = json.loads(path.read_text())
    schedule["steps"][3]["lr"] *= 1.001
    path.write_text(json.dumps(schedule))


if mode == "one":
    train("ten steps", job / "train.py", "--steps", "10", "--save-steps", "10")
    check("10 steps in one process")
    changed("one label is another", lambda copy: edit_rows(copy, another_label), "their labels")
    changed("two rows are exchanged", lambda copy: edit_rows(copy, another_order), "their order")
    changed("a rate is another", another_rate, "its rate is")
    file = job.parent / "changed" / "README.md"
    shutil.copy(job / "job.json", file.parent)
    file.write_text("another text\n")
    code, output = run(file.parent / "check.py")
    report(code != 0 and "README.md differs" in output, "job: check.py fails where a file is another")
else:
    train("20 steps", job / "train.py")
    check("20 steps in one process, continued by train.py after 10")
    shutil.rmtree(job / "result")
    ranks = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    train("two ranks", *ranks, HERE / "shards_on_cpu.py", job / "train.py", "--fsdp")
    check("20 steps in 2 processes that shard by FSDP2")
