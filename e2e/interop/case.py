"""One model of the manifest: its paths, and its files opened once."""

import json
from functools import cached_property
from pathlib import Path

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM


class Case:
    def __init__(self, entry: dict):
        self.name: str = entry["name"]
        self.base = Path(entry["model"])
        self.adapter = Path(entry["adapter"])
        self.merged = Path(entry["merged"])
        self.max_shard_size: str = entry["maxShardSize"]
        self.adapter_eval: dict = entry["adapterEval"]
        self.merged_eval: dict = entry["mergedEval"]
        self.saved_adapter = Path(entry["savedAdapter"])
        self.saved_merged = Path(entry["savedMerged"])
        self.tokens: dict | None = entry.get("tokens")
        self.generated: dict | None = entry.get("generated")
        with open(entry["rows"], encoding="utf-8") as file:
            self.rows = [json.loads(line) for line in file]

    @cached_property
    def base_tensors(self) -> dict[str, torch.Tensor]:
        return tensors_of(self.base)

    @cached_property
    def targets_head(self) -> bool:
        with open(self.adapter / "adapter_config.json", encoding="utf-8") as file:
            return "lm_head" in json.load(file)["target_modules"]

    @cached_property
    def unties(self) -> bool:
        """Whether the merged model gets a head of its own."""
        return self.targets_head and self.base_model.config.tie_word_embeddings

    @cached_property
    def expected_tensors(self) -> dict[str, torch.Tensor]:
        """What the merged model's tensors are before the adapter is added to them."""
        if not self.unties:
            return self.base_tensors
        return self.base_tensors | {"lm_head.weight": self.base_tensors["model.embed_tokens.weight"]}

    @cached_property
    def merged_tensors(self) -> dict[str, torch.Tensor]:
        return tensors_of(self.merged)

    @cached_property
    def base_model(self):
        return load(self.base, torch.float32)

    @cached_property
    def peft_model(self):
        """The adapter on a float32 base of its own: peft changes the model it is given."""
        return PeftModel.from_pretrained(load(self.base, torch.float32), self.adapter).eval()

    @cached_property
    def exact_merge(self) -> tuple[dict[str, torch.Tensor], dict[str, tuple[int, torch.Tensor]]]:
        """peft's merge in float64; by the name of each merged weight, its rank and scale * |B| |A|."""
        base = load(self.base, torch.float64)
        if self.unties:
            # peft would add to the one matrix that embedding and head are.
            base.lm_head.weight = torch.nn.Parameter(base.lm_head.weight.detach().clone())
            base.config.tie_word_embeddings = False
        model = PeftModel.from_pretrained(base, self.adapter, autocast_adapter_dtype=False)
        magnitudes = {}
        for name, module in model.base_model.model.named_modules():
            if isinstance(module, LoraLayer):
                a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
                magnitude = module.scaling["default"] * b.detach().abs() @ a.detach().abs()
                magnitudes[f"{name}.weight"] = len(a), magnitude
        return model.merge_and_unload().state_dict(), magnitudes

    @cached_property
    def merged_in_float32(self):
        return load(self.merged, "auto").float()


def load(folder: Path, dtype):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


def tensors_of(folder: Path) -> dict[str, torch.Tensor]:
    """Every tensor of a model folder, in the order of its files and of the data in each."""
    tensors = {}
    for file in weight_files(folder):
        loaded = load_file(file)
        with safe_open(file, "pt") as opened:
            tensors |= {name: loaded[name] for name in opened.offset_keys()}
    return tensors


def weight_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))
