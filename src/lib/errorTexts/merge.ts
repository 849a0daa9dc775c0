import type { ErrorText } from './types.ts';

export const mergeErrors = {
  'merge.cancelled': {
    what: 'The merge was cancelled, and what it had written was removed.',
    next: 'Start it again when you like.',
  },
  'merge.destination_not_empty': {
    what: 'The destination already holds “{file}”, which a merge does not overwrite.',
    next: 'Choose an empty folder.',
  },
  'merge.proof_failed': {
    what: 'The merged model was written and read back, but it is not base + adapter: {detail}.',
    next: 'Do not use it. Merge again, to another disk if it happens twice.',
  },
} satisfies Record<string, ErrorText>;
