import type { Phrase } from '../phrase.ts';

/** What a training came to. */
export const verdictTexts = {
  'verdict.by.evaluation': 'Measured on held-out rows, before and after training.',
  'verdict.by.training': 'Means of the first and the last tenth of the steps, since no rows were held out.',
  'verdict.by.steps': 'Losses of the first and the last step: too few steps to say more.',
  'verdict.same': 'That is no change.',
  'verdict.worse': 'It got worse.',
  'verdict.overfit': 'The loss on held-out rows was lowest at step {step} ({loss}) and has risen since.',
  'verdict.repetition': 'The answer to “{prompt}” repeats itself.',
  'verdict.next.tryIt': 'Next: compare answers with and without the adapter.',
  'verdict.next.lowerRate': 'Next: train again with a lower learning rate.',
  'verdict.next.raiseRate': 'Next: train longer, or with a higher learning rate.',
  'verdict.next.fewerSteps': 'Next: train for fewer steps, or turn on “Load best at end”.',
  'verdict.next.moreRows': 'Next: lower the learning rate, or add more varied rows.',
} as const satisfies Record<string, Phrase>;
