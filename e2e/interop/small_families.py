"""The families of small random models: config.json's keys by name, of odd sizes and every value that changes the maths."""

SIZES = {
    "hidden_size": 60,
    "intermediate_size": 76,
    "num_hidden_layers": 7,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 24,
    "vocab_size": 97,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 16,
}
FULL, SLIDING = "full_attention", "sliding_attention"
PAIRS = 9  # of a head of 24 of which three quarters turn
LONGROPE = {
    "type": "longrope",
    "short_factor": [1 + i / 20 for i in range(PAIRS)],
    "long_factor": [1 + i / 3 for i in range(PAIRS)],
}

# Name: model type, and the keys that differ.
FAMILIES = {
    "gemma3_text": (
        "gemma3_text",
        {
            "query_pre_attn_scalar": 20,
            "sliding_window": 8,
            "sliding_window_pattern": 3,
            "rope_theta": 40000.0,
            "rope_local_base_freq": 300.0,
            "rope_scaling": {"rope_type": "linear", "factor": 8.0},
        },
    ),
    "gemma3_text, new keys": (
        "gemma3_text",
        {
            "sliding_window": 8,
            "layer_types": [SLIDING, FULL, FULL, SLIDING, SLIDING, FULL, SLIDING],
            "rope_parameters": {
                SLIDING: {"rope_type": "default", "rope_theta": 700.0},
                FULL: {"rope_type": "yarn", "factor": 3.0, "rope_theta": 50000.0, "original_max_position_embeddings": 20},
            },
            "final_logit_softcapping": 4.0,
            "attention_bias": True,
            "hidden_activation": "gelu",
        },
    ),
    "gemma2": (
        "gemma2",
        {
            "query_pre_attn_scalar": 30,
            "sliding_window": 8,
            "attn_logit_softcapping": 2.0,
            "final_logit_softcapping": 5.0,
            "tie_word_embeddings": False,
        },
    ),
    "granite": (
        "granite",
        {
            "embedding_multiplier": 12.0,
            "logits_scaling": 4.0,
            "residual_multiplier": 0.22,
            "attention_multiplier": 0.15,
            "attention_bias": True,
            "mlp_bias": True,
            "tie_word_embeddings": True,
        },
    ),
    "granitemoehybrid": (
        "granitemoehybrid",
        {
            "embedding_multiplier": 3.0,
            "logits_scaling": 2.0,
            "residual_multiplier": 0.3,
            "attention_multiplier": 0.2,
            "num_local_experts": 0,
            "shared_intermediate_size": 52,
            "position_embedding_type": "rope",
            "layer_types": ["attention"] * 7,
            "mamba_n_heads": 4,
            "tie_word_embeddings": True,
        },
    ),
    "granitemoehybrid, nothing turns": (
        "granitemoehybrid",
        {
            "num_local_experts": 0,
            "attention_multiplier": 0.2,
            "layer_types": [FULL] * 7,
            "mamba_n_heads": 4,
            "position_embedding_type": "nope",
        },
    ),
    "smollm3": ("smollm3", {"rope_theta": 5000.0}),
    "smollm3, windows and YaRN": (
        "smollm3",
        {
            "no_rope_layers": [1, 0, 1, 1, 0, 0, 1],
            "use_sliding_window": True,
            "sliding_window": 8,
            "rope_scaling": {**YARN, "beta_fast": 8, "beta_slow": 0.5, "truncate": False},
            "attention_bias": True,
            "mlp_bias": True,
        },
    ),
    "phi3": (
        "phi3",
        {
            "hidden_size": 144,
            "partial_rotary_factor": 0.75,
            "original_max_position_embeddings": 16,
            "rope_scaling": LONGROPE,
            "sliding_window": 8,
        },
    ),
    "phi3, default RoPE": ("phi3", {"hidden_size": 144, "rope_theta": 500.0, "tie_word_embeddings": True}),
    "olmo2": ("olmo2", {"rope_theta": 500.0, "attention_bias": True}),
    "olmo3": (
        "olmo3",
        {
            "sliding_window": 8,
            "rope_theta": 900.0,
            "rope_scaling": {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 16, "attention_factor": 1.2},
        },
    ),
    "ernie4_5": ("ernie4_5", {"use_bias": True, "rope_theta": 800.0}),
    "hunyuan_v1_dense": (
        "hunyuan_v1_dense",
        {"rope_scaling": {"type": "dynamic", "alpha": 50.0, "factor": 1.0, "beta_fast": 32, "beta_slow": 1}},
    ),
    "glm4": ("glm4", {"partial_rotary_factor": 0.5, "rope_theta": 700.0}),
    "exaone4": ("exaone4", {"sliding_window": 8, "sliding_window_pattern": 3}),
    "exaone4, without windows": (
        "exaone4",
        {"sliding_window": None, "layer_types": [FULL] * 7, "rope_theta": 600.0},
    ),
    "seed_oss": ("seed_oss", {"attention_out_bias": True, "mlp_bias": True}),
    "ministral3": (
        "ministral3",
        {
            "sliding_window": 8,
            "rope_parameters": {**YARN, "mscale": 1.0, "mscale_all_dim": 0.5, "llama_4_scaling_beta": 0.3},
        },
    ),
    "nanochat": ("nanochat", {"final_logit_softcapping": 3.0}),
    "lfm2": (
        "lfm2",
        {
            "norm_eps": 1e-5,
            "conv_L_cache": 3,
            "block_multiple_of": 20,
            "block_ffn_dim_multiplier": 1.1,
            "full_attn_idxs": [2, 5],
            "rope_theta": 600.0,
        },
    ),
    "lfm2, types and biases": (
        "lfm2",
        {
            "conv_L_cache": 5,
            "conv_bias": True,
            "block_auto_adjust_ff_dim": False,
            "layer_types": [FULL, "conv", "conv", FULL, "conv", FULL, "conv"],
            "tie_word_embeddings": False,
        },
    ),
    "qwen3_moe": (
        "qwen3_moe",
        {
            "num_experts": 7,
            "num_experts_per_tok": 3,
            "moe_intermediate_size": 20,
            "norm_topk_prob": True,
            "mlp_only_layers": [2, 5],
        },
    ),
    # Sizes at which the experts of a layer are one matrix; most get no token of a row.
    "qwen3_moe, many experts": (
        "qwen3_moe",
        {
            "hidden_size": 64,
            "num_experts": 40,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 32,
            "decoder_sparse_step": 2,
            "use_sliding_window": True,
            "sliding_window": 8,
            "attention_bias": True,
        },
    ),
    "olmoe": (
        "olmoe",
        {"hidden_size": 144, "intermediate_size": 28, "num_experts": 5, "num_experts_per_tok": 5, "attention_bias": True},
    ),
    "granitemoehybrid, experts": (
        "granitemoehybrid",
        {
            "embedding_multiplier": 3.0,
            "logits_scaling": 2.0,
            "residual_multiplier": 0.3,
            "attention_multiplier": 0.2,
            "num_local_experts": 6,
            "num_experts_per_tok": 2,
            "intermediate_size": 36,
            "shared_intermediate_size": 52,
            "layer_types": ["attention"] * 7,
            "mamba_n_heads": 4,
            "position_embedding_type": "rope",
        },
    ),
    "qwen3_5_text": (
        "qwen3_5_text",
        {
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 6,
            "linear_key_head_dim": 12,
            "linear_value_head_dim": 20,
            "full_attention_interval": 3,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 500.0,
                "partial_rotary_factor": 0.5,
                "mrope_section": [2, 2, 2],
                "mrope_interleaved": True,
            },
        },
    ),
    "qwen3_5_text, types and biases": (
        "qwen3_5_text",
        {
            "linear_num_key_heads": 3,
            "linear_num_value_heads": 3,
            "linear_key_head_dim": 24,
            "linear_value_head_dim": 9,
            "linear_conv_kernel_dim": 2,
            "layer_types": ["linear_attention", FULL, "linear_attention", "linear_attention", FULL, FULL, "linear_attention"],
            "attention_bias": True,
            "tie_word_embeddings": True,
        },
    ),
    "llama, YaRN": ("llama", {"rope_scaling": YARN}),
    "qwen2, YaRN": ("qwen2", {"rope_scaling": {**YARN, "factor": 2.0}, "tie_word_embeddings": True}),
    "qwen2, DoRA": ("qwen2", {}),
    "llama, DoRA and LoRA+": ("llama", {}),
    "phi3, DoRA": ("phi3", {"hidden_size": 144, "rope_theta": 500.0, "tie_word_embeddings": True}),
    "qwen2, biases": ("qwen2", {}),
    "qwen2, OLoRA": ("qwen2", {}),
    "llama, dynamic": ("llama", {"rope_scaling": {"type": "dynamic", "factor": 4.0}, "hidden_act": "gelu_new"}),
}
VISION_SIZES = {
    "hidden_size": 32,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 56,
    "patch_size": 14,
}
# Models that look at images: type, type of the text part and its keys, those of the other part, and of the model.
VISION = {
    "gemma3": (
        "gemma3",
        "gemma3_text",
        {"query_pre_attn_scalar": 20, "sliding_window": 8, "sliding_window_pattern": 3, "rope_scaling": {"rope_type": "linear", "factor": 8.0}},
        VISION_SIZES,
        {"mm_tokens_per_image": 4, "image_token_index": 96, "boi_token_index": 95, "eoi_token_index": 94},
    ),
    "mistral3": (
        "mistral3",
        "ministral3",
        {"rope_parameters": {**YARN, "mscale": 1.0, "mscale_all_dim": 0.5, "llama_4_scaling_beta": 0.3}},
        {**VISION_SIZES, "model_type": "pixtral", "head_dim": 8},
        {"image_token_index": 96},
    ),
    "mistral3, own head": (
        "mistral3",
        "mistral",
        {"sliding_window": 8},
        {**VISION_SIZES, "model_type": "pixtral", "head_dim": 8},
        {"image_token_index": 96, "tie_word_embeddings": False},
    ),
    "qwen3_5": (
        "qwen3_5",
        "qwen3_5_text",
        {
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 4,
            "linear_key_head_dim": 16,
            "linear_value_head_dim": 8,
            "full_attention_interval": 2,
            "rope_parameters": {"rope_type": "default", "rope_theta": 300.0, "mrope_section": [1, 1, 1], "mrope_interleaved": True},
        },
        {
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 40,
            "num_heads": 4,
            "patch_size": 14,
            "out_hidden_size": SIZES["hidden_size"],
            "num_position_embeddings": 16,
        },
        {"image_token_id": 96, "video_token_id": 95, "vision_start_token_id": 94, "vision_end_token_id": 93, "tie_word_embeddings": True},
    ),
}
# Of these, files whose tensors are named as modules, as transformers 4.52 to 4.57 wrote them.
NAMED_AS_MODULES = {"mistral3"}
# Of text models, files whose tensors have the names that they have in a vision model.
NAMED_AS_TEXT_PART = {"qwen3_5_text, types and biases"}
# Files with tensors that transformers does not load: heads that predict several tokens, as published files have them.
PREDICTING_SEVERAL = {"qwen3_5", "qwen3_5_text, types and biases"}
# Modules that no text goes through.
OTHER_PARTS = r".*(vision_tower|multi_modal_projector|visual).*"
# Where 4 bits are checked as well: fused matrices, and four norms a block.
NF4 = {
    "gemma3_text",
    "phi3",
    "granitemoehybrid",
    "lfm2",
    "qwen3_moe",
    "qwen3_moe, many experts",
    "granitemoehybrid, experts",
    "phi3, DoRA",
    "qwen3_5_text",
    "qwen3_5",
}
# Parameters that are adapted as well.
PARAMETERS = {"granitemoehybrid, experts": ["router.weight", "experts.gate_up_proj", "experts.down_proj"]}
# What LoraConfig says of their adapters.
ADAPTERS = {
    "qwen2, DoRA": {"use_dora": True},
    "llama, DoRA and LoRA+": {"use_dora": True},
    "phi3, DoRA": {"use_dora": True, "target_modules": ["qkv_proj", "down_proj"]},
    "qwen2, biases": {"bias": "all", "target_modules": ["q_proj", "up_proj"]},
    "qwen2, OLoRA": {"init_lora_weights": "olora"},
}
# Of the learning rates of B and A.
RATIOS = {"llama, DoRA and LoRA+": 16}
# Keys of a family that transformers has no class attribute for, so that they stay those of config.json.
WITHOUT_HEAD_DIM = {"phi3", "olmoe"}
