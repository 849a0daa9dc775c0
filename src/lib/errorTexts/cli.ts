import type { ErrorText } from './types.ts';

export const cliErrors = {
  'cli.unknown_command': {
    what: '“{command}” is not a command.',
    next: 'Use {known}; “graft help” shows their options.',
  },
  'cli.bad_option': { what: '{detail}', next: 'Usage: {usage}' },
  'cli.missing_option': { what: 'Option --{option} is missing.', next: 'Usage: {usage}' },
  'cli.bad_value': {
    what: 'Option --{option} is “{value}”, but it must be {expected}.',
    next: 'Usage: {usage}',
  },
  'cli.nothing_to_push': {
    what: '“{folder}” holds neither an adapter (adapter_config.json) nor a model (config.json and safetensors).',
    next: 'Give the folder that train or merge wrote.',
  },
  'cli.not_in_cache': {
    what: '“{repo}” is not in the cache ({commit}).',
    next: '“graft cache” lists what is.',
  },
  'cli.output_exists': {
    what: 'The output folder “{folder}” is not empty.',
    next: 'Choose a new or empty folder.',
  },
  'cli.run_exists': {
    what: 'There is a run in “{folder}” already.',
    next: 'Add --resume to go on with it, or choose a new folder.',
  },
  'cli.no_gpu': {
    what: 'No graphics adapter was found, not even one in software{detail}.',
    next: 'Install a Vulkan driver; mesa-vulkan-drivers (Debian, Ubuntu) also works without a GPU.',
  },
  'cli.loss_not_finite': {
    what: 'The loss is not a finite number.',
    next: 'Check the weights of the model and of the adapter for NaN and infinity; with --dtype f16, try f32.',
  },
} satisfies Record<string, ErrorText>;
