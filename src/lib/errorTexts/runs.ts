import type { ErrorText } from './types.ts';

export const runsErrors = {
  'runs.not_written': {
    what: 'What was written to “{file}” of a run is not what was read back, so it was not counted as saved; the state saved before it is intact.',
    next: 'Free some space, then try again; if it happens twice, the disk may be failing.',
  },
  'runs.damaged': {
    what: 'File “{file}” of the run is missing, cut off, or not what was stored.',
    next: 'Go on from an earlier checkpoint.',
  },
  'runs.data_damaged': {
    what: 'The data set stored with run “{run}” is damaged at “{file}”, so the run cannot go on with the same data.',
    next: 'Start a new run from the data file; what this one has trained can still be tried and exported.',
  },
  'runs.none_left': {
    what: 'No checkpoint of run “{run}” is intact ({count} were tried); the first fails at “{file}”.',
    next: 'Start the run again: its recipe and its data are still there.',
  },
  'runs.no_such_step': {
    what: 'Run “{run}” has no checkpoint of step {step}.',
    next: 'Choose another checkpoint.',
  },
  'runs.not_found': {
    what: 'There is no run “{run}”.',
    next: 'Look at the list of runs again.',
  },
  'runs.header_damaged': {
    what: 'Run “{run}” cannot be read: both copies of its description are damaged.',
    next: 'Delete it, or import it again from a file.',
  },
  'runs.in_use': {
    what: 'Run “{run}” is open in another tab or process.',
    next: 'Close it there, then try again.',
  },
  'runs.read_only': {
    what: 'Run “{run}” belongs to another tab or process and can only be looked at here.',
    next: 'Go on in the other tab, or close it and open the run again.',
  },
  'runs.closed': {
    what: 'Run “{run}” was closed.',
    next: 'Open the run again.',
  },
  'runs.not_an_archive': {
    what: 'File “{file}” is not an exported run: {detail}.',
    next: 'Choose a file that was saved by “Export run”.',
  },
  'runs.archive_damaged': {
    what: 'The exported run “{file}” is damaged: its part “{part}” is not what was saved. Nothing was imported.',
    next: 'Copy or export the file again.',
  },
  'runs.archive_newer': {
    what: 'The exported run “{file}” was made by a newer Graft (format {version}; this one reads up to {known}).',
    next: 'Reload the page to get the newest Graft.',
  },
} satisfies Record<string, ErrorText>;
