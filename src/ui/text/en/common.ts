import type { Phrase } from '../phrase.ts';

/** What any step may say: errors, questions, milestones, units. */
export const commonTexts = {
  // Errors and questions
  'error.unexpected': 'Something unexpected happened: {message}',
  'error.unexpectedNext': 'Try again. If it comes back, copy the details and report it.',
  'error.dismiss': 'Dismiss',
  'error.copy': 'Copy details',
  'error.copied': 'Copied',
  'error.boundary': 'The page ran into an error it could not handle.',
  'error.boundaryNext': 'Reload the page. Please copy the details and report them.',
  'error.reload': 'Reload',
  'error.step':
    'This step ran into an error it could not handle. The others still work, and a training goes on.',
  'error.stepNext':
    'Show the step again. If it fails once more, copy the details, which hold nothing of yours, and report them.',
  'error.drawAgain': 'Show it again',
  'question.discard': 'Discard the adapter?',
  'question.retrain': 'Train again from the start?',
  'question.text': 'The adapter you trained is not saved yet. Going on loses it.',
  'question.discard.yes': 'Discard and go on',
  'question.retrain.yes': 'Discard and train',
  'question.no': 'Keep it',
  'question.remove': 'Delete {repo}?',
  'question.removeText': '{size} on this device become free. To use it again, it must be downloaded again.',
  'question.remove.yes': 'Delete',

  // The rest of a long help
  'help.more': 'More',
  'help.less': 'Less',
  'help.moreAbout': 'More about {label}',
  'help.lessAbout': 'Less about {label}',

  // Announced to screen readers
  'say.modelReady': 'Model {name} is open.',
  'say.modelsFound': { one: '{n} model found.', other: '{n} models found.' },
  'say.downloadDone': '{name} is downloaded.',
  'say.dataReady': { one: '{n} row is ready.', other: '{n} rows are ready.' },
  'say.trainingStarted': {
    one: 'Training has started: {n} step.',
    other: 'Training has started: {n} steps.',
  },
  'say.trainingProgress': '{percent} percent of the training is done. Loss {loss}.',
  'say.trainingDone': 'Training is done. Final loss {loss}.',
  'say.profileDone': 'The profile of step {step} is there.',
  'say.trainingFailed': 'Training stopped with an error.',
  'say.answersDone': 'The answers are complete.',
  'say.benchmarkDone': 'The benchmark is done.',
  'say.exportDone': '{name} is ready.',
  'say.pushDone': '{name} is on the Hub.',

  // What a long step is at
  'phase.weights': 'Loading the weights',
  'phase.adapter': 'Preparing the adapter',
  'phase.firstStep': 'First step',
  'phase.merging': 'Merging',
  'phase.proving': 'Reading back and proving',
  'phase.ceilings': 'What the device does at best',

  // Units
  'unit.comma': ', ',
  'unit.sentences': '{first} {second}',
  'unit.seconds': '{s} s',
  'unit.minutes': '{min} min {s} s',
  'unit.hours': '{h} h {min} min',
  'unit.bytes': '{done} of {total}',
  'unit.counted': '{done} of {total} {unit}',
  'unit.name.rows': 'rows',
  'unit.name.steps': 'steps',
  'unit.name.tensors': 'tensors',
  'unit.name.tokens': 'tokens',
  'unit.name.measurements': 'measurements',
} as const satisfies Record<string, Phrase>;
