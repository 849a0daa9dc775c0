"""GRPO, compared with TRL's GRPOTrainer: advantages, every step's loss, its gradient norm, KL and clip ratio.

grpo.py make MODEL FOLDER writes an adapter and prompts; Graft trains on them (grpoSteps.ts); grpo.py check FOLDER gives
TRL the same completions and rewards, step by step, has it compute the rest in float64, and compares.
"""

import json
import os
import sys
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel, get_peft_model
from preferences import EOS, dequantized, tokenizer_of, word
from transformers import AutoModelForCausalLM
from transformers.utils import logging

SEED = 6
ROWS, STEPS, BATCH, ACCUMULATION, GENERATIONS = 8, 12, 2, 2, 4
LENGTH = 8

# Relative: a loss below this to this. Its parts cancel: advantages sum to nothing.
SMALL_LOSS = 0.1
LOSS_TOLERANCE = 1e-5
NORM_TOLERANCE = 1e-4
ADVANTAGE_TOLERANCE = 1e-5
QUANTIZED_TOLERANCE = 1e-4
# Of a ratio to the clip range's bound, where the gradient jumps; the loss does not.
AT_BOUND = 2e-6

COMMON = {
    "objective": "grpo",
    "rewards": [{"kind": "exact"}],
    "lr": 5e-4,
    "schedule": "constant",
    "warmup_steps": 0,
    "max_steps": STEPS,
    "batch_size": BATCH,
    "grad_accum": ACCUMULATION,
    "num_generations": GENERATIONS,
    "max_completion_length": LENGTH,
    "max_length": 64,
    "shuffle": False,
    "dtype": "f32",
}

CASES = {
    "grpo": {"loss_type": "grpo"},
    "bnpo": {"loss_type": "bnpo", "scale_rewards": "none"},
    "dr_grpo": {"loss_type": "dr_grpo", "scale_rewards": "none"},
    "dapo": {"loss_type": "dapo", "scale_rewards": "batch"},
    "grpo-kl": {"loss_type": "grpo", "beta": 0.2},
    "dapo-kl-warm": {"loss_type": "dapo", "beta": 0.1, "temperature": 1.3},
    "dapo-twice": {"loss_type": "dapo", "num_iterations": 2, "epsilon": 0.005},
    "bnpo-kl-twice": {"loss_type": "bnpo", "num_iterations": 2, "epsilon": 0.005, "beta": 0.2},
    "dr_grpo-thrice": {"loss_type": "dr_grpo", "num_iterations": 3, "epsilon": 0.01, "temperature": 0.8},
}
QUANTIZED = {"grpo-kl-nf4": CASES["grpo-kl"] | {"method": "qlora"}}


def make(base: Path, folder: Path):
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    vocabulary = model.config.vocab_size
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear"))
    # Away from the base, so that the divergence from it is none of the smallest numbers.
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    model.save_pretrained(folder / "init")
    prompts = [torch.randint(3, vocabulary, (int(torch.randint(2, 12, ())),)).tolist() for _ in range(ROWS)]
    cases = [{"name": name, "recipe": COMMON | recipe} for name, recipe in (CASES | QUANTIZED).items()]
    manifest = {"base": str(base), "end": EOS, "prompts": prompts, "cases": cases}
    (folder / "grpo.json").write_text(json.dumps(manifest))


torch.set_num_threads(1)


def trainer_for(base: Path, folder: Path, recipe: dict, prepare):
    from trl import GRPOConfig, GRPOTrainer

    model = prepare(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float64))
    model = PeftModel.from_pretrained(model, folder / "init", is_trainable=True, autocast_adapter_dtype=False)
    own = {
        key: recipe[key]
        for key in ("loss_type", "scale_rewards", "beta", "num_iterations", "epsilon", "temperature")
        if key in recipe
    }
    args = GRPOConfig(
        output_dir=str(folder / "trl"),
        per_device_train_batch_size=BATCH * GENERATIONS,
        gradient_accumulation_steps=ACCUMULATION,
        num_generations=GENERATIONS,
        max_completion_length=LENGTH,
        reward_weights=[1.0, 0.5],
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
        **own,
    )
    rewards = {}
    functions = [lambda completions, i=i, **_: [own[i] for own in rewards["given"]] for i in range(2)]
    for name, function in zip(("random", "rare"), functions):
        function.__name__ = name
    tokenizer = tokenizer_of(model.config.vocab_size, EOS)
    trainer = GRPOTrainer(
        model=model,
        args=args,
        reward_funcs=functions,
        train_dataset=Dataset.from_list([{"prompt": word(3)}]),
        processing_class=tokenizer,
    )
    trainer.current_gradient_accumulation_steps = ACCUMULATION
    # TRL compares an adapter that it continues with what that was; Graft, as a new one, with the base.
    if "ref" in trainer.model.peft_config:
        trainer.model.delete_adapter("ref")
    return trainer, rewards


def sample(trainer, rewards: dict, step: dict):
    """What TRL makes of the step's completions and rewards: advantages, log-probabilities then and of the reference."""
    completions = [one for batch in step["batches"] for one in batch]
    prompts = [one["prompt"] for one in completions]
    ids = [one["ids"] for one in completions]
    texts = [" ".join(map(word, one)) for one in ids]
    trainer._generate = lambda _: (prompts, ids, None, texts, None, {}, None, None)
    rewards["given"] = step["rewards"]
    inputs = [{"prompt": " ".join(map(word, prompt))} for prompt in prompts]
    made = trainer._generate_and_score_completions(inputs)
    given = torch.tensor([one["advantage"] for one in completions])
    found = made["advantages"]
    error = float((given - found).abs().max() / found.abs().max().clamp(min=1.0))
    assert error <= ADVANTAGE_TOLERANCE, f"an advantage is off by {error:.1e}"
    # In float64, as the losses that are compared.
    made["advantages"] = given.double()
    return made


def is_at_bound(trainer, batches, epsilon: float) -> bool:
    """Whether a probability ratio is so near the clip range's bound that float32 may be on its other side."""
    for batch in batches:
        if "old_per_token_logps" not in batch:
            continue
        ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], 1)
        mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], 1)
        with torch.no_grad():
            logps = trainer._get_per_token_logps_and_entropies(trainer.model, ids, mask, batch["completion_ids"].size(1))[0]
        distance = ((torch.exp(logps - batch["old_per_token_logps"]) - 1).abs() - epsilon).abs()
        if bool((distance[batch["completion_mask"].bool()] < AT_BOUND).any()):
            return True
    return False


def check_case(base: Path, folder: Path, name: str, recipe: dict, prepare, least: float) -> str:
    from trl.trainer.utils import split_tensor_dict

    steps = json.loads((folder / "graft" / f"{name}.json").read_text())
    assert len(steps) == STEPS, f"{len(steps)} steps"
    trainer, rewards = trainer_for(base, folder, recipe, prepare)
    model = trainer.model
    model.train()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=recipe["lr"], weight_decay=0.0)
    passes = recipe.get("num_iterations", 1)
    worst = {"loss": 0.0, "norm": 0.0, "kl": 0.0, "clip": 0.0}
    clipped, jumps, losses = 0.0, 0, []
    for i, step in enumerate(steps):
        if i % passes == 0:
            batches = split_tensor_dict(sample(trainer, rewards, step), ACCUMULATION)
        at_bound = is_at_bound(trainer, batches, recipe.get("epsilon", 0.2))
        trainer._metrics["train"].clear()
        optimizer.zero_grad()
        loss = 0.0
        for batch in batches:
            part = trainer.compute_loss(model, batch)
            part.backward()
            loss += float(part.detach())
        norm = float(torch.nn.utils.clip_grad_norm_(parameters, 1.0))
        optimizer.step()
        losses.append(loss)
        tokens = [float(batch["completion_mask"].sum()) for batch in batches]
        mean = lambda key: sum(a * b for a, b in zip(trainer._metrics["train"][key], tokens)) / sum(tokens)
        ours = step["completions"]
        worst["loss"] = max(worst["loss"], abs(step["loss"] - loss) / max(SMALL_LOSS, abs(loss)))
        if not at_bound:
            worst["norm"] = max(worst["norm"], abs(step["gradNorm"] / norm - 1))
            worst["clip"] = max(worst["clip"], abs(ours["clipRatio"] - mean("clip_ratio/region_mean")))
        jumps += at_bound
        clipped = max(clipped, ours["clipRatio"])
        if recipe.get("beta", 0.0) > 0:
            worst["kl"] = max(worst["kl"], abs(ours["kl"] - mean("kl")) / mean("kl"))
        else:
            assert ours["kl"] is None
    assert worst["loss"] <= least, f"a loss is off by {worst['loss']:.1e}"
    assert worst["norm"] <= max(NORM_TOLERANCE, least), f"a norm is off by {worst['norm']:.1e}"
    assert worst["kl"] <= 1e-3, f"a KL is off by {worst['kl']:.1e}"
    assert worst["clip"] < 1e-6, f"a clip ratio is off by {worst['clip']:.1e}"
    assert passes == 1 or clipped > 0, "nothing was clipped"
    assert jumps <= 1, f"{jumps} steps have a token at the bound"
    found = f"losses off by {worst['loss']:.1e}, gradient norms by {worst['norm']:.1e}"
    return found + (f", KL by {worst['kl']:.1e}" if worst["kl"] > 0 else "") + f"; clipped at most {clipped:.0%}"


def check(folder: Path):
    logging.set_verbosity_error()
    manifest = json.loads((folder / "grpo.json").read_text())
    base = Path(manifest["base"])
    for case in manifest["cases"]:
        name = case["name"]
        quantized = name in QUANTIZED
        prepare = dequantized if quantized else lambda model: model
        try:
            least = QUANTIZED_TOLERANCE if quantized else LOSS_TOLERANCE
            found = check_case(base, folder, name, case["recipe"], prepare, least)
            print("ok", f"{base.name}: {name} trains as TRL does: {found}", flush=True)
        except Exception as error:
            print("FAIL", f"{base.name}: {name}: {type(error).__name__}: {error}".replace("\n", " "), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        check(Path(sys.argv[2]))
