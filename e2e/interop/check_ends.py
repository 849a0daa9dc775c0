"""A base model whose EOS its chat template does not write: do answers end in transformers and peft, as in Graft?"""

from pathlib import Path

from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig


class EndsCase:
    def __init__(self, entry: dict):
        self.name: str = entry["name"]
        self.base = Path(entry["base"])
        self.adapter = Path(entry["adapter"])
        self.merged = Path(entry["merged"])
        # What it was asked, and what Graft's answer was before any training.
        self.prompt: str = entry["prompt"]
        self.answer: str = entry["answer"]
        self.new_tokens: int = entry["newTokens"]


def base_runs_on(case: EndsCase) -> str:
    """the base itself runs on in transformers: its generation_config.json does not name the end."""
    ids, tokenizer = generated(AutoModelForCausalLM.from_pretrained(case.base, dtype="auto"), case.base, case)
    assert len(ids) == case.new_tokens, f"it ended after {len(ids)} tokens"
    return f"{len(ids)} tokens"


def merged_stops(case: EndsCase) -> str:
    """the merged model's answer ends in transformers, and is Graft's."""
    return ends(*generated(AutoModelForCausalLM.from_pretrained(case.merged, dtype="auto"), case.merged, case), case)


def adapter_stops(case: EndsCase) -> str:
    """base and adapter end in peft, set as the adapter's card says, by the generation_config.json beside it."""
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(case.base, dtype="auto"), case.adapter)
    model.generation_config.eos_token_id = GenerationConfig.from_pretrained(case.adapter).eos_token_id
    return ends(*generated(model, case.base, case), case)


def generated(model, folder: Path, case: EndsCase):
    """The ids of a greedy answer, and the tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    chat = [{"role": "user", "content": case.prompt}]
    inputs = tokenizer.apply_chat_template(
        chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    out = model.eval().generate(**inputs, max_new_tokens=case.new_tokens, do_sample=False)
    return out[0, inputs["input_ids"].shape[1] :].tolist(), tokenizer


def ends(ids: list[int], tokenizer, case: EndsCase) -> str:
    assert tokenizer.convert_ids_to_tokens(ids[-1]) == "<|im_end|>", f"it ended with {ids[-1]}"
    text = tokenizer.decode(ids, skip_special_tokens=True)
    assert text == case.answer, f"{text!r} is not {case.answer!r}"
    return f"{len(ids)} tokens"


ENDS_CHECKS = [base_runs_on, merged_stops, adapter_stops]
