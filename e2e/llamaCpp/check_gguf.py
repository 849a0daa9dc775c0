"""Is a GGUF file of Graft the one that llama.cpp makes of the same weights? check_gguf.py LIBRARIES F32 OURS TYPE, with the
folder of llama.cpp's shared libraries, the model as F32, and a file of TYPE. One line per check."""
import ctypes
import glob
import os
import sys
import tempfile

from gguf import GGUFReader

FILE_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 7, "q4_k_m": 15, "q5_k_m": 17, "q6_k": 18, "bf16": 32}


class Parameters(ctypes.Structure):
    """llama_model_quantize_params: the first two fields, and more room than it needs."""

    _fields_ = [("threads", ctypes.c_int32), ("file_type", ctypes.c_int32), ("rest", ctypes.c_uint8 * 504)]


def load(folder):
    def library(name):
        return glob.glob(os.path.join(folder, name))[0]

    for name in ("*ggml-base.*", "*ggml.*"):
        ctypes.CDLL(library(name), mode=ctypes.RTLD_GLOBAL)
    llama = ctypes.CDLL(library("*llama.*"))
    llama.llama_model_quantize_default_params.restype = Parameters
    return llama


def quantize(llama, source, target, type_name):
    parameters = llama.llama_model_quantize_default_params()
    parameters.file_type = FILE_TYPES[type_name]
    parameters.threads = 2
    return llama.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(parameters))


def check(fits, text):
    print("ok" if fits else "FAIL", text, flush=True)


def main(libraries, source, ours, type_name):
    mine = GGUFReader(ours)
    keys = [key for key in mine.fields if not key.startswith("GGUF.")]
    readable = all(mine.fields[key].contents() is not None for key in keys)
    name = f"{os.path.basename(ours)}:"
    check(readable, f"{name} gguf reads every key: {len(keys)} keys, {len(mine.tensors)} tensors")
    with tempfile.TemporaryDirectory(dir=os.path.dirname(ours)) as folder:
        target = os.path.join(folder, "theirs.gguf")
        status = quantize(load(libraries), source, target, type_name)
        if status != 0:
            return check(False, f"{name} llama.cpp quantized with status {status}")
        theirs = GGUFReader(target)
        compare(name, mine, theirs)


def compare(name, mine, theirs):
    ours = {tensor.name: tensor for tensor in mine.tensors}
    expected = {tensor.name: tensor for tensor in theirs.tensors}
    types = [
        f"{key} is {ours[key].tensor_type.name}, not {tensor.tensor_type.name}"
        for key, tensor in expected.items()
        if key in ours and ours[key].tensor_type != tensor.tensor_type
    ]
    check(
        set(ours) == set(expected) and not types,
        f"{name} tensors have the names and types that llama.cpp's quantization gives them: {types[:3] or len(ours)}",
    )
    same = [key for key in expected if key in ours and not key in types]
    different = [key for key in same if ours[key].data.tobytes() != expected[key].data.tobytes()]
    check(not different, f"{name} the codes are llama.cpp's, to the bit: {different[:3] or len(same)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
