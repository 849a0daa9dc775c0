"""Adapters mixed by peft's add_weighted_adapter: `mixes.py make BASE FOLDER` writes adapters, what peft mixes of them, and
FOLDER/mixes.json; `mixes.py check FOLDER` compares what Graft made of the same."""

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from case import load

# Of the largest entry of a tensor; peft's SVD in float32 tells singular values that are close less well apart.
TOLERANCE = 3e-5
SEED = 11
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]

# Adapters by name (none is a part of a module's name): settings of LoraConfig.
ADAPTERS = {
    "alpha": {"r": 4, "lora_alpha": 8, "target_modules": ATTENTION},
    "beta": {"r": 4, "lora_alpha": 4, "target_modules": ["q_proj", "gate_proj", "down_proj"]},
    "wider": {"r": 7, "lora_alpha": 14, "target_modules": [*ATTENTION, "up_proj"]},
    "middle": {"r": 4, "lora_alpha": 16, "target_modules": ATTENTION, "layers_to_transform": [1]},
    "rooted": {"r": 4, "lora_alpha": 8, "use_rslora": True, "target_modules": ["v_proj", "up_proj"]},
}
EQUAL = ["linear", "ties", "dare_linear", "dare_ties", "magnitude_prune"]
ANY = ["cat", "svd", "ties_svd", "dare_linear_svd", "dare_ties_svd", "magnitude_prune_svd"]
# What is mixed, with which weights, by which rules.
MIXES = [
    (["alpha", "beta"], [0.7, 0.3], [*EQUAL, *ANY]),
    (["alpha", "wider"], [1.2, -0.4], ANY),
    (["alpha", "middle", "rooted"], [0.5, 1.0, -0.25], [*EQUAL, *ANY]),
    (["wider"], [-0.5], ["linear"]),
]


def with_adapters(base: Path):
    """The base with all adapters, of random numbers."""
    model = None
    for seed, (name, settings) in enumerate(ADAPTERS.items()):
        config = LoraConfig(task_type="CAUSAL_LM", **settings)
        if model is None:
            model = get_peft_model(load(base, torch.float32), config, adapter_name=name)
        else:
            model.add_adapter(name, config)
        generator = torch.Generator().manual_seed(seed)
        for key, parameter in model.named_parameters():
            if f".{name}." in key:
                parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
    return model


def make(base: Path, folder: Path):
    model = with_adapters(base)
    model.save_pretrained(folder, selected_adapters=list(ADAPTERS))
    cases = []
    for names, weights, rules in MIXES:
        for rule in rules:
            name = "-".join([*names, rule])
            majority = "frequency" if "middle" in names else "total"
            settings = {"density": 0.3, "majority_sign_method": majority}
            torch.manual_seed(SEED)
            model.base_model.add_weighted_adapter(names, weights, name, rule, **settings)
            save_file(updates(model, name), folder / f"{name}.safetensors")
            model.delete_adapter(name)
            cases.append(
                {
                    "name": name,
                    "adapters": [str(folder / one) for one in names],
                    "weights": weights,
                    "rule": rule,
                    "density": 0.3,
                    "majority": majority,
                    "seed": SEED,
                }
            )
    (folder / "mixes.json").write_text(json.dumps({"base": str(base), "cases": cases}))


def updates(model, name: str) -> dict[str, torch.Tensor]:
    """What an adapter adds to each weight. rsLoRA's scale, which peft takes from the first adapter, is left out."""
    return {
        key.removeprefix("base_model.model."): (module.lora_B[name].weight @ module.lora_A[name].weight).detach()
        for key, module in model.named_modules()
        if hasattr(module, "lora_A") and name in module.lora_A
    }


def check(folder: Path):
    manifest = json.loads((folder / "mixes.json").read_text())
    model = with_adapters(Path(manifest["base"]))
    for case in manifest["cases"]:
        name = case["name"]
        try:
            model.load_adapter(folder / "graft" / name, adapter_name=name)
            ours, theirs = updates(model, name), load_file(folder / f"{name}.safetensors")
            assert set(ours) == set(theirs), f"modules differ: {sorted(set(ours) ^ set(theirs))[:3]}"
            assert all(module.scaling[name] == 1 for module in layers(model, name)), "its scale is not 1"
            worst = max(((ours[key] - value).abs().max() / value.abs().max()).item() for key, value in theirs.items())
            fits = worst <= TOLERANCE
            print("ok" if fits else "FAIL", f"mix {name}: peft's, off by {worst:.1e} of the largest")
            model.delete_adapter(name)
        except Exception as error:
            print("FAIL", f"mix {name}: {type(error).__name__}: {error}".replace("\n", " "))


def layers(model, name: str):
    return [module for module in model.modules() if hasattr(module, "lora_A") and name in module.lora_A]


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        check(Path(sys.argv[2]))
