"""Preference training, compared with TRL's trainers: every step's loss, rewards and gradient norm.

preferences.py make MODEL FOLDER writes an adapter and rows; Graft trains on them (graft.mjs); preferences.py check
FOLDER trains with TRL in float64 and compares. Answers end with EOS, as TRL's trainers for texts would have it.
"""

import json
import os
import sys
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, PrinterCallback, TrainerCallback
from transformers.utils import logging

SEED = 4
ROWS, STEPS, BATCH, ACCUMULATION = 10, 12, 2, 2
PAD, EOS = 0, 1

# Relative: a loss below this to this, a reward to what it is a difference of, beta times the largest log-probability.
SMALL_LOSS = 0.01
LOSS_TOLERANCE = 1e-5
REWARD_TOLERANCE = 1e-5
NORM_TOLERANCE = 1e-4
# Of a run in 4 bits against float32 on the dequantized weights.
QUANTIZED_TOLERANCE = 1e-4

COMMON = {
    "lr": 1e-4,
    "schedule": "constant",
    "warmup_steps": 0,
    "max_steps": STEPS,
    "batch_size": BATCH,
    "grad_accum": ACCUMULATION,
    "shuffle": False,
    "eval_fraction": 0,
    "max_length": 64,
    "dtype": "f32",
    "spike_guard": 0,
}

CASES = {
    "dpo": {"objective": "dpo", "beta": 0.1},
    "dpo-hinge": {"objective": "dpo", "dpo_loss": "hinge", "beta": 0.1},
    "dpo-ipo": {"objective": "dpo", "dpo_loss": "ipo", "beta": 0.2},
    "dpo-robust": {"objective": "dpo", "dpo_loss": "robust", "beta": 0.1, "label_smoothing": 0.2},
    "orpo": {"objective": "orpo", "orpo_lambda": 0.5},
    "simpo": {"objective": "simpo", "beta": 2.0, "simpo_gamma": 0.7},
    "cpo": {"objective": "cpo", "beta": 0.2, "cpo_alpha": 0.6, "label_smoothing": 0.1},
    "kto": {"objective": "kto", "beta": 0.3, "desirable_weight": 1.3, "undesirable_weight": 0.8},
}
QUANTIZED = {"dpo-nf4": CASES["dpo"] | {"method": "qlora"}}


def make(base: Path, folder: Path):
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    vocabulary = model.config.vocab_size
    get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear")).save_pretrained(folder / "init")
    draw = lambda least, most: int(torch.randint(least, most, ()))
    ids = lambda least, most: torch.randint(3, vocabulary, (draw(least, most),)).tolist()
    pairs, labeled = [], []
    for row in range(ROWS):
        prompt = ids(2, 12)
        chosen, rejected = ids(1, 14) + [EOS], ids(1, 14) + [EOS]
        pairs.append({"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected})
        labeled.append({"prompt_ids": prompt, "completion_ids": chosen, "label": row % 3 != 1})
    for name, rows in (("pairs", pairs), ("labeled", labeled)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    cases = []
    for name, recipe in (CASES | QUANTIZED).items():
        (folder / f"{name}.json").write_text(json.dumps(COMMON | recipe))
        cases.append({"name": name, "data": "labeled" if recipe["objective"] == "kto" else "pairs"})
    (folder / "preferences.json").write_text(json.dumps({"base": str(base), "cases": cases}))


class Log(TrainerCallback):
    def __init__(self):
        self.steps = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and "loss" in logs:
            self.steps.append(logs)


def word(token: int) -> str:
    return f"<{token}>"


def tokenizer_of(vocabulary: int) -> PreTrainedTokenizerFast:
    """One whose words are the numbers of its tokens, in brackets: special tokens are found within words."""
    words = Tokenizer(models.WordLevel({word(i): i for i in range(vocabulary)}, unk_token=word(2)))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token=word(PAD), eos_token=word(EOS))


torch.set_num_threads(1)


def train(base: Path, folder: Path, recipe: dict, dtype=torch.float64, prepare=lambda model: model) -> list[dict]:
    """TRL's logs of every step."""
    from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer
    from trl.experimental.cpo import CPOConfig, CPOTrainer
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    model = prepare(AutoModelForCausalLM.from_pretrained(base, dtype=dtype))
    model = PeftModel.from_pretrained(model, folder / "init", is_trainable=True, autocast_adapter_dtype=False)
    objective = recipe["objective"]
    own = {
        "dpo": lambda: {
            "loss_type": [recipe.get("dpo_loss", "sigmoid")],
            "beta": recipe["beta"],
            "label_smoothing": recipe.get("label_smoothing", 0.0),
        },
        "orpo": lambda: {"beta": recipe["orpo_lambda"]},
        "simpo": lambda: {
            "loss_type": "simpo",
            "cpo_alpha": 0.0,
            "beta": recipe["beta"],
            "simpo_gamma": recipe["simpo_gamma"],
        },
        "cpo": lambda: {key: recipe[key] for key in ("beta", "cpo_alpha", "label_smoothing")},
        "kto": lambda: {key: recipe[key] for key in ("beta", "desirable_weight", "undesirable_weight")},
    }[objective]()
    config, trainer = {
        "dpo": (DPOConfig, DPOTrainer),
        "orpo": (ORPOConfig, ORPOTrainer),
        "simpo": (CPOConfig, CPOTrainer),
        "cpo": (CPOConfig, CPOTrainer),
        "kto": (KTOConfig, KTOTrainer),
    }[objective]
    with open(folder / f"{'labeled' if objective == 'kto' else 'pairs'}.jsonl") as file:
        rows = [json.loads(line) for line in file]
    # As texts, whose tokens are numbers: TRL takes no tokens.
    text = lambda ids: " ".join(map(word, ids))
    rows = [
        {key.removesuffix("_ids"): text(value) if key.endswith("_ids") else value for key, value in row.items()}
        for row in rows
    ]
    for row in rows:
        row["prompt"] += " "
    log = Log()
    args = config(
        output_dir=str(folder / "trl"),
        max_steps=STEPS,
        per_device_train_batch_size=BATCH,
        gradient_accumulation_steps=ACCUMULATION,
        learning_rate=COMMON["lr"],
        lr_scheduler_type="constant",
        weight_decay=0.0,
        max_grad_norm=1.0,
        max_length=COMMON["max_length"],
        train_sampling_strategy="sequential",
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        **own,
    )
    tokenizer = tokenizer_of(model.config.vocab_size)
    dataset = Dataset.from_list(rows)
    made = trainer(model=model, args=args, train_dataset=dataset, processing_class=tokenizer, callbacks=[log])
    # It prints each step otherwise.
    made.remove_callback(PrinterCallback)
    made.train()
    return log.steps


def compare(ours: list[dict], theirs: list[dict], scale: float, least_loss=LOSS_TOLERANCE) -> str:
    assert len(ours) == len(theirs) == STEPS, f"{len(ours)} and {len(theirs)} steps"
    loss = max(abs(a["loss"] - b["loss"]) / max(SMALL_LOSS, b["loss"]) for a, b in zip(ours, theirs))
    norm = max(abs(a["grad_norm"] / float(b["grad_norm"]) - 1) for a, b in zip(ours, theirs))
    rewards = 0.0
    names = {
        "rewards_chosen": "rewards/chosen",
        "rewards_rejected": "rewards/rejected",
        "margin": "rewards/margins",
        "accuracy": "rewards/accuracies",
    }
    size = scale * max(abs(step[key]) for step in theirs for key in ("logps/chosen", "logps/rejected") if key in step)
    for a, b in zip(ours, theirs):
        for mine, key in names.items():
            if key not in b:
                assert a[mine] is None, f"{mine} is {a[mine]}, and TRL has none"
            elif mine == "accuracy":
                assert abs(a[mine] - b[key]) < 1e-6, f"accuracy {a[mine]}, TRL {b[key]}"
            else:
                rewards = max(rewards, abs(a[mine] - b[key]) / size)
    assert loss <= least_loss, f"a loss is off by {loss:.1e}"
    assert rewards <= max(REWARD_TOLERANCE, least_loss), f"a reward is off by {rewards:.1e} of the log-probabilities"
    assert norm <= max(NORM_TOLERANCE, least_loss), f"a norm is off by {norm:.1e}"
    assert abs(theirs[-1]["loss"] - theirs[0]["loss"]) > 1e-3, "nothing was learned"
    return f"losses off by {loss:.1e}, rewards by {rewards:.1e}, gradient norms by {norm:.1e}"


def dequantized(model):
    """The model with the linear layers of its blocks as NF4 makes them, in blocks of 64."""
    from bitsandbytes.functional import get_4bit_type

    codes = get_4bit_type("nf4", device="cpu")
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and ".layers." in name:
            weight = module.weight.data
            blocks = weight.float().reshape(-1, 64)
            largest = blocks.abs().amax(1, keepdim=True)
            nearest = (blocks / largest).unsqueeze(-1).sub(codes).abs().argmin(-1)
            module.weight.data = (codes[nearest] * largest).reshape(weight.shape).to(weight.dtype)
    return model


def check(folder: Path):
    logging.set_verbosity_error()
    manifest = json.loads((folder / "preferences.json").read_text())
    base = Path(manifest["base"])
    for case in manifest["cases"]:
        name = case["name"]
        try:
            with open(folder / "graft" / name / "metrics.jsonl") as file:
                ours = [json.loads(line) for line in file]
            quantized = name in QUANTIZED
            recipe = (CASES | QUANTIZED)[name]
            prepare = dequantized if quantized else lambda model: model
            theirs = train(base, folder, recipe, torch.float64, prepare)
            scale = recipe["orpo_lambda"] if recipe["objective"] == "orpo" else recipe["beta"]
            found = compare(ours, theirs, scale, QUANTIZED_TOLERANCE if quantized else LOSS_TOLERANCE)
            print("ok", f"{base.name}: {name} trains as TRL does: {found}", flush=True)
        except Exception as error:
            print("FAIL", f"{base.name}: {name}: {type(error).__name__}: {error}".replace("\n", " "), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        check(Path(sys.argv[2]))
