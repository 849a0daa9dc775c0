import type { ErrorText } from './types.ts';

export const modelErrors = {
  'model.unsupported_architecture': {
    what: 'config.json describes a "{architecture}", which Graft cannot train.',
    next: 'Choose a model of one of these architectures: {known}.',
  },
  'model.config_missing_key': {
    what: 'config.json has no "{key}".',
    next: 'Add the key, or take the file from the model’s original page.',
  },
  'model.config_invalid': {
    what: 'config.json has "{key}": {value}, but it must be {expected}.',
    next: 'Correct the value, or take the file from the model’s original page.',
  },
  'model.config_unsupported': {
    what: 'config.json has "{key}": "{value}", which Graft does not know how to compute.',
    next: 'Choose another model.',
  },
  'model.tensor_missing': {
    what: 'The model’s files hold no tensor "{tensor}", which config.json calls for.',
    next: 'Check that config.json and the safetensors files belong together and that no shard is missing.',
  },
  'model.tensor_unexpected': {
    what: 'The model’s files hold tensor "{tensor}", which config.json does not call for.',
    next: 'Check "{key}" in config.json, and that it belongs to these safetensors files.',
  },
  'model.tensor_shape': {
    what: 'Tensor "{tensor}" has shape [{actual}], but config.json calls for [{expected}].',
    next: 'Check that config.json and the safetensors files belong together.',
  },
  'model.tensor_dtype': {
    what: 'Tensor "{tensor}" is stored as {dtype}, which Graft cannot compute with.',
    next: 'Choose a model in F32, F16 or BF16.',
  },
  'model.adapter_unknown_module': {
    what: 'The adapter has weights for "{module}", which this model does not have.',
    next: 'Choose the adapter’s own base model{base}.',
  },
  'model.adapter_shape': {
    what: 'The adapter’s "{module}" fits a layer of {actual} (out x in), but this model’s is {expected}.',
    next: 'Choose the adapter’s own base model{base}.',
  },
  'model.adapter_vocabulary': {
    what: 'The adapter holds "{module}" with {actual} rows, but this model’s vocabulary has {expected}: it was resized before training.',
    next: 'Choose the resized base model, or give this one {actual} rows in transformers (resize_token_embeddings, then save_pretrained).',
  },
  'model.adapter_ties': {
    what: 'The adapter holds "{module}" and "{other}" with different values, but in this model they are one matrix.',
    next: 'Save the adapter again with both equal, or use a model that is not tied.',
  },
  'model.adapter_base': {
    what: 'The adapter brings its own base weights of "{module}", which differ from this model’s, and {conflict}.',
    next: 'Choose the adapter’s own base model{base}, or merge the adapter with PEFT.',
  },
  'model.adapter_tied_lora': {
    what: 'The adapter ties LoRA on "{module}" to the embedding (ensure_weight_tying), which Graft cannot apply.',
    next: 'Merge the adapter with PEFT, or train again without ensure_weight_tying.',
  },
  'model.adapter_untargeted': {
    what: 'The adapter has weights for "{module}" (and {more} more modules), to which its {field} gives none, so that PEFT would leave them out.',
    next: 'Correct {field} in adapter_config.json, or save the adapter again.',
  },
  'model.adapter_incomplete': {
    what: 'The adapter has no weights for {count} of the {total} modules that its adapter_config.json targets: {modules}.',
    next: 'These modules stay as in the base model, as in PEFT. If that is not intended, save the adapter again.',
  },
  'model.adapter_targets_none': {
    what: 'The target_modules of the adapter match no module of this model ({targets}); its weights are used all the same.',
    next: 'PEFT refuses such an adapter: correct target_modules in adapter_config.json.',
  },
  'model.adapter_targets_unread': {
    what: 'The adapter’s target_modules or exclude_modules cannot be checked ({problem}); all of its weights are used.',
    next: 'Compare its modules with those you expect.',
  },
} satisfies Record<string, ErrorText>;
