"""Writes a small random model of a family in F32, without a tokenizer: small_models.py FAMILY FOLDER. Its vocabulary is the
starter's, so that the starter's tokenizer fits."""
import sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM

SIZES = {
    "vocab_size": 1280,
    "hidden_size": 128,
    "intermediate_size": 192,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "bos_token_id": 1278,
    "eos_token_id": 1279,
    "pad_token_id": 1277,
    "tie_word_embeddings": False,
    "dtype": "float32",
}
FAMILIES = {
    "phi3": {"partial_rotary_factor": 0.75, "rope_theta": 500.0},
    # Where llama.cpp's quantization counts layers of attention only, it gives their values other types.
    "lfm2": {
        "num_hidden_layers": 4,
        "layer_types": ["conv", "conv", "full_attention", "full_attention"],
        "conv_L_cache": 4,
        "intermediate_size": 288,
        "block_multiple_of": 32,
        "norm_eps": 1e-4,
        "rope_theta": 500.0,
        "tie_word_embeddings": True,
    },
    # More than ten: their names are not in their order.
    "qwen3_moe": {
        "head_dim": 32,
        "num_experts": 12,
        "num_experts_per_tok": 3,
        "moe_intermediate_size": 96,
        "norm_topk_prob": True,
        "rope_theta": 500.0,
    },
}


def main(family, folder):
    torch.manual_seed(7)
    config = AutoConfig.for_model(family, **{**SIZES, **FAMILIES[family]})
    model = AutoModelForCausalLM.from_config(config).float()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Norms of 1 and matrices of a fiftieth would hide what goes wrong. Of experts that are nearly as likely, rounding
            # would choose one.
            parameter.normal_(1 if name.endswith("norm.weight") else 0, 0.5 if name.endswith("mlp.gate.weight") else 0.1)
    model.save_pretrained(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
