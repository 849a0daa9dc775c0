import type { Phrase } from '../phrase.ts';

/** The lr range test. */
export const lrSearchTexts = {
  'lrSearch.title': 'Find a learning rate',
  'lrSearch.note': 'a short test of model and data',
  'lrSearch.help':
    'Trains up to 100 steps while the rate grows from nothing to far too much, and looks where the loss falls best. Nothing of it is kept.',
  'lrSearch.start': 'Start the test',
  'lrSearch.again': 'Test again',
  'lrSearch.stop': 'That is enough',
  'lrSearch.running': 'Testing learning rates',
  'lrSearch.chart': 'Loss by learning rate',
  'lrSearch.found': 'The loss falls best around {valley} (the dashed line), and most steeply at {steepest}.',
  'lrSearch.nothing':
    'The loss never fell, so there is nothing to suggest. More data or a larger batch may help.',
  'lrSearch.take': 'Use {lr}',
  'lrSearch.taken': '{lr} is in use',
} as const satisfies Record<string, Phrase>;
