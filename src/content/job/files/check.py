# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy==2.4.6", "pyarrow==26.0.1"]
# ///
"""Checks a job of Graft and what train.py made of it: its files, the rows of each step, the rates, and the losses.

Prints what differs and fails where anything does. Before training it checks the job alone.
"""

import hashlib
import json
import math
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

HERE = Path(__file__).parent
problems = []


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def check_files(job):
    for file in job["files"]:
        path = HERE / file["path"]
        if not path.exists():
            problems.append(f"{file['path']} is missing")
        elif hashlib.file_digest(path.open("rb"), "sha256").hexdigest() != file["sha256"]:
            problems.append(f"{file['path']} differs from what was exported")


def check_rows(schedule):
    """The rows of each step, in order, are those that the schedule has the hash of."""
    expected = {step["step"]: step for step in schedule["steps"]}
    order = []
    for path in sorted((HERE / "rows").glob("*.parquet")):
        rows = pq.read_table(path).to_pylist()
        for step, members in groupby(rows, key=lambda row: row["step"]):
            digest = hashlib.sha256()
            for row in members:
                digest.update(np.asarray(row["input_ids"], "<i4").tobytes() + np.asarray(row["labels"], "<i4").tobytes())
                if "loss_weights" in row:
                    digest.update(np.asarray(row["loss_weights"], "<f4").tobytes())
            order.append(step)
            if step not in expected or digest.hexdigest() != expected[step]["sha256"]:
                problems.append(f"step {step}: its rows, their labels or their order differ")
    if order != sorted(expected):
        problems.append("the steps of rows/ are not those of schedule.json, in order")


def check_run(job, schedule, result):
    """What was trained: the rate and the loss of each step."""
    bound = job["bounds"][result["dtype"]]
    rates = {step["step"]: step["lr"] for step in schedule["steps"]}
    done, evaluated = {}, {}
    for line in lines(HERE / "result" / "metrics.jsonl"):
        (evaluated if "eval_loss" in line else done)[line["step"]] = line
    steps = range(job["step"] + 1, result["step"] + 1)
    problems.extend(f"step {step} was not done" for step in steps if step not in done)
    for step, line in done.items():
        if step not in rates or not math.isclose(line["lr"], rates[step], rel_tol=1e-9, abs_tol=1e-15):
            problems.append(f"step {step}: its rate is {line['lr']}, not {rates.get(step)}")
    worst = compared = 0
    for line in lines(HERE / "losses_expected.jsonl"):
        found, name = (evaluated, "eval_loss") if "eval_loss" in line else (done, "loss")
        if line["done"] or line["step"] not in found:
            continue
        actual, expected = found[line["step"]][name], line[name]
        off = abs(actual - expected) / max(abs(expected), 1e-12)
        worst, compared = max(worst, off), compared + 1
        if not off <= bound:
            problems.append(f"step {line['step']}: its {name} is {actual}, not {expected}: off by {off:.1e}, more than {bound}")
    print(f"{len(done)} steps done; {compared} losses compared, off by at most {worst:.1e} (bound {bound}, {result['dtype']})")


def main():
    job = json.loads((HERE / "job.json").read_text())
    schedule = json.loads((HERE / "schedule.json").read_text())
    check_files(job)
    check_rows(schedule)
    result = HERE / "result" / "result.json"
    if result.exists():
        check_run(job, schedule, json.loads(result.read_text()))
    else:
        print("Nothing was trained yet: the job alone is checked.")
    for problem in problems:
        print(f"FAIL {problem}")
    if problems:
        sys.exit(1)
    print("ok")


if __name__ == "__main__":
    main()
