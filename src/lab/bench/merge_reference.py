"""A merge of the benchmark's model done without Graft: SHA-256 of the data of the merged safetensors file.

Reads from stdin JSON: {"table", "step", "rank", "scale", "tensors": [[name, rows, cols, module or null]]}, where module
is the number of the adapted module. Arithmetic: f32, one rounding to bf16, to nearest even.
"""

import hashlib
import json
import sys

import numpy as np

job = json.load(sys.stdin)
table_size, step, rank = job["table"], job["step"], job["rank"]
ROWS = 1024


def hashes(start, count):
    h = (np.arange(start, start + count, dtype=np.uint32) + np.uint32(1)) * np.uint32(0x9E3779B1)
    h ^= h >> np.uint32(15)
    h *= np.uint32(0x85EBCA77)
    return h ^ (h >> np.uint32(13))


h = hashes(0, table_size)
table = (((h >> 31) << 15) | ((119 + ((h >> 7) & 7)) << 7) | (h & 127)).astype(np.uint16)


def dyadic(rows, cols, start, bits):
    k = (hashes(start, rows * cols) % np.uint32(9)).astype(np.float32) - np.float32(4)
    return (k / np.float32(2**bits)).reshape(rows, cols)


def to_bf16(values):
    bits = values.view(np.uint32)
    return ((bits + np.uint32(0x7FFF) + ((bits >> 16) & np.uint32(1))) >> 16).astype(np.uint16)


digest = hashlib.sha256()
for i, (name, rows, cols, module) in enumerate(job["tensors"]):
    a = None if module is None else dyadic(rank, cols, 2 * module * step, 3)
    b = None if module is None else dyadic(rows, rank, (2 * module + 1) * step, 6)
    for row in range(0, rows, ROWS):
        count = min(ROWS, rows - row)
        first = (step * i + row * cols) % table_size
        places = np.arange(first, first + count * cols, dtype=np.int64) % table_size
        bits = table[places].reshape(count, cols)
        if a is not None:
            w = (bits.astype(np.uint32) << 16).view(np.float32)
            bits = to_bf16(w + np.float32(job["scale"]) * (b[row : row + count] @ a))
        digest.update(np.ascontiguousarray(bits).tobytes())
print(digest.hexdigest())
