# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "torch==2.15.0",
#   "transformers==5.23.0",
#   "peft==0.21.2",
#   "accelerate==1.15.0",
#   "datasets==4.8.5",
#   "safetensors==0.8.0",
#   "bitsandbytes==0.50.2; sys_platform == 'linux'",
# ]
# ///
"""Continues a training run of Graft: the same rows in the same order, rates, weights and optimizer states.

One process: `uv run train.py`. Several: `torchrun --nproc-per-node 8 train.py --fsdp`, or see launch/.
"""

import argparse
import json
import os
from importlib.metadata import version
from itertools import groupby
from math import ceil
from pathlib import Path

import torch
import yaml
from datasets import Dataset, concatenate_datasets, load_dataset
from peft import PeftModel
from safetensors.torch import load_file, save_file
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from torch.optim.lr_scheduler import LambdaLR
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from states import get_moment, set_moments, trained

HERE = Path(__file__).parent
JOB = json.loads((HERE / "job.json").read_text())
RATES = [step["lr"] for step in json.loads((HERE / "schedule.json").read_text())["steps"]]
RECIPE, DONE, RESULT = JOB["recipe"], JOB["step"], HERE / "result"
LABELS = ["labels", "loss_weights"] if JOB["weighted"] else ["labels"]
FULL, HAS_EVAL = RECIPE["method"] == "full", (HERE / "eval.parquet").exists()


def load_model(path, dtype):
    """The base in its own values with the run's adapter; with method "full" the model as trained so far."""
    if FULL:
        return AutoModelForCausalLM.from_pretrained(HERE / "model", dtype=torch.float32)
    source, revision = (path, None) if path else (JOB["base"]["repo"], JOB["base"]["commit"])
    if source is None:
        raise SystemExit(f'The base "{JOB["base"]["name"]}" is not on the Hub: give its folder with --model.')
    quantization = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=RECIPE["double_quant"],
        bnb_4bit_compute_dtype=dtype,
    )  # fmt: skip
    options = {"quantization_config": quantization} if RECIPE["method"] == "qlora" else {}
    base = AutoModelForCausalLM.from_pretrained(source, revision=revision, dtype=torch.float32, **options)
    return PeftModel.from_pretrained(base, HERE / "adapter", is_trainable=True)


def load_steps(per_step):
    """The rows of all steps in order; each step is filled up with rows without labels to what all ranks take of it."""
    rows = load_dataset("parquet", data_files=str(HERE / "rows" / "*.parquet"), split="train")
    empty = {name: [0, 0] for name in rows.column_names}
    empty |= {"step": 0, "micro": 0, "labels": [-100, -100]}
    steps, filler, order = list(rows["step"]), len(rows), []
    for _, step in groupby(range(len(rows)), key=steps.__getitem__):
        taken = list(step)
        order += taken + [filler] * (per_step - len(taken))
    return concatenate_datasets([rows, Dataset.from_list([empty], features=rows.features)]).select(order)


def collate(rows):
    """Rows as a batch, padded on the right. By their positions transformers keeps packed rows from each other."""

    def padded(name, padding, dtype=torch.long):
        return pad_sequence([torch.tensor(row[name], dtype=dtype) for row in rows], True, padding)

    batch = {"input_ids": padded("input_ids", 0), "labels": padded("labels", -100)}
    if "position_ids" in rows[0]:
        batch["position_ids"] = padded("position_ids", 0)
        batch["labels"][batch["position_ids"] == 0] = -100  # no row predicts the first token of the next
    else:
        batch["attention_mask"] = pad_sequence([torch.ones(len(row["input_ids"])) for row in rows], True).long()
    if JOB["weighted"]:  # evaluation rows may have none
        rows = [{"loss_weights": [1] * len(row["labels"]), **row} for row in rows]
        batch["loss_weights"] = padded("loss_weights", 0, torch.float32)
    return batch


class JobTrainer(Trainer):
    """The Trainer with the job's rates, and with loss weights where its rows have them."""

    def create_scheduler(self, num_training_steps, optimizer=None):
        # The learning rate is 1, so that each factor is a rate.
        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, lambda i: RATES[min(i, len(RATES) - 1)])
        return self.lr_scheduler

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        weights = inputs.pop("loss_weights", None)
        if weights is None or not model.training:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels = inputs.pop("labels")
        losses = token_losses(model(**inputs).logits, labels) * weights[:, 1:]
        return losses.sum() / num_items_in_batch * self.accelerator.num_processes


def token_losses(logits, labels):
    return cross_entropy(logits[:, :-1].float().transpose(1, 2), labels[:, 1:], reduction="none")


def row_losses(logits, labels):
    """The sum of losses and the targets of each evaluation row: means of means would weigh short rows more."""
    labels, weights = labels if JOB["weighted"] else (labels, torch.ones_like(labels))
    return torch.stack([(token_losses(logits, labels) * weights[:, 1:]).sum(1), (labels[:, 1:] != -100).sum(1)], 1)


class JobStates(TrainerCallback):
    """Gives AdamW its moments at the start, and writes down what each step did."""

    def on_train_begin(self, args, state, control, model=None, optimizer=None, **kwargs):
        if JOB["updates"] == 0 or state.global_step > 0:
            return
        stored = load_file(HERE / "optimizer.safetensors")
        for name, parameter in trained(model):
            m, v = stored[f"m.{name}"], stored[f"v.{name}"]
            set_moments(optimizer.optimizer, parameter, m, v, stored["step"].squeeze())

    def on_step_end(self, args, state, control, **kwargs):
        last = state.global_step == state.max_steps
        control.should_evaluate = HAS_EVAL and (last or (DONE + state.global_step) % RECIPE["eval_steps"] == 0)

    def on_log(self, args, state, control, logs=None, **kwargs):
        names = {"loss": "loss", "grad_norm": "grad_norm", "learning_rate": "lr", "eval_token_loss": "eval_loss"}
        line = {names[name]: value for name, value in logs.items() if name in names}
        if line and state.is_world_process_zero:
            with open(RESULT / "metrics.jsonl", "a") as metrics:
                metrics.write(json.dumps({"step": DONE + state.global_step, **line}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="the base's folder or repo, where it is not the job's own")
    parser.add_argument("--steps", type=int, default=len(RATES), help="end after so many steps of the job")
    parser.add_argument("--micro", type=int, default=JOB["batch"]["micro"], help="the most rows of a rank at once")
    parser.add_argument("--save-steps", type=int, default=200, help="steps between two checkpoints in result/")
    parser.add_argument("--bf16", action="store_true", help="autocast to bfloat16: faster, with the looser bound")
    parser.add_argument("--fsdp", action="store_true", help="under torchrun: shard by fsdp.yaml (FSDP2)")
    parser.add_argument("--zero3", action="store_true", help="under torchrun: shard by zero3.json (DeepSpeed)")
    options = parser.parse_args()

    ranks, rows = int(os.environ.get("WORLD_SIZE", 1)), JOB["batch"]["rows"]
    micro = min(options.micro, ceil(rows / ranks))
    accumulated = ceil(rows / (ranks * micro))
    args = TrainingArguments(
        str(RESULT / "checkpoints"), max_steps=min(options.steps, len(RATES)), train_sampling_strategy="sequential",
        per_device_train_batch_size=micro, gradient_accumulation_steps=accumulated, average_tokens_across_devices=True,
        per_device_eval_batch_size=micro, label_names=LABELS, remove_unused_columns=False, optim="adamw_torch",
        learning_rate=1.0, weight_decay=RECIPE["weight_decay"], max_grad_norm=RECIPE["max_grad_norm"],
        adam_beta1=RECIPE["beta1"], adam_beta2=RECIPE["beta2"], adam_epsilon=RECIPE["eps"], seed=RECIPE["seed"],
        logging_steps=1, logging_nan_inf_filter=False, save_steps=options.save_steps, save_total_limit=2,
        report_to="none", bf16=options.bf16, use_cpu=not torch.accelerator.is_available(), fsdp=options.fsdp,
        fsdp_config=yaml.safe_load((HERE / "fsdp.yaml").read_text())["fsdp_config"] if options.fsdp else None,
        deepspeed=str(HERE / "zero3.json") if options.zero3 else None,
    )  # fmt: skip
    checkpoint = get_last_checkpoint(args.output_dir) if Path(args.output_dir).is_dir() else None
    RESULT.mkdir(exist_ok=True)
    if checkpoint is None and args.process_index == 0:
        (RESULT / "metrics.jsonl").unlink(missing_ok=True)
    trainer = JobTrainer(
        load_model(options.model, torch.bfloat16 if options.bf16 else torch.float32),
        args,
        data_collator=collate,
        train_dataset=load_steps(micro * accumulated * ranks),
        eval_dataset=load_dataset("parquet", data_files=str(HERE / "eval.parquet"), split="train") if HAS_EVAL else None,
        callbacks=[JobStates()],
        preprocess_logits_for_metrics=row_losses,
        compute_metrics=lambda found: {"token_loss": found.predictions[:, 0].sum() / found.predictions[:, 1].sum()},
    )
    trainer.train(resume_from_checkpoint=checkpoint)

    trainer.save_model(str(RESULT / ("model" if FULL else "adapter")))
    done = trainer.state.global_step
    tensors = {"step": torch.tensor([float(JOB["updates"] + done)])}
    for name, parameter in trained(trainer.model):
        for part, moment in (("m", "exp_avg"), ("v", "exp_avg_sq")):
            tensors[f"{part}.{name}"] = get_moment(trainer.optimizer.optimizer, parameter, moment).contiguous()
    if trainer.is_world_process_zero():
        save_file(tensors, RESULT / "optimizer.safetensors")
        about = {"steps": done, "step": DONE + done, "updates": JOB["updates"] + done, "ranks": ranks}
        about |= {"dtype": "bfloat16" if options.bf16 else "float32"}
        about |= {"versions": {name: version(name) for name in JOB["versions"]}}
        (RESULT / "result.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
