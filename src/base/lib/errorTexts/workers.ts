import type { ErrorText } from './types.ts';

export const workersErrors = {
  'workers.crashed': {
    what: 'The {worker} worker stopped unexpectedly: {reason}.',
    next: 'Open the model again. If this repeats, use a smaller batch or a smaller model.',
  },
  'workers.restarted': {
    what: 'The engine had to restart, and lost the open model and any unsaved adapter: {reason}',
    next: 'Open the model again; your data and recipe are still here.',
  },
  'workers.sample_missing': {
    what: 'The sample dataset could not be loaded (status {status}).',
    next: 'Check that the page’s server is running, or drop a file of your own.',
  },
} satisfies Record<string, ErrorText>;
