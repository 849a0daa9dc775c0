"""Loads what Graft wrote with transformers, peft and safetensors: check.py MANIFEST.json

Prints a line a check, "ok ..." or "FAIL ...". run.mjs writes the manifest and counts the lines.
"""

import json
import sys
import traceback

from transformers.utils import logging

from case import Case
from check_ends import ENDS_CHECKS, EndsCase
from check_files import FILE_CHECKS
from check_models import MODEL_CHECKS
from check_quantized import QUANTIZED_CHECKS, QuantizedCase
from check_weights import WEIGHT_CHECKS, WeightedCase


def main(manifest: str) -> None:
    logging.disable_progress_bar()
    with open(manifest, encoding="utf-8") as file:
        entries = json.load(file)
    for entry in entries["models"]:
        case = Case(entry)
        for check in FILE_CHECKS + MODEL_CHECKS:
            run(case, check)
    for entry in entries["ends"]:
        case = EndsCase(entry)
        for check in ENDS_CHECKS:
            run(case, check)
    for entry in entries["quantized"]:
        case = QuantizedCase(entry)
        for check in QUANTIZED_CHECKS:
            run(case, check)
    for entry in entries["weighted"]:
        case = WeightedCase(entry)
        for check in WEIGHT_CHECKS:
            run(case, check)


def run(case: Case | QuantizedCase | WeightedCase | EndsCase, check) -> None:
    """A check returns what it measured, None where it doesn't apply, or raises."""
    title = f"{case.name}: {check.__doc__.splitlines()[0].rstrip('.')}"
    try:
        measured = check(case)
    except AssertionError as error:
        print(f"FAIL {title}: {error}", flush=True)
        return
    except Exception as error:  # Of a library: it fails this check, not those after it.
        traceback.print_exc()
        print(f"FAIL {title}: {type(error).__name__}", flush=True)
        return
    if measured is not None:
        print(f"ok {title}{measured and f': {measured}'}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
