import type { Phrase } from '../phrase.ts';

/** The lr range test. */
export const lrSearchTexts = {
  'lrSearch.title': 'Find a learning rate',
  'lrSearch.note': 'a short LR range test',
  'lrSearch.help':
    'Trains up to 100 steps while the learning rate rises from tiny to far too high, and compares each loss with that of the same rows before. Nothing is saved.',
  'lrSearch.start': 'Start the test',
  'lrSearch.again': 'Test again',
  'lrSearch.stop': 'Stop',
  'lrSearch.running': 'Testing learning rates',
  'lrSearch.chart': 'Change of the loss by learning rate, in percent',
  'lrSearch.found':
    'Suggested: {lr} (the dashed line), half of {lowest}, where the loss was lowest: {fall} below its start.',
  'lrSearch.nothing':
    'No clear fall: the loss changed no more than it does from batch to batch. More data or a larger batch may help.',
  'lrSearch.take': 'Use {lr}',
  'lrSearch.taken': '{lr} is in use',
} as const satisfies Record<string, Phrase>;
