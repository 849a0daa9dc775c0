import type { ErrorText } from './types.ts';

export const cliErrors = {
  'cli.unknown_command': {
    what: '“{command}” is not a command.',
    next: 'Use one of {known}; “graft help” lists their options.',
  },
  'cli.bad_option': { what: '{detail}', next: 'Usage: {usage}' },
  'cli.missing_option': { what: 'Option --{option} is required.', next: 'Usage: {usage}' },
  'cli.bad_value': {
    what: 'Option --{option} must be {expected}, not “{value}”.',
    next: 'Usage: {usage}',
  },
  'cli.nothing_to_push': {
    what: '“{folder}” contains neither an adapter (adapter_config.json) nor a model (config.json and safetensors).',
    next: 'Use the output folder of train or merge.',
  },
  'cli.push_link': {
    what: '“{file}” in “{folder}” is a link, not a file: nothing was sent.',
    next: 'Put a copy of the file in its place, or remove the link.',
  },
  'cli.push_declined': {
    what: 'Nothing was sent.',
    next: 'Run the command again and answer y, or add --yes.',
  },
  'cli.not_in_cache': {
    what: '“{repo}” is not in the cache ({commit}).',
    next: 'Run “graft cache” to list the cached models.',
  },
  'cli.output_exists': {
    what: 'The output folder “{folder}” is not empty.',
    next: 'Choose a new or empty folder.',
  },
  'cli.output_in_use': {
    what: 'Process {pid} has been using the folder “{folder}” since {since}.',
    next: 'Wait until it has ended, or choose another folder.',
  },
  'cli.output_in_use_elsewhere': {
    what: 'Another machine, container or browser has been using the folder “{folder}” since {since}.',
    next: 'Wait until it has ended, or choose another folder. If it runs no more, remove {file}.',
  },
  'cli.output_changed': {
    what: 'The output folder “{folder}” holds “{file}”, which is not what the run wrote there.',
    next: 'Choose a new or empty folder; --resume continues the run from --checkpoints all the same.',
  },
  'cli.file_exists': {
    what: '“{file}” already exists in {folder}.',
    next: 'Choose another name, or add --force to replace it.',
  },
  'cli.file_in_model': {
    what: '“{file}” would be written into {folder}, which is the folder of a model or an adapter ({marker}).',
    next: 'Choose another folder; --force does not change this.',
  },
  'cli.file_is_input': {
    what: '“{file}” is the same file as {input}, which this command reads.',
    next: 'Choose another name; --force does not change this.',
  },
  'cli.result_not_written': {
    what: 'The result could not be written to stdout ({detail}).',
    next: 'Send it somewhere with enough space, and run the command again.',
  },
  'cli.run_exists': {
    what: '“{folder}” already contains a run.',
    next: 'Add --resume to resume it, or choose a new folder.',
  },
  'cli.sweep_exists': {
    what: '“{folder}” already contains a sweep.',
    next: 'Add --resume to resume it, or choose a new folder.',
  },
  'cli.no_gpu': {
    what: 'No GPU adapter was found, not even a software one{detail}.',
    next: 'Install a Vulkan driver; mesa-vulkan-drivers (Debian, Ubuntu) also works without a GPU.',
  },
  'cli.loss_not_finite': {
    what: 'The loss is not finite.',
    next: 'Check the weights of the model and the adapter for NaN and infinity; with --dtype f16, try f32.',
  },
  'cli.ollama_name': {
    what: '“{name}” does not name a model of Ollama.',
    next: 'Write ollama:name, ollama:name:tag or ollama:user/name:tag, as “ollama list” shows it.',
  },
  'cli.ollama_missing': {
    what: 'Ollama has not downloaded “{name}” to {folder}.',
    next: 'Run “ollama pull” first, see “ollama list”, or set OLLAMA_MODELS to its folder.',
  },
  'cli.ollama_no_gguf': {
    what: '“{name}” is no GGUF model in Ollama’s folder.',
    next: 'Choose a model that runs on this machine, not in a cloud.',
  },
} satisfies Record<string, ErrorText>;
