"""Does Graft accept the safetensors files that the safetensors library accepts, and read the same tensors from them?

    python check_fuzz.py [COUNT] [SEED]

Files are real ones, mutated (src/lab/fuzz). A line a check, as check.py prints them.
"""

import base64
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from safetensors import SafetensorError, deserialize

ROOT = Path(__file__).parent.parent.parent


# What the library refuses in how a header is written, though what it says is sound: Graft reads it.
SPELLING = ("invalid type: floating point", "duplicate field")


def library_reads(file: bytes):
    """Names, dtypes and shapes; or why the library refuses the file."""
    try:
        return {name: [info["dtype"], list(info["shape"])] for name, info in deserialize(file)}, ""
    except (SafetensorError, OverflowError) as error:
        return None, str(error)


def main(count: str = "20000", seed: str = "1") -> None:
    program = ["node", "--import", "tsx", "e2e/interop/fuzzedSafetensors.ts", seed, count]
    printed = subprocess.run(program, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    outcomes, wrong = Counter(), []
    for line in printed.split("\n"):
        case = json.loads(line)
        (theirs, why), ours = library_reads(base64.b64decode(case["file"])), case["tensors"]
        if theirs == ours:
            outcomes["both accept" if ours is not None else "both refuse"] += 1
        elif theirs is None and any(not known(dtype) for dtype, _ in ours.values()):
            outcomes["a dtype that only Graft lets pass"] += 1
        elif theirs is None and any(spelling in why for spelling in SPELLING):
            outcomes["a spelling that only Graft reads"] += 1
        elif ours is None and theirs is not None:
            outcomes[f"Graft alone refuses: {case['error']}"] += 1
            wrong.append(case)
        else:
            outcomes["Graft alone accepts, or reads otherwise"] += 1
            wrong.append(case)
    print("ok" if not wrong else "FAIL", f"mutated safetensors files: {dict(outcomes)}")
    for case in wrong[:5]:
        print(f"  {case['index']} {case['error']} {base64.b64decode(case['file'])[:400]!r}")


def known(dtype: str) -> bool:
    return dtype in {"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "BF16", "F32", "F64", "C64", "F4",
                     "F6_E2M3", "F6_E3M2", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"}


if __name__ == "__main__":
    main(*sys.argv[1:])
