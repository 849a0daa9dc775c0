"""Writes small random models of all families, each with an adapter of PEFT's: make_families.py FOLDER [--seed=N] [NAME …]

A folder a model: base/, adapter/, rows.json. families.json names them all. Another seed than 0 also makes other sizes.
"""

import json
import sys
import zlib
from pathlib import Path
from random import Random

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
from transformers.utils import logging

from small_families import (
    ADAPTERS,
    FAMILIES,
    NAMED_AS_MODULES,
    NAMED_AS_TEXT_PART,
    NF4,
    OTHER_PARTS,
    PARAMETERS,
    PREDICTING_SEVERAL,
    RATIOS,
    SIZES,
    VISION,
    WITHOUT_HEAD_DIM,
)

LENGTHS = [29, 13]


def main(folder: str, *arguments: str) -> None:
    logging.disable_progress_bar()
    # Threads cost such small products more than they save.
    torch.set_num_threads(1)
    seed = sum(int(argument.removeprefix("--seed=")) for argument in arguments if argument.startswith("--seed="))
    only = [argument for argument in arguments if not argument.startswith("--")]
    names = []
    for name in [*FAMILIES, *VISION]:
        if only and name not in only:
            continue
        at = Path(folder) / name.replace(", ", "-").replace(" ", "-")
        model_type, keys = vision_keys(name) if name in VISION else text_keys(name)
        make(at, name, model_type, varied(keys, seed, name), seed)
        names.append({"name": name, "folder": str(at), "nf4": name in NF4, "ratio": RATIOS.get(name, 1)})
    (Path(folder) / "families.json").write_text(json.dumps(names))


def text_keys(name: str) -> tuple[str, dict]:
    model_type, keys = FAMILIES[name]
    sizes = dict(SIZES)
    if model_type in WITHOUT_HEAD_DIM:
        del sizes["head_dim"]
    return model_type, {**sizes, **keys}


def vision_keys(name: str) -> tuple[str, dict]:
    model_type, text_type, text, vision, keys = VISION[name]
    text_config = {**SIZES, "model_type": text_type, **text}
    return model_type, {"text_config": text_config, "vision_config": vision, **keys}


def varied(keys: dict, seed: int, name: str) -> dict:
    """Other sizes for another seed, as odd as these; a family's own sizes, and lists of its layers, stay."""
    if seed == 0 or name in VISION:
        return keys
    random = Random(f"{seed} {name}")
    free = {key for key, value in SIZES.items() if keys.get(key) == value}
    sizes = {}
    if {"hidden_size", "head_dim", "num_attention_heads"} <= free and "long_factor" not in str(keys):
        kv_heads, group = random.choice([(1, 3), (2, 1), (3, 2), (1, 5)])
        heads = kv_heads * group
        sizes |= {"num_attention_heads": heads, "num_key_value_heads": kv_heads}
        sizes |= {"hidden_size": heads * random.choice([13, 20, 28]), "head_dim": random.choice([8, 16, 32])}
    if "intermediate_size" in free and "block_multiple_of" not in keys:
        sizes["intermediate_size"] = random.choice([44, 51, 75, 100])
    if not any(isinstance(value, list) for value in keys.values()):
        sizes["num_hidden_layers"] = random.choice([3, 5, 6])
    return {**keys, **sizes, "vocab_size": random.choice([61, 113, 130])}


def lengths(seed: int, name: str) -> list[int]:
    random = Random(f"lengths {seed} {name}")
    return LENGTHS if seed == 0 else [random.randint(33, 100), random.randint(2, 40)]


def make(at: Path, name: str, model_type: str, given: dict, seed: int) -> None:
    torch.manual_seed(zlib.crc32(name.encode()) + seed)
    config = AutoConfig.for_model(model_type, **json.loads(json.dumps(given)))
    of_class = AutoModelForImageTextToText if name in VISION else AutoModelForCausalLM
    model = of_class.from_config(config, dtype=torch.float32).eval()
    randomize(model)
    model.save_pretrained(at / "base")
    if name in NAMED_AS_MODULES:
        # A clone each: of tied tensors the file has one.
        stored = {key: value.clone() for key, value in model.state_dict().items() if key != "lm_head.weight"}
        save_file(stored, at / "base" / "model.safetensors", {"format": "pt"})
    rewrite(at / "base" / "model.safetensors", name, config.get_text_config().hidden_size)
    # As older files have them, not as transformers has just written them.
    written = json.loads((at / "base" / "config.json").read_text())
    plain = {"architectures": written["architectures"], "model_type": model_type, **given}
    (at / "base" / "config.json").write_text(json.dumps(plain, indent=2))
    settings = {"r": 3, "lora_alpha": 6, "target_modules": "all-linear", **ADAPTERS.get(name, {})}
    if name in VISION:
        settings["exclude_modules"] = OTHER_PARTS
    settings["target_parameters"] = PARAMETERS.get(name)
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **settings))
    for parameter_name, parameter in adapted.named_parameters():
        if ".lora_B." in parameter_name:
            parameter.data.normal_(std=0.1)
        elif settings.get("bias") and parameter_name.endswith(".bias"):
            parameter.data.add_(torch.randn_like(parameter), alpha=0.3)
        elif ".lora_magnitude_vector." in parameter_name:
            parameter.data.mul_(torch.empty_like(parameter).uniform_(0.7, 1.4))
    adapted.save_pretrained(at / "adapter")
    vocabulary = config.get_text_config().vocab_size
    rows = []
    for length in lengths(seed, name):
        ids = torch.randint(3, vocabulary, (length,))
        labels = ids.masked_fill(torch.rand(length) < 0.3, -100)
        rows.append({"input_ids": ids.tolist(), "labels": labels.tolist()})
    (at / "rows.json").write_text(json.dumps(rows))


def rewrite(file: Path, name: str, hidden: int) -> None:
    """Gives a file's tensors the names, and adds those, that only files by others than transformers have."""
    tensors = load_file(file)
    if name in NAMED_AS_TEXT_PART:
        tensors = {key.replace("model.", "model.language_model.", 1): value for key, value in tensors.items()}
    if name in PREDICTING_SEVERAL:
        tensors["mtp.fc.weight"] = torch.randn(hidden, 2 * hidden)
        tensors["mtp.layers.0.mlp.up_proj.weight"] = torch.randn(2 * hidden, hidden)
        tensors["mtp.norm.weight"] = torch.randn(hidden)
    save_file(tensors, file, {"format": "pt"})


@torch.no_grad()
def randomize(model) -> None:
    """Values of the scale of a trained model: norms near their neutral value, products of unit size."""
    for name, parameter in model.named_parameters():
        if parameter.dim() >= 2:
            spread = 0.5 if "embed" in name else parameter.shape[-1] ** -0.5
            parameter.normal_(std=spread)
        elif "norm" in name:
            neutral = parameter.mean()
            parameter.normal_(std=0.2).add_(neutral)
        else:
            parameter.normal_(std=0.2)


if __name__ == "__main__":
    main(*sys.argv[1:])
