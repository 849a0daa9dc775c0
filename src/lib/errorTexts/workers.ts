import type { ErrorText } from './types.ts';

export const workersErrors = {
  'workers.crashed': {
    what: 'The {worker} worker stopped unexpectedly: {reason}.',
    next: 'Open the model again. If it stops once more, use a smaller batch or a smaller model.',
  },
  'workers.restarted': {
    what: 'The engine had to start afresh, and the model and any unsaved adapter in it are gone: {reason}',
    next: 'Open the model again; your data and recipe are still here.',
  },
  'workers.no_model_files': {
    what: '“{name}” has no config.json, so it is not a model folder.',
    next: 'Choose the folder that holds config.json and the .safetensors files.',
  },
  'workers.sample_missing': {
    what: 'The sample data set could not be read (status {status}).',
    next: 'Check that the page’s server is running, or drop a file of your own.',
  },
} satisfies Record<string, ErrorText>;
