"""Models in 4 bits: what Graft writes in bitsandbytes' format, and what transformers writes in it."""

import json
from functools import cached_property
from pathlib import Path

import torch
from bitsandbytes.nn import Linear4bit
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from case import tensors_of
from check_models import close_logits, logits_of

# Of the 8-bit codes of absmax: on a CPU bitsandbytes looks them up in bins, which at times gives a neighbour.
NEIGHBOURS = 0.01


class QuantizedCase:
    def __init__(self, entry: dict):
        self.name: str = entry["name"]
        self.folder = Path(entry["folder"])
        self.evaluation: dict = entry["evaluation"]
        # False where the model was taken out of its 4 bits.
        self.in_4bit: bool = entry["in4bit"]
        # What transformers is to quantize and save itself, and where to.
        self.again: dict | None = entry.get("again")
        with open(entry["rows"], encoding="utf-8") as file:
            self.rows = [json.loads(line) for line in file]

    @cached_property
    def model(self):
        return in_generic_kernels(AutoModelForCausalLM.from_pretrained(self.folder, dtype="auto").eval())

    @cached_property
    def theirs(self):
        """The original model, quantized by transformers."""
        config = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=self.again["nested"],
            bnb_4bit_compute_dtype=torch.float32,
        )
        return in_generic_kernels(
            AutoModelForCausalLM.from_pretrained(
                self.again["model"], quantization_config=config, dtype=torch.float32, device_map="cpu"
            ).eval()
        )


def in_generic_kernels(model):
    """bitsandbytes' own kernel for CPUs with AVX-512 takes only widths that are multiples of a block."""
    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False
    return model


def loads(case: QuantizedCase) -> str:
    """transformers loads it whole, its layers in 4 bits or not as they should be."""
    _, info = AutoModelForCausalLM.from_pretrained(case.folder, dtype="auto", output_loading_info=True)
    assert not any(info.values()), info
    layers = [module for module in case.model.modules() if isinstance(module, torch.nn.Linear)]
    quantized = [module for module in layers if isinstance(module, Linear4bit)]
    # All but the output layer.
    expected = len(layers) - 1 if case.in_4bit else 0
    assert len(quantized) == expected, f"{len(quantized)} of {len(layers)} layers"
    return f"{len(quantized)} of {len(layers)} layers in 4 bits"


def same_logits(case: QuantizedCase) -> str:
    """transformers' logits are Graft's."""
    return close_logits(case.evaluation, logits_of(case.model, case))


def same_codes(case: QuantizedCase) -> str | None:
    """bitsandbytes makes the same codes of the original model."""
    if case.again is None:
        return None
    case.theirs.save_pretrained(case.again["saved"])
    theirs, ours = tensors_of(Path(case.again["saved"])), tensors_of(case.folder)
    assert theirs.keys() == ours.keys(), f"not in both: {sorted(theirs.keys() ^ ours.keys())}"
    off = total = 0
    for name, tensor in theirs.items():
        assert tensor.dtype == ours[name].dtype, f"{name}: {ours[name].dtype}, not {tensor.dtype}"
        if ".quant_state." in name:
            continue  # JSON: its numbers count in the logits.
        assert tensor.shape == ours[name].shape, f"{name}: {ours[name].shape}, not {tensor.shape}"
        if name.endswith(".absmax") and tensor.dtype == torch.uint8:
            off += (tensor.int() - ours[name].int()).abs().clamp(max=2).sum().item()
            total += tensor.numel()
        elif "nested" in name:
            torch.testing.assert_close(ours[name], tensor, rtol=1e-5, atol=1e-7)
        else:
            assert torch.equal(tensor, ours[name]), f"{name} differs"
    assert off <= NEIGHBOURS * total, f"{off} of {total} absmax differ"
    return f"{len(theirs)} tensors; {off} of {total} nested absmax are neighbours"


def their_logits(case: QuantizedCase) -> str | None:
    """transformers computes with the model it saved, for Graft to compare."""
    if case.again is None:
        return None
    logits = torch.nn.utils.rnn.pad_sequence(logits_of(case.theirs, case), batch_first=True)
    save_file({"logits": logits.contiguous()}, case.again["logits"])
    return ""


QUANTIZED_CHECKS = [loads, same_logits, same_codes, their_logits]
