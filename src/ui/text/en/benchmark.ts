import type { Phrase } from '../phrase.ts';

/** Benchmark this device. */
export const benchmarkTexts = {
  'benchmark.open': 'Benchmark this device',
  'benchmark.lead':
    'Measures what {adapter} does at best, and how near to it each kernel of a training step comes. Nothing leaves this machine.',
  'benchmark.extent': 'How much',
  'benchmark.extent.full': 'All kernels',
  'benchmark.extent.quick': 'Quick',
  'benchmark.extentHelp.full': 'About a minute on a GPU; some minutes where the processor stands in for one.',
  'benchmark.extentHelp.quick': 'A few kernels at small shapes: seconds on a GPU.',
  'benchmark.start': 'Start',
  'benchmark.again': 'Measure again',
  'benchmark.stop': 'Stop',
  'benchmark.stopping': 'Stopping…',
  'benchmark.close': 'Close',
  'benchmark.running': 'Measuring',
  'benchmark.calm': 'Leave the computer alone meanwhile: whatever else it does makes figures worse.',
  'benchmark.whileTraining':
    'Not while training: each would slow the other down, and the figures would be wrong.',
  'benchmark.whileBusy': 'The engine is busy with another step. Wait for its end.',
  'benchmark.ceilings': 'What the device does at best',
  'benchmark.multiplyAdd': 'Multiply-adds',
  'benchmark.copy': 'Copy in a kernel',
  'benchmark.bufferCopy': 'Copy by command',
  'benchmark.submit': 'An empty submit',
  'benchmark.steps': 'Training steps',
  'benchmark.step': '{method}, rank {rank}, {layers} layers of width {hidden}, {tokens} tokens',
  'benchmark.method.lora': 'LoRA',
  'benchmark.method.qlora': 'QLoRA',
  'benchmark.method.full': 'Full',
  'benchmark.tokensPerSecond': 'Tokens a second',
  'benchmark.stepTime': 'A step',
  'benchmark.dispatches': 'Dispatches',
  'benchmark.peak': 'GPU memory at the peak',
  'benchmark.firstStep': 'To the first step',
  'benchmark.kernels': 'Kernels',
  'benchmark.kernelsAt': 'at the shapes of {name}, {tokens} tokens',
  'benchmark.kernel': 'Kernel',
  'benchmark.time': 'Time',
  'benchmark.speed': 'Speed',
  'benchmark.share': 'Of the ceiling',
  'benchmark.shareHelp':
    'The ceiling of a kernel is that of multiply-adds (green) or that of copies, whichever it meets first. Data that stays in caches can pass that of copies.',
  'benchmark.layoutHelp':
    'A product is rows × columns × depth: NT goes forwards (X · Wᵀ), NN backwards (dY · W), TN makes gradients of weights (dYᵀ · X).',
  'benchmark.copyJson': 'Copy as JSON',
} as const satisfies Record<string, Phrase>;
