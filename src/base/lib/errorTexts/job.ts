import type { ErrorText } from './types.ts';

export const jobErrors = {
  'job.setting': {
    what: 'A job for a cluster cannot continue “{key}” = “{value}”: the job’s training there does not compute the same, so the losses would be others.',
    next: 'Start the run with “{key}” = “{instead}”.',
  },
  'job.experts': {
    what: 'A job for a cluster cannot be made of a model with experts: engines there store and train their adapters in another layout.',
    next: 'Continue the run here, or export the adapter and start a run there.',
  },
  'job.inside': {
    what: 'A job for a cluster cannot be made of the language model of a larger one: engines there load the whole.',
    next: 'Continue the run here, or export the adapter and start a run there.',
  },
  'job.tied_head': {
    what: 'The adapter trains the embedding as the tied head “{module}” too, which a job for a cluster does not express.',
    next: 'Continue the run here, or train an adapter without “ensure_weight_tying”.',
  },
  'job.nothing_left': {
    what: 'Run “{run}” is finished: all of its {steps} steps are done.',
    next: 'Export the result, or start a run with more steps.',
  },
  'job.not_a_job': {
    what: '“{folder}” is not a job folder: {detail}.',
    next: 'Choose a folder made by “graft job” or “Continue on a cluster”, with “job.json” in it.',
  },
  'job.newer': {
    what: 'The job “{folder}” was made by a newer version of Graft (format {version}; this one reads up to {known}).',
    next: 'Update Graft, or reload the page.',
  },
  'job.changed': {
    what: 'File “{file}” of the job is missing or differs from what was exported. Nothing was imported.',
    next: 'Copy the folder again, or export the job again.',
  },
  'job.result': {
    what: 'The result in “{file}” cannot be taken: {detail}. Nothing was imported.',
    next: 'Copy the “result” folder that “train.py” wrote again, or run the job again.',
  },
} satisfies Record<string, ErrorText>;
