import type { Phrase } from '../phrase.ts';

/** The developer panel: where the GPU's time goes in a step. */
export const profileTexts = {
  'profile.title': 'For developers: a step in time',
  'profile.firstStep': 'first step after {time}',
  'profile.preparation':
    'Before the first step, side by side: weights {weights}, {n} shaders {shaders}. That step was done after {time}.',
  'profile.tuned': {
    one: '{n} kind of matrix product takes a kernel that was measured to be faster on this device than the default.',
    other:
      '{n} kinds of matrix products take kernels that were measured to be faster on this device than the defaults.',
  },
  'profile.take': 'Profile the next step',
  'profile.waiting': 'Waiting for the next step…',
  'profile.onlyRunning': 'A step can be profiled while a run is under way.',
  'profile.lead':
    'Times every kernel of one step by the clock of the GPU. That step is a little slower; its numbers are the same.',
  'profile.step': 'Step {step}',
  'profile.summary': '{n} dispatches: {kernels} in kernels, {whole} from the first to the last.',
  'profile.clock': 'The clock goes in steps of {step}, as browsers round it: shorter times say little.',
  'profile.chart': 'Flame chart of step {step}',
  'profile.keys':
    'Point at a bar to read it, choose it to look closer. By keyboard: arrows move, Enter looks closer, Escape steps back.',
  'profile.back': 'The whole step',
  'profile.part': '{name}: {time}, {share} of the step',
  'profile.dispatch': '{name} in {place}: {time}, {share} of the step; {groups} workgroups',
  'profile.kernel': 'Kernel',
  'profile.calls': 'Calls',
  'profile.time': 'Time',
  'profile.share': 'Share',
  'profile.flops': 'FLOP/s',
  'profile.bytes': 'B/s',
  'profile.bytesHelp':
    'Bytes count every tensor whole that a kernel is given: at most so many. Operations are told by kernels that know theirs.',
  'profile.copyJson': 'Copy as JSON',
} as const satisfies Record<string, Phrase>;
