"""Writes e2e/fixtures/golden/starter-lora: a LoRA run on the starter model, by PEFT in float64 PyTorch.

Run it in the project's root whenever public/starter gets other weights or another tokenizer:
.venv/bin/python e2e/interop/make_starter_golden.py
"""

import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer, get_cosine_schedule_with_warmup
from transformers.models.qwen3 import modeling_qwen3

from case import tensors_of

ROOT = Path(__file__).resolve().parents[2]
STARTER = ROOT / "public" / "starter"
ROWS = ROOT / "public" / "samples" / "robot-stories.jsonl"
OUT = ROOT / "e2e" / "fixtures" / "golden" / "starter-lora"

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# The first and the last: gradients pass layers without an adapter, and the files take half the space.
LAYERS = [0, 3]
SETTINGS = {
    "model": "starter",
    "quant": None,
    "rank": 4,
    "alpha": 8,
    "targets": TARGETS,
    "layers": LAYERS,
    "lr": 5e-3,
    "betas": [0.9, 0.999],
    "eps": 1e-8,
    "weight_decay": 0.01,
    "max_grad_norm": 1.0,
    "schedule": "cosine, as transformers' get_cosine_schedule_with_warmup",
    "warmup_steps": 2,
    "steps": 12,
    "batch": 2,
    "grad_accum": 2,
    "loss": "sum of token cross-entropies over all micro-batches of the step / number of unmasked target tokens of the step",
}
PER_STEP = SETTINGS["batch"] * SETTINGS["grad_accum"]
# The probe's rows end early: logits take most of the space here.
PROBE_LENGTHS = [34, 29]
IGNORED = -100
# Of these, the answer counts in which no token was close to being another one.
QUESTIONS = [
    "Tell a story about Zip.",
    "Tell me a story about Zip.",
    "Tell a story about Bolt.",
    "Who is Bolt?",
    "Who is Zip?",
    "Where does Olga live?",
    "What do you know?",
    "Hello, who are you?",
]
ANSWER_LENGTHS = range(8, 49)


class Float64Norm(modeling_qwen3.Qwen3RMSNorm):
    """transformers computes the norm in float32 whatever the model's dtype."""

    def forward(self, hidden):
        variance = hidden.pow(2).mean(-1, keepdim=True)
        return self.weight * (hidden * torch.rsqrt(variance + self.variance_epsilon))


class Float64Rope(modeling_qwen3.Qwen3RotaryEmbedding):
    """transformers computes angles, sines and cosines in float32."""

    def forward(self, x, position_ids):
        dim = self.config.head_dim
        theta = self.config.rope_parameters["rope_theta"]
        frequencies = theta ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
        angles = position_ids[..., None].double() * frequencies
        return torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)


def load_starter():
    modeling_qwen3.Qwen3RMSNorm = Float64Norm
    modeling_qwen3.Qwen3RotaryEmbedding = Float64Rope
    # Not "eager", whose softmax is in float32.
    return AutoModelForCausalLM.from_pretrained(STARTER, dtype=torch.float64, attn_implementation="sdpa").eval()


def tokenized_rows(tokenizer, count: int) -> list[dict]:
    """The first rows as chats; the answer and its <|im_end|> are trained."""
    with open(ROWS, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file][:count]
    tokenized = []
    for row in rows:
        question = [{"role": "user", "content": row["prompt"]}]
        answer = [{"role": "assistant", "content": row["completion"]}]
        prompt = tokenizer.apply_chat_template(question, tokenize=False, add_generation_prompt=True)
        whole = tokenizer.apply_chat_template(question + answer, tokenize=False)
        assert whole == f"{prompt}{row['completion']}<|im_end|>\n"
        start, end = len(prompt), len(whole) - 1
        encoded = tokenizer(whole, return_offsets_mapping=True, add_special_tokens=False)
        labels = [
            id if start <= first and last <= end else IGNORED
            for id, (first, last) in zip(encoded.input_ids, encoded.offset_mapping)
        ]
        tokenized.append({"input_ids": encoded.input_ids, "labels": labels})
    return tokenized


def loss_sum(model, rows: list[dict]) -> tuple[torch.Tensor, int]:
    """The sum of the cross-entropies of the trained tokens, and their number; each row alone."""
    total, count = torch.zeros((), dtype=torch.float64), 0
    for row in rows:
        logits = model(torch.tensor([row["input_ids"]])).logits[0, :-1]
        labels = torch.tensor(row["labels"])[1:]
        total = total + cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
        count += int((labels != IGNORED).sum())
    return total, count


def round_to_float32(model) -> None:
    """Makes the adapter what its file in float32 says."""
    with torch.no_grad():
        for parameter in adapter_of(model):
            parameter.copy_(parameter.float().double())


def adapter_of(model):
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def write_adapter(model, name: str) -> None:
    folder = OUT / name
    folder.mkdir(parents=True)
    tensors = {key: tensor.float() for key, tensor in get_peft_model_state_dict(model).items()}
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": SETTINGS["model"],
        "r": SETTINGS["rank"],
        "lora_alpha": SETTINGS["alpha"],
        "lora_dropout": 0.0,
        "target_modules": TARGETS,
        "bias": "none",
        "fan_in_fan_out": False,
        "use_rslora": False,
        "use_dora": False,
        "init_lora_weights": True,
        "inference_mode": True,
        "modules_to_save": None,
        "layers_to_transform": LAYERS,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def write_probe(model, rows: list[dict]) -> dict:
    """Loss, gradients and logits with a B that is not zero."""
    start = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_B." in name:
                parameter.copy_(0.05 * torch.randn_like(parameter))
    round_to_float32(model)
    write_adapter(model, "probe_adapter")
    total, tokens = loss_sum(model, rows)
    loss = total / tokens
    loss.backward()
    gradients = {
        name.replace(".default.", "."): p.grad.float() for name, p in model.named_parameters() if p.requires_grad
    }
    save_file(gradients, OUT / "probe_grads.safetensors", {"format": "pt"})
    logits = torch.zeros(len(rows), max(PROBE_LENGTHS), model.config.vocab_size)
    with torch.no_grad():
        for i, row in enumerate(rows):
            logits[i, : len(row["input_ids"])] = model(torch.tensor([row["input_ids"]])).logits[0].float()
        for name, parameter in model.named_parameters():
            if name in start:
                parameter.copy_(start[name])
    model.zero_grad()
    save_file({"logits": logits}, OUT / "probe_logits.safetensors", {"format": "pt"})
    return {
        "loss": loss.item(),
        "tokens": tokens,
        "input_ids": [row["input_ids"] for row in rows],
        "labels": [row["labels"] for row in rows],
    }


@torch.no_grad()
def greedy_answer(model, tokenizer) -> dict:
    """A question as a chat, and the base model's greedy answer up to its end."""
    ends = model.generation_config.eos_token_id
    best, widest = None, 0.0
    for question in QUESTIONS:
        chat = [{"role": "user", "content": question}]
        prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
        ids, margins = [], []
        while not (ids and ids[-1] in ends) and len(ids) <= max(ANSWER_LENGTHS):
            largest = model(torch.tensor([prompt + ids])).logits[0, -1].topk(2)
            ids.append(largest.indices[0].item())
            margins.append((largest.values[0] - largest.values[1]).item())
        if ids[-1] not in ends or len(ids) not in ANSWER_LENGTHS or min(margins) < widest:
            continue
        widest = min(margins)
        text = tokenizer.decode(ids[:-1])
        best = {"prompt": question, "input_ids": prompt, "ids": ids, "text": text, "margin": widest}
    assert best, "no question has an answer of a good length"
    print(f"{best['prompt']} {best['text']} (by {widest:.2f})")
    return best


def train(model, steps: list[list[dict]]) -> list[dict]:
    optimizer = torch.optim.AdamW(
        adapter_of(model),
        lr=SETTINGS["lr"],
        betas=SETTINGS["betas"],
        eps=SETTINGS["eps"],
        weight_decay=SETTINGS["weight_decay"],
    )
    scheduler = get_cosine_schedule_with_warmup(optimizer, SETTINGS["warmup_steps"], SETTINGS["steps"])
    trace = []
    for step, rows in enumerate(steps, 1):
        lr = scheduler.get_last_lr()[0]
        optimizer.zero_grad()
        total, tokens = loss_sum(model, rows)
        loss = total / tokens
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(adapter_of(model), SETTINGS["max_grad_norm"])
        optimizer.step()
        scheduler.step()
        trace.append({"step": step, "loss": loss.item(), "grad_norm": norm.item(), "lr": lr, "tokens": tokens})
        print(f"step {step}: loss {loss.item():.4f}, gradient norm {norm.item():.4f}")
    return trace


def write_merged(model) -> None:
    """PEFT's merge in float64, rounded once to the dtype of the base; without what the adapter leaves as it is."""
    base = tensors_of(STARTER)
    adapted = {f"{name}.weight" for name, module in model.base_model.model.named_modules() if isinstance(module, LoraLayer)}
    merged = model.merge_and_unload().state_dict()
    changed = {name: merged[name].to(base[name].dtype).contiguous() for name in adapted}
    save_file(changed, OUT / "merged.safetensors", {"format": "pt"})


def main() -> None:
    torch.manual_seed(1)
    # Threads cost more than they bring for matrices this small, and change last bits.
    torch.set_num_threads(1)
    shutil.rmtree(OUT, ignore_errors=True)
    config = LoraConfig(
        r=SETTINGS["rank"],
        lora_alpha=SETTINGS["alpha"],
        lora_dropout=0.0,
        target_modules=TARGETS,
        layers_to_transform=LAYERS,
        task_type="CAUSAL_LM",
    )
    tokenizer = AutoTokenizer.from_pretrained(STARTER)
    base = load_starter()
    answer = greedy_answer(base, tokenizer)
    model = get_peft_model(base, config, autocast_adapter_dtype=False).eval()
    round_to_float32(model)
    write_adapter(model, "init_adapter")

    rows = tokenized_rows(tokenizer, SETTINGS["steps"] * PER_STEP)
    short = [
        {key: values[:length] for key, values in row.items()} for row, length in zip(rows, PROBE_LENGTHS)
    ]
    probe = write_probe(model, short)
    steps = [rows[at : at + PER_STEP] for at in range(0, len(rows), PER_STEP)]
    trace = train(model, steps)
    write_adapter(model, "final_adapter")
    round_to_float32(model)
    write_merged(model)

    batch = SETTINGS["batch"]
    batches = [[step[at : at + batch] for at in range(0, PER_STEP, batch)] for step in steps]
    golden = {**SETTINGS, "answer": answer, "probe": probe, "trace": trace, "batches": batches}
    (OUT / "golden.json").write_text(json.dumps(golden) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
