"""What transformers and peft compute from the files, against what Graft computed."""

import torch
from peft import get_peft_model_state_dict
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from case import Case

# Of the largest logit.
LOGIT_TOLERANCE = 1e-4
# Relative.
LOSS_TOLERANCE = 1e-5
# Bits after the leading one.
MANTISSA_BITS = {torch.float32: 23, torch.float16: 10, torch.bfloat16: 7}


def adapter_in_peft(case: Case) -> str:
    """peft finds a place for every tensor of the adapter."""
    file = load_file(case.adapter / "adapter_model.safetensors")
    placed = get_peft_model_state_dict(case.peft_model, save_embedding_layers=False)
    assert placed.keys() == file.keys(), f"not in both: {sorted(placed.keys() ^ file.keys())}"
    for name, tensor in file.items():
        assert torch.equal(placed[name], tensor), f"{name} differs"
    smallest = min(tensor.abs().max().item() for name, tensor in file.items() if ".lora_B." in name)
    assert smallest > 0, "a B is still zero: nothing was trained"
    # Of an adapter on the head, peft saves the base's head as well.
    case.peft_model.save_pretrained(case.saved_adapter, save_embedding_layers=case.targets_head)
    return f"{len(file)} tensors"


def adapter_logits(case: Case) -> str:
    """peft's logits of base and adapter are Graft's."""
    theirs = logits_of(case.peft_model, case)
    change = largest_difference(logits_of(case.base_model, case), theirs)
    assert change > 100 * LOGIT_TOLERANCE, f"the adapter changes next to nothing ({change:.1e})"
    return f"{close_logits(case.adapter_eval, theirs)}; the adapter moves them by {change:.1e}"


def adapter_loss(case: Case) -> str:
    """the loss over peft's logits is Graft's."""
    return close_loss(case.adapter_eval, logits_of(case.peft_model, case), case)


def merged_loads(case: Case) -> str:
    """transformers loads the merged model whole, in the base's dtype."""
    model, info = AutoModelForCausalLM.from_pretrained(
        case.merged, dtype="auto", output_loading_info=True
    )
    assert not any(info.values()), info
    dtypes = {tensor.dtype for tensor in case.base_tensors.values()}
    assert {parameter.dtype for parameter in model.parameters()} == dtypes, f"{model.dtype}, not {dtypes}"
    model.save_pretrained(case.saved_merged, max_shard_size=case.max_shard_size)
    return str(model.dtype)


def merged_logits(case: Case) -> str:
    """transformers' logits of the merged model are Graft's."""
    return close_logits(case.merged_eval, logits_of(case.merged_in_float32, case))


def merged_loss(case: Case) -> str:
    """the loss over transformers' logits of the merged model is Graft's."""
    return close_loss(case.merged_eval, logits_of(case.merged_in_float32, case), case)


def merged_weights(case: Case) -> str:
    """merged weights are peft's merge in float64, rounded once."""
    exactly_merged, magnitudes = case.exact_merge
    worst = 0.0
    same = total = 0
    for name, ours in case.merged_tensors.items():
        exact = exactly_merged[name]
        _, exponent = torch.frexp(exact)
        allowed = torch.ldexp(torch.ones_like(exact), exponent - MANTISSA_BITS[ours.dtype] - 2)
        if name in magnitudes:
            rank, magnitude = magnitudes[name]
            # The sum before the rounding is one of float32, with the error such sums can have.
            allowed += (rank + 2) * 2.0**-24 * (magnitude + case.expected_tensors[name].double().abs())
        worst = max(worst, ((ours.double() - exact).abs() / allowed).max().item())
        same += (ours == exact.to(ours.dtype)).sum().item()
        total += ours.numel()
    assert worst <= 1, f"off by {worst:.3f} of what is allowed"
    return f"off by {worst:.3f} of what is allowed; {same / total:.3%} the very same"


def token_ids(case: Case) -> str | None:
    """transformers' reading of tokenizer.json gives Graft's token ids."""
    if case.tokens is None:
        return None
    # Not AutoTokenizer: for Llama it puts a normalizer of its own in the place of the file's.
    tokenizer = PreTrainedTokenizerFast.from_pretrained(case.merged)
    for text, ours in zip(case.tokens["texts"], case.tokens["ids"], strict=True):
        theirs = tokenizer(text).input_ids
        assert ours == theirs, f"{text!r}: Graft {ours}, transformers {theirs}"
    return f"{len(case.tokens['texts'])} texts"


def greedy_text(case: Case) -> str | None:
    """base, base with adapter, and merged model continue a text as Graft does."""
    if case.generated is None:
        return None
    tokenizer = AutoTokenizer.from_pretrained(case.merged)
    models = {"base": case.base_model, "adapter": case.peft_model, "merged": case.merged_in_float32}
    for name, model in models.items():
        prompt = tokenizer(case.generated["prompt"], return_tensors="pt").input_ids
        ids = model.generate(
            input_ids=prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=case.generated["newTokens"],
            do_sample=False,
        )
        text = tokenizer.decode(ids[0, prompt.shape[1] :], skip_special_tokens=True)
        assert text == case.generated[name], f"{name}: Graft {case.generated[name]!r}, transformers {text!r}"
    return f"{case.generated['newTokens']} tokens each"


@torch.no_grad()
def logits_of(model, case: Case) -> list[torch.Tensor]:
    """[row length, vocabulary] for each row, in float32, each row alone."""
    return [model(torch.tensor([row["input_ids"]])).logits[0].float() for row in case.rows]


def largest_difference(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> float:
    """Relative to the largest of their logits."""
    largest = max(row.abs().max().item() for row in theirs)
    return max((a - b).abs().max().item() for a, b in zip(ours, theirs, strict=True)) / largest


def close_logits(evaluation: dict, theirs: list[torch.Tensor]) -> str:
    logits = load_file(evaluation["logits"])["logits"]
    assert logits.dtype == torch.float32, logits.dtype
    expected = (len(theirs), max(len(row) for row in theirs), theirs[0].shape[1])
    assert tuple(logits.shape) == expected, f"{tuple(logits.shape)} is not {expected}"
    ours = [row[: len(reference)] for row, reference in zip(logits, theirs)]
    error = largest_difference(ours, theirs)
    assert error <= LOGIT_TOLERANCE, f"off by {error:.1e} of the largest"
    return f"off by {error:.1e} of the largest"


def close_loss(evaluation: dict, logits: list[torch.Tensor], case: Case) -> str:
    labels = [torch.tensor(row["labels"]) for row in case.rows]
    targets = torch.cat([row[1:] for row in labels])
    predictions = torch.cat([row[:-1] for row in logits]).double()
    tokens = int((targets != -100).sum())
    assert evaluation["tokens"] == tokens, f"{evaluation['tokens']} target tokens, not {tokens}"
    loss = cross_entropy(predictions, targets).item()
    error = abs(evaluation["loss"] - loss) / loss
    assert error <= LOSS_TOLERANCE, f"Graft {evaluation['loss']}, transformers {loss}"
    return f"{loss:.5f} over {tokens} tokens, off by {error:.1e}"


MODEL_CHECKS = [
    adapter_in_peft,
    adapter_logits,
    adapter_loss,
    merged_loads,
    merged_logits,
    merged_loss,
    merged_weights,
    token_ids,
    greedy_text,
]
