import type { Phrase } from '../phrase.ts';

/** What any step may say: errors, questions, milestones, units. */
export const commonTexts = {
  // Errors and questions
  'error.unexpected': 'Something went wrong: {message}',
  'error.unexpectedNext': 'Try again. If it happens again, copy the details and report it.',
  'error.dismiss': 'Dismiss',
  'error.dismissName': 'Dismiss: {name}',
  'error.copy': 'Copy details',
  'error.copied': 'Copied',
  'error.boundary': 'The page hit an unexpected error.',
  'error.boundaryNext': 'Reload the page. Please copy the details and report them.',
  'error.reload': 'Reload',
  'error.step': 'This view hit an unexpected error. The other views still work, and training continues.',
  'error.stepNext':
    'Show the view again. If it fails again, copy the details (they contain none of your data) and report them.',
  'error.drawAgain': 'Show again',
  'question.discard': 'Discard the adapter?',
  'question.retrain': 'Train again from the start?',
  'question.text': 'The adapter you trained is not saved yet. If you continue, it is lost.',
  'question.discard.yes': 'Discard and continue',
  'question.retrain.yes': 'Discard and train',
  'question.no': 'Cancel',
  'question.remove': 'Delete {repo}?',
  'question.removeText': 'Frees {size} on this device. To use it again, you have to download it again.',
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
  'say.trainingProgress': '{percent} percent of the training is done. Smoothed loss {loss}.',
  'say.trainingDone': 'Training is done. Smoothed loss {loss}.',
  'say.profileDone': 'The profile of step {step} is ready.',
  'say.trainingFailed': 'Training stopped with an error.',
  'say.answersDone': 'The answers are complete.',
  'say.benchmarkDone': 'The benchmark is done.',
  'say.exportDone': '{name} is ready.',
  'say.pushDone': '{name} is on the Hub.',

  // What a long step is at
  'phase.weights': 'Loading the weights',
  'phase.adapter': 'Preparing the adapter',
  'phase.answering': 'Answering your prompts',
  'phase.firstStep': 'First step',
  'phase.evaluating': 'Evaluating held-out rows',
  'phase.merging': 'Merging',
  'phase.proving': 'Reading back and verifying',
  'phase.ceilings': 'Peak performance',

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
  'unit.name.weights': 'weights',
} as const satisfies Record<string, Phrase>;
