"""Preference training, compared with TRL's trainers: every step's loss, rewards and gradient norm, and the adapter.

preferences.py make MODEL FOLDER [texts] writes an adapter and rows; Graft trains on them (graft.mjs); preferences.py
check FOLDER trains with TRL in float64 and compares. Rows are random tokens, all losses are compared, and one in 4 bits;
with "texts", for a real model, they are a few short texts, and each objective is compared once, with PyTorch's own
float32 beside it. Answers end with EOS, as TRL's trainers for texts would have it.
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
# Prompt, better answer, worse answer: short, since a software GPU computes a real model's steps in many seconds.
TEXTS = [
    ("The capital of France is", " Paris.", " a city in Spain."),
    ("2 + 2 =", " 4", " 22"),
    ("Water freezes at", " 0 °C", " noon"),
    ("Say hello:", " Hello!", " No."),
    ("The opposite of hot is", " cold", " very hot"),
    ("A poem has", " lines.", " wheels and an engine."),
]

# Relative: a loss below this to this, a reward to what it is a difference of, beta times the largest log-probability.
SMALL_LOSS = 0.01
LOSS_TOLERANCE = 1e-5
REWARD_TOLERANCE = 1e-5
NORM_TOLERANCE = 1e-4
# Of a run in 4 bits against float32 on the dequantized weights.
QUANTIZED_TOLERANCE = 1e-4
# Relative, of the loss of the better answers with the trained adapter.
ADAPTER_TOLERANCE = 1e-4

COMMON = {
    "lr": 1e-4,
    "schedule": "constant",
    "warmup_steps": 0,
    "max_steps": STEPS,
    "batch_size": BATCH,
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
# Each objective once.
PLAIN = {name: recipe for name, recipe in CASES.items() if name == recipe["objective"]}
QUANTIZED = {"dpo-nf4": CASES["dpo"] | {"method": "qlora"}}


def make(base: Path, folder: Path, texts: bool):
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    eos = model.config.eos_token_id if texts else EOS
    get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear")).save_pretrained(folder / "init")
    pairs, labeled = [], []
    for row, (prompt, *answers) in enumerate(tokenized(base) if texts else drawn(model.config.vocab_size)):
        chosen, rejected = (answer + [eos] for answer in answers)
        pairs.append({"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected})
        labeled.append({"prompt_ids": prompt, "completion_ids": chosen, "label": row % 3 != 1})
    for name, rows in (("pairs", pairs), ("labeled", labeled)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    accumulation = 1 if texts else ACCUMULATION
    cases = []
    for name, recipe in (PLAIN if texts else CASES | QUANTIZED).items():
        (folder / f"{name}.json").write_text(json.dumps(COMMON | recipe | {"grad_accum": accumulation}))
        cases.append({"name": name, "data": "labeled" if recipe["objective"] == "kto" else "pairs"})
    manifest = {"base": str(base), "cases": cases, "eos": eos, "accumulation": accumulation, "texts": texts}
    (folder / "preferences.json").write_text(json.dumps(manifest))


def drawn(vocabulary: int):
    """Random prompts, each with two answers."""
    draw = lambda least, most: int(torch.randint(least, most, ()))
    ids = lambda least, most: torch.randint(3, vocabulary, (draw(least, most),)).tolist()
    for _ in range(ROWS):
        yield ids(2, 12), ids(1, 14), ids(1, 14)


def tokenized(base: Path):
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    for texts in TEXTS:
        yield [tokenizer.encode(text).ids for text in texts]


class Log(TrainerCallback):
    def __init__(self):
        self.steps = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and "loss" in logs:
            self.steps.append(logs)


def word(token: int) -> str:
    return f"<{token}>"


def tokenizer_of(vocabulary: int, eos: int) -> PreTrainedTokenizerFast:
    """One whose words are the numbers of its tokens, in brackets: special tokens are found within words."""
    words = Tokenizer(models.WordLevel({word(i): i for i in range(vocabulary)}, unk_token=word(2)))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token=word(PAD), eos_token=word(eos))


torch.set_num_threads(1)


def train(manifest: dict, folder: Path, recipe: dict, dtype, prepare) -> tuple[list[dict], float]:
    """TRL's logs of every step, and the loss of the answers afterwards."""
    from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer
    from trl.experimental.cpo import CPOConfig, CPOTrainer
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    model = with_adapter(manifest, folder / "init", dtype, prepare)
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
    rows = rows_of(folder / f"{'labeled' if objective == 'kto' else 'pairs'}.jsonl")
    # As texts, whose tokens are numbers: TRL takes no tokens.
    text = lambda ids: " ".join(map(word, ids))
    written = [
        {key.removesuffix("_ids"): text(value) if key.endswith("_ids") else value for key, value in row.items()}
        for row in rows
    ]
    for row in written:
        row["prompt"] += " "
    log = Log()
    args = config(
        output_dir=str(folder / "trl"),
        max_steps=STEPS,
        per_device_train_batch_size=BATCH,
        gradient_accumulation_steps=manifest["accumulation"],
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
    tokenizer = tokenizer_of(model.config.vocab_size, manifest["eos"])
    dataset = Dataset.from_list(written)
    made = trainer(model=model, args=args, train_dataset=dataset, processing_class=tokenizer, callbacks=[log])
    # It prints each step otherwise.
    made.remove_callback(PrinterCallback)
    made.train()
    return log.steps, answers_loss(model, rows)


def with_adapter(manifest: dict, adapter: Path, dtype, prepare) -> PeftModel:
    model = prepare(AutoModelForCausalLM.from_pretrained(manifest["base"], dtype=dtype))
    return PeftModel.from_pretrained(model, adapter, is_trainable=True, autocast_adapter_dtype=False)


def rows_of(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@torch.no_grad()
def answers_loss(model, rows: list[dict]) -> float:
    """The mean of −log p over the tokens of the better answers."""
    losses = []
    for row in rows:
        prompt, answer = row["prompt_ids"], row.get("chosen_ids") or row["completion_ids"]
        logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
        losses.append(torch.nn.functional.cross_entropy(logits, torch.tensor(answer), reduction="none"))
    return float(torch.cat(losses).mean())


# Graft's names of what TRL logs.
NAMES = {
    "loss": "loss",
    "grad_norm": "grad_norm",
    "rewards_chosen": "rewards/chosen",
    "rewards_rejected": "rewards/rejected",
    "margin": "rewards/margins",
    "accuracy": "rewards/accuracies",
}


def errors_of(ours: list[dict], theirs: list[dict], recipe: dict) -> tuple[float, float, float]:
    """The largest errors of losses, rewards and gradient norms; both are logs of TRL's."""
    assert len(ours) == len(theirs) == STEPS, f"{len(ours)} and {len(theirs)} steps"
    loss = max(abs(a["loss"] - b["loss"]) / max(SMALL_LOSS, b["loss"]) for a, b in zip(ours, theirs))
    norm = max(abs(float(a["grad_norm"]) / float(b["grad_norm"]) - 1) for a, b in zip(ours, theirs))
    scale = recipe["orpo_lambda"] if recipe["objective"] == "orpo" else recipe["beta"]
    size = scale * max(abs(step[key]) for step in theirs for key in ("logps/chosen", "logps/rejected") if key in step)
    rewards = 0.0
    for a, b in zip(ours, theirs):
        for key in NAMES.values():
            if not key.startswith("rewards/"):
                continue
            if key not in b:
                assert a.get(key) is None, f"{key} is {a[key]}, and TRL has none"
            elif key == "rewards/accuracies":
                assert abs(a[key] - b[key]) < 1e-6, f"accuracy {a[key]}, TRL {b[key]}"
            else:
                rewards = max(rewards, abs(a[key] - b[key]) / size)
    return loss, rewards, norm


def compare(ours: list[dict], theirs: list[dict], recipe: dict, least_loss: float) -> str:
    ours = [{key: step[name] for name, key in NAMES.items()} for step in ours]
    loss, rewards, norm = errors_of(ours, theirs, recipe)
    found = text_of(loss, rewards, norm)
    least_norm, least_reward = max(NORM_TOLERANCE, least_loss), max(REWARD_TOLERANCE, least_loss)
    assert loss <= least_loss and rewards <= least_reward and norm <= least_norm, found
    assert abs(theirs[-1]["loss"] - theirs[0]["loss"]) > 1e-3, "nothing was learned"
    return found


def text_of(loss: float, rewards: float, norm: float) -> str:
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
    base = Path(manifest["base"]).name
    for case in manifest["cases"]:
        name = case["name"]
        try:
            print("ok", f"{base}: {name} trains as TRL does: {check_case(manifest, folder, case)}", flush=True)
        except Exception as error:
            print("FAIL", f"{base}: {name}: {type(error).__name__}: {error}".replace("\n", " "), flush=True)


def check_case(manifest: dict, folder: Path, case: dict) -> str:
    name = case["name"]
    quantized = name in QUANTIZED
    recipe = (CASES | QUANTIZED)[name]
    prepare = dequantized if quantized else lambda model: model
    out = folder / "graft" / name
    theirs, their_loss = train(manifest, folder, recipe, torch.float64, prepare)
    if manifest["texts"]:
        single, _ = train(manifest, folder, recipe, torch.float32, prepare)
        print(f"{name} by TRL in float32: {text_of(*errors_of(single, theirs, recipe))}", flush=True)
    tolerance = QUANTIZED_TOLERANCE if quantized else LOSS_TOLERANCE
    found = compare(rows_of(out / "metrics.jsonl"), theirs, recipe, tolerance)
    loss = answers_loss(with_adapter(manifest, out, torch.float64, prepare), rows_of(folder / f"{case['data']}.jsonl"))
    adapter = abs(loss / their_loss - 1)
    assert adapter <= ADAPTER_TOLERANCE, f"the adapter's loss is off by {adapter:.1e}"
    return f"{found}, the adapter's loss by {adapter:.1e}"


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), Path(sys.argv[3]), "texts" in sys.argv[4:])
    else:
        check(Path(sys.argv[2]))
