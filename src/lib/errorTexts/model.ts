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
} satisfies Record<string, ErrorText>;
