import type { Phrase } from '../phrase.ts';

/** The developer panel: where the GPU's time goes in a step. */
export const profileTexts = {
  'profile.title': 'Profile of a step',
  'profile.firstStep': 'first step after {time}',
  'profile.preparation':
    'Before the first step, in parallel: loading weights {weights}, compiling {n} shaders {shaders}. The first step finished after {time}.',
  'profile.tuned': {
    one: '{n} matrix product uses a tuned kernel, measured to be faster on this device than the default.',
    other: '{n} matrix products use tuned kernels, measured to be faster on this device than the default.',
  },
  'profile.take': 'Profile the next step',
  'profile.waiting': 'Waiting for the next step…',
  'profile.onlyRunning': 'Profiling is available during a run.',
  'profile.lead':
    'Times every kernel of one step with GPU timestamps. The step is slightly slower; its results are the same.',
  'profile.step': 'Step {step}',
  'profile.summary': '{n} dispatches: {kernels} in kernels, {whole} from first to last.',
  'profile.clock': 'The browser rounds timestamps to {step}: shorter times are not meaningful.',
  'profile.chart': 'Flame chart of step {step}',
  'profile.keys':
    'Point at a bar to read it, click to zoom in. Keyboard: arrow keys move, Enter zooms in, Escape zooms out.',
  'profile.back': 'Whole step',
  'profile.part': '{name}: {time}, {share} of the step',
  'profile.dispatch': '{name} in {place}: {time}, {share} of the step; {groups} workgroups',
  'profile.kernel': 'Kernel',
  'profile.calls': 'Calls',
  'profile.time': 'Time',
  'profile.share': 'Share',
  'profile.flops': 'FLOP/s',
  'profile.bytes': 'B/s',
  'profile.bytesHelp':
    'Bytes count every tensor bound to a kernel in full: an upper bound. FLOP/s are shown for kernels that report their operations.',
  'profile.copyJson': 'Copy as JSON',
} as const satisfies Record<string, Phrase>;
