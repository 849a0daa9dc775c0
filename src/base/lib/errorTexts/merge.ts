import type { ErrorText } from './types.ts';

export const mergeErrors = {
  'merge.cancelled': {
    what: 'The merge was canceled. Its unfinished output is marked as such.',
    next: 'To resume, start the same merge again with the same destination.',
  },
  'export.chat_page_missing': {
    what: '“{file}” of the chat page could not be loaded: {reason}.',
    next: 'The studio keeps these files (10 MB) on its own host, not offline: connect, and export again.',
  },
  'merge.destination_not_empty': {
    what: 'The destination already contains “{file}”, which a merge does not overwrite.',
    next: 'Choose an empty folder.',
  },
  'merge.other_model': {
    what: 'The folder “{folder}” already holds a model, and not the one that this merge makes: {detail}.',
    next: 'Choose an empty folder.',
  },
  'merge.changed_since': {
    what: 'Something changed “{file}” in the folder “{folder}” while the merge was verified, so its proof is not of what is there.',
    next: 'Find out what writes there, then start the same merge again in a new folder.',
  },
  'merge.link_outside': {
    what: '“{file}” in “{folder}” is a link that leads out of the model’s folder.',
    next: 'Put a copy of the file in its place, or remove it: the merged model would publish what it leads to.',
  },
  'merge.base_quantized': {
    what: 'The model is quantized ({method}) and does not contain the original weights.',
    next: 'Use the original 16-bit model, or merge onto the dequantized weights (--onto dequantized).',
  },
  'merge.already_quantized': {
    what: 'The model is already quantized ({method}).',
    next: 'Use the original 16-bit model.',
  },
  'merge.bias_without_place': {
    what: 'Tensor “{tensor}” is a nonzero bias that only the quantized format can store.',
    next: 'Merge onto the original 16-bit model, or publish the adapter with the quantized one.',
  },
  'merge.trained_floats_only': {
    what: 'All parameters of this model were trained, so it can only be saved unquantized.',
    next: 'Save it unquantized, then quantize that folder to 4 bits (graft quantize).',
  },
  'merge.proof_failed': {
    what: 'The merged model was written and read back, but failed verification: {detail}.',
    next: 'Do not use it. Merge again; if this repeats, use another disk.',
  },
  'merge.f16_overflow': {
    what: 'Tensor “{tensor}” holds values beyond the range of F16, ±65504.',
    next: 'Write the model in BF16 or F32.',
  },
  'merge.gguf_family': {
    what: 'llama.cpp has no architecture for models of type “{family}” that Graft knows.',
    next: 'Export the merged model as safetensors.',
  },
  'merge.gguf_tensor': {
    what: 'Tensor “{tensor}” has no name in GGUF’s architecture “{architecture}”.',
    next: 'Export the merged model as safetensors.',
  },
  'merge.gguf_layer': {
    what: 'Layer {layer} has another window or rotary embedding than llama.cpp gives it in “{architecture}” models.',
    next: 'Export the merged model as safetensors.',
  },
  'merge.gguf_scale': {
    what: 'This model multiplies attention scores by {scale}, which llama.cpp does not in “{architecture}” models.',
    next: 'Export the merged model as safetensors.',
  },
  'merge.gguf_heads': {
    what: 'The heads of this model’s queries are {width} wide together and its layers {hidden}; llama.cpp wants them equal in “{architecture}” models.',
    next: 'Export the merged model as safetensors.',
  },
  'merge.gguf_experts': {
    what: 'This model weighs experts among all of them (norm_topk_prob), which llama.cpp does not in “{architecture}” models.',
    next: 'Export the merged model as safetensors.',
  },
  'merge.gguf_rope': {
    what: 'This model’s rotary embedding is of type “{type}”, which Graft does not write into GGUF files.',
    next: 'Export the merged model as safetensors, and convert it with llama.cpp.',
  },
  'merge.mix_saved': {
    what: '{adapter} has {module} trained in full, which cannot be mixed.',
    next: 'Mix adapters without modules_to_save, or merge this one into the model first.',
  },
  'merge.mix_experts': {
    what: '{adapter} has LoRA on experts ({module}), which cannot be mixed.',
    next: 'Mix adapters of other modules, or merge this one into the model first.',
  },
  'merge.mix_shape': {
    what: '{module} is {shape} in {adapter} and {otherShape} in {other}: they are of different models.',
    next: 'Mix adapters that were trained on the same model.',
  },
  'merge.mix_rank': {
    what: 'The rule {rule} needs adapters of equal rank; these have {ranks}.',
    next: 'Choose cat or svd, or the same rule with _svd, which mix any ranks.',
  },
  'merge.lora_saved': {
    what: 'A LoRA adapter as {format} cannot hold {module}, which was trained in full.',
    next: 'Export the merged model: it has everything in it.',
  },
  'merge.lora_only': {
    what: 'A LoRA adapter as {format} cannot hold the {what} of {module}.',
    next: 'Export the merged model: it has everything in it.',
  },
  'merge.mix_lora_only': {
    what: '{adapter} has {what}, which cannot be mixed.',
    next: 'Merge it into the model first, or mix plain LoRA adapters.',
  },
  'merge.lora_head': {
    what: 'A LoRA adapter as {format} cannot change {module}, which is the embedding as well in this model.',
    next: 'Export the merged model: it gets a head of its own.',
  },
  'merge.gguf_needs_adapter': {
    what: 'A LoRA adapter as GGUF needs an adapter; here all parameters were trained, or none.',
    next: 'Export the model itself as GGUF.',
  },
} satisfies Record<string, ErrorText>;
