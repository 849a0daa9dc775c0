"""The files themselves, without a model."""

import json
import tempfile
from pathlib import Path

import torch
from huggingface_hub import ModelCard, split_torch_state_dict_into_shards
from peft import PeftConfig
from safetensors import safe_open

from case import Case, weight_files

CARD = "README.md"


def metadata_is_pt(case: Case) -> str:
    """safetensors opens every file, and its metadata is {"format": "pt"}."""
    files = weight_files(case.merged) + weight_files(case.adapter)
    for file in files:
        with safe_open(file, "pt") as opened:
            assert opened.metadata() == {"format": "pt"}, f"{file.name}: {opened.metadata()}"
    return f"{len(files)} files"


def same_tensors_as_base(case: Case) -> str:
    """merged tensors have the base's names, order, dtypes and shapes, and a head of their own where it has LoRA."""

    def described(tensors):
        return [(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()]

    base, merged = described(case.expected_tensors), described(case.merged_tensors)
    differing = [pair for pair in zip(base, merged) if pair[0] != pair[1]]
    assert not differing, f"the base has {differing[0][0]}, the merged model {differing[0][1]}"
    assert len(base) == len(merged), f"{len(merged)} tensors in place of {len(base)}"
    return f"{len(merged)} tensors, {total_bytes(case.merged_tensors):,} bytes"


def untouched_tensors(case: Case) -> str:
    """tensors without an adapter are the base's to the bit, those with one are changed."""
    with safe_open(case.adapter / "adapter_model.safetensors", "pt") as opened:
        keys = [key for key in opened.keys() if key.endswith(".lora_A.weight")]
    adapted = {key.removeprefix("base_model.model.").replace(".lora_A.", ".") for key in keys}
    changed = {
        name
        for name, tensor in case.merged_tensors.items()
        if not torch.equal(tensor.view(torch.uint8), case.expected_tensors[name].view(torch.uint8))
    }
    assert changed == adapted, f"changed but not adapted, or the reverse: {sorted(changed ^ adapted)}"
    return f"{len(changed)} changed"


def shards_and_index(case: Case) -> str:
    """shards and index are those that huggingface_hub plans."""
    plan = split_torch_state_dict_into_shards(apart(case.expected_tensors), max_shard_size=case.max_shard_size)
    written = {}
    for file in weight_files(case.merged):
        with safe_open(file, "pt") as opened:
            written[file.name] = list(opened.offset_keys())
    assert written == plan.filename_to_tensors, f"{written} is not {plan.filename_to_tensors}"
    index = case.merged / "model.safetensors.index.json"
    assert index.exists() == plan.is_sharded, "one file needs no index, several need one"
    if plan.is_sharded:
        content = json.loads(index.read_text(encoding="utf-8"))
        assert content["metadata"]["total_size"] == total_bytes(case.expected_tensors), content["metadata"]
        assert content["weight_map"] == plan.tensor_to_filename, content["weight_map"]
    return f"{len(written)} files of at most {case.max_shard_size}"


def other_files(case: Case) -> str:
    """config and tokenizer files are the base's, byte for byte, and nothing else is there but a card."""
    names = {file.name for file in case.base.iterdir() if ".safetensors" not in file.name} - {CARD}
    there = {file.name for file in case.merged.iterdir() if ".safetensors" not in file.name}
    assert there == names | {CARD}, f"{sorted(there)} is not {sorted(names)} and a card"
    for name in names:
        ours, theirs = ((folder / name).read_bytes() for folder in [case.merged, case.base])
        if case.unties and name == "config.json":
            expected = json.loads(theirs) | {"tie_word_embeddings": False}
            assert json.loads(ours) == expected, "config.json says another thing than that the head is untied"
        else:
            assert ours == theirs, f"{name} differs"
    return ", ".join(sorted(names))


def model_cards(case: Case) -> str:
    """huggingface_hub reads the model cards of the adapter and of the merged model."""
    adapter, merged = (ModelCard.load(folder / CARD) for folder in [case.adapter, case.merged])
    assert adapter.data.library_name == "peft", adapter.data
    assert merged.data.library_name == "transformers", merged.data
    for card in [adapter, merged]:
        assert card.data.pipeline_tag == "text-generation", card.data
        assert "graft" in card.data.tags, card.data
    return ", ".join(merged.data.tags)


def adapter_config(case: Case) -> str:
    """peft writes every setting of adapter_config.json as Graft did."""
    ours = json.loads((case.adapter / "adapter_config.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        PeftConfig.from_pretrained(case.adapter).save_pretrained(folder)
        theirs = json.loads((Path(folder) / "adapter_config.json").read_text(encoding="utf-8"))
    # peft keeps the modules in a set.
    theirs["target_modules"] = sorted(theirs["target_modules"])
    differing = {key: (value, theirs.get(key)) for key, value in ours.items() if theirs.get(key) != value}
    assert not differing, f"(Graft's, peft's): {differing}"
    return f"{len(ours)} settings"


def apart(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Each in a storage of its own: huggingface_hub counts those that share one once."""
    return {name: tensor.clone() for name, tensor in tensors.items()}


def total_bytes(tensors: dict[str, torch.Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


FILE_CHECKS = [
    metadata_is_pt,
    same_tensors_as_base,
    untouched_tensors,
    shards_and_index,
    other_files,
    model_cards,
    adapter_config,
]
