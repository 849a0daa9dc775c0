import type { ErrorText } from './types.ts';

export const runsErrors = {
  'runs.not_written': {
    what: 'Saving “{file}” of a run failed: reading it back gave different data. The previous checkpoint is intact.',
    next: 'Free some space, then try again; if this repeats, the disk may be failing.',
  },
  'runs.damaged': {
    what: 'File “{file}” of the run is missing, incomplete or damaged.',
    next: 'Resume from an earlier checkpoint.',
  },
  'runs.data_damaged': {
    what: 'The dataset stored with run “{run}” is damaged (“{file}”), so the run cannot resume with the same data.',
    next: 'Start a new run from the data file; what this one trained can still be tried and exported.',
  },
  'runs.none_left': {
    what: 'No checkpoint of run “{run}” is intact ({count} tried); the first fails at “{file}”.',
    next: 'Start the run again: its recipe and its data are still there.',
  },
  'runs.no_such_step': {
    what: 'Run “{run}” has no checkpoint at step {step}.',
    next: 'Choose another checkpoint.',
  },
  'runs.not_found': {
    what: 'Run “{run}” does not exist.',
    next: 'Check the list of runs.',
  },
  'runs.header_damaged': {
    what: 'Run “{run}” cannot be read: both copies of its header are damaged.',
    next: 'Delete it, or import it again from a file.',
  },
  'runs.in_use': {
    what: 'Run “{run}” is open in another tab or process.',
    next: 'Close it there, then try again.',
  },
  'runs.read_only': {
    what: 'Run “{run}” is open in another tab or process and is read-only here.',
    next: 'Continue in the other tab, or close it and open the run again.',
  },
  'runs.taken_over': {
    what: 'Run “{run}” was taken over by another tab or process, or deleted, so nothing more is saved in it from here.',
    next: 'Export what was trained here, or continue with the other tab or process.',
  },
  'runs.closed': {
    what: 'Run “{run}” is closed.',
    next: 'Open the run again.',
  },
  'runs.not_an_archive': {
    what: 'File “{file}” is not an exported run: {detail}.',
    next: 'Choose a file saved with “Export run”.',
  },
  'runs.archive_damaged': {
    what: 'The exported run “{file}” is damaged: “{part}” in it differs from what was exported. Nothing was imported.',
    next: 'Copy or export the file again.',
  },
  'runs.archive_newer': {
    what: 'The exported run “{file}” was made by a newer version of Graft (format {version}; this one reads up to {known}).',
    next: 'Reload the page to get the latest version.',
  },
  'runs.sweep_not_found': {
    what: 'Sweep “{sweep}” does not exist.',
    next: 'Check the list of sweeps, or start a new one.',
  },
  'runs.sweep_damaged': {
    what: 'Sweep “{sweep}” cannot be read: both copies of its manifest are damaged.',
    next: 'Start a new sweep; its runs are intact and stay in the list of runs.',
  },
  'runs.sweep_no_rows': {
    what: 'Sweep “{sweep}” has no run left whose rows it could go on with.',
    next: 'Start a new sweep on the data.',
  },
  'runs.sweep_in_use': {
    what: 'Sweep “{sweep}” is open in another tab or process.',
    next: 'Continue it there, or close it there and try again.',
  },
} satisfies Record<string, ErrorText>;
