import type { ErrorText } from './types.ts';

export const modelErrors = {
  'model.unsupported_architecture': {
    what: 'The architecture in config.json, "{architecture}", is not supported.',
    next: 'Choose a model of one of these architectures: {known}.',
  },
  'model.config_missing_key': {
    what: 'config.json has no "{key}".',
    next: 'Add the key, or get the file from the model’s original page.',
  },
  'model.config_invalid': {
    what: '"{key}" in config.json is {value}, but must be {expected}.',
    next: 'Correct the value, or get the file from the model’s original page.',
  },
  'model.config_unsupported': {
    what: '"{key}" in config.json is "{value}", which Graft does not support.',
    next: 'Choose another model.',
  },
  'model.tensor_missing': {
    what: 'The model files do not contain tensor "{tensor}", which config.json requires.',
    next: 'Check that config.json and the safetensors files belong together and that no shard is missing.',
  },
  'model.tensor_unexpected': {
    what: 'The model files contain tensor "{tensor}", which does not belong to the model in config.json.',
    next: 'Check "{key}" in config.json, and that it belongs to these safetensors files.',
  },
  'model.tensor_shape': {
    what: 'Tensor "{tensor}" has shape [{actual}], but config.json requires [{expected}].',
    next: 'Check that config.json and the safetensors files belong together.',
  },
  'model.tensor_dtype': {
    what: 'Tensor "{tensor}" is stored as {dtype}, which Graft does not support.',
    next: 'Choose a model in F32, F16 or BF16.',
  },
  'model.adapter_unknown_module': {
    what: 'The adapter has weights for "{module}", which this model does not have.',
    next: 'Choose the adapter’s own base model{base}.',
  },
  'model.adapter_older_experts': {
    what: 'The adapter has LoRA on "{module}", as transformers 4 named experts. Since transformers 5 those of a layer are one tensor.',
    next: 'Load the adapter with PEFT and transformers 5 on its base model, save it from there, and open that folder.',
  },
  'model.adapter_shape': {
    what: 'The adapter’s "{module}" is for a layer of shape {actual} (out x in), but this model’s is {expected}.',
    next: 'Choose the adapter’s own base model{base}.',
  },
  'model.adapter_vocabulary': {
    what: 'The adapter’s "{module}" has {actual} rows, but this model’s vocabulary has {expected}: it was resized before training.',
    next: 'Choose the resized base model, or resize this one to {actual} rows in transformers (resize_token_embeddings, then save_pretrained).',
  },
  'model.adapter_ties': {
    what: 'The adapter has different values for "{module}" and "{other}", but this model ties them.',
    next: 'Save the adapter again with equal values, or use a model whose embeddings are not tied.',
  },
  'model.adapter_base': {
    what: 'The adapter includes its own base weights for "{module}", which differ from this model’s, and {conflict}.',
    next: 'Choose the adapter’s own base model{base}, or merge the adapter with PEFT.',
  },
  'model.adapter_dora_head': {
    what: 'The adapter has DoRA on {module}, which Graft does not support.',
    next: 'Use LoRA on it, or leave it out of the target modules.',
  },
  'model.adapter_olora': {
    what: 'An OLoRA adapter subtracts from the base weights of {module}, which this model stores in 4 bits.',
    next: 'Open the original model, or save the adapter as plain LoRA: save_pretrained with path_initial_model_for_weight_conversion.',
  },
  'model.adapter_tied_lora': {
    what: 'The adapter ties LoRA on "{module}" to the embedding (ensure_weight_tying), which Graft does not support.',
    next: 'Merge the adapter with PEFT, or train again without ensure_weight_tying.',
  },
  'model.adapter_untargeted': {
    what: 'The adapter has weights for "{module}" (and {more} more modules) that its {field} does not include, so PEFT would ignore them.',
    next: 'Correct {field} in adapter_config.json, or save the adapter again.',
  },
  'model.adapter_incomplete': {
    what: 'The adapter has no weights for {count} of the {total} modules that its adapter_config.json targets: {modules}.',
    next: 'As in PEFT, these modules stay as in the base model. If that is not intended, save the adapter again.',
  },
  'model.adapter_targets_none': {
    what: 'The adapter’s target_modules match no module of this model ({targets}); its weights are used anyway.',
    next: 'PEFT rejects such an adapter: correct target_modules in adapter_config.json.',
  },
  'model.adapter_targets_unread': {
    what: 'The adapter’s target_modules or exclude_modules cannot be checked ({problem}); all of its weights are used.',
    next: 'Check that its modules are the ones you expect.',
  },
} satisfies Record<string, ErrorText>;
