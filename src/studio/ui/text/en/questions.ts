import type { Phrase } from '../phrase.ts';

/** The recipe's questions, its settings as a list, and the notes on them. */
export const questionTexts = {
  'ask.length': 'How long should it train?',
  'ask.length.try': 'A try',
  'ask.length.try.help': 'first look',
  'ask.length.normal': 'Normal',
  'ask.length.normal.help': 'most data',
  'ask.length.thorough': 'Thorough',
  'ask.length.thorough.help': 'longer',
  'ask.goal': 'What should it learn?',
  'ask.goal.style': 'Style',
  'ask.goal.style.help': 'tone, format',
  'ask.goal.task': 'A task',
  'ask.goal.task.help': 'a bit of both',
  'ask.goal.knowledge': 'Knowledge',
  'ask.goal.knowledge.help': 'facts',
  'ask.memory': 'How much GPU memory is there?',
  'ask.memory.little': 'Little',
  'ask.memory.little.help': 'saves most',
  'ask.memory.less': 'Some',
  'ask.memory.less.help': '4-bit model',
  'ask.memory.plenty': 'Plenty',
  'ask.memory.plenty.help': 'full precision',
  'ask.own': 'own settings',
  'ask.change': '{field} from {from} to {to}',
  'ask.would': 'Would change:',
  'ask.stepsByEpochs': 'as epochs say',

  // All settings
  'settings.title': 'All settings',
  'settings.search': 'Search settings',
  'settings.onlyChanged': 'Changed ({n})',
  'settings.about': 'Focus a setting or point at it: here is what it does.',
  'settings.noMatch': 'No setting matches.',
  'settings.noneChanged': 'All settings are at their defaults.',
  'settings.found': { one: '{n} setting', other: '{n} settings' },
  'split.auto': 'Automatic',
  'split.none': 'None',
  'split.fraction': 'A fraction',
  'split.value': 'Fraction of the rows',

  // Notes
  'note.title': 'Worth a look',
  'note.fix': 'Set {changes}',
  'note.change': '{field} to {value}',
  'note.lrZero': 'A learning rate of 0 trains nothing.',
  'note.lrHigh':
    'A learning rate of {lr} is far above the {usual} usual for this model: the loss will likely blow up.',
  'note.lrLow':
    'A learning rate of {lr} is far below the {usual} usual for this model: it will hardly learn anything.',
  'note.rankWide':
    'Rank {rank} is no less than the model’s width of {width}: the adapter is as large as what it adapts.',
  'note.alphaHigh': 'Alpha multiplies the adapter’s output by {scale}: training may be unstable.',
  'note.alphaLow': 'Alpha multiplies the adapter’s output by only {scale}: it will hardly have an effect.',
  'note.manyEpochs':
    '{epochs} passes over {rows} rows: the model will learn them by heart rather than what they have in common.',
  'note.fewSteps': {
    one: 'Only {n} step: too few to learn much.',
    other: 'Only {n} steps: too few to learn much.',
  },
  'note.stepOverRows':
    'A step takes up to {perStep} rows, but there are only {rows}: each epoch is one step.',
  'note.warmupLong':
    'The warmup of {warmup} steps does not end within the run of {steps}: the learning rate is never reached.',
  'note.startRankHigh': 'The start rank of {start} is no lower than the rank of {rank}: nothing grows.',
  'note.lengthOverContext': 'The model’s context is {positions} tokens: rows are truncated there anyway.',
  'note.lengthOverRows':
    'The longest row has {longest} tokens: a max length of {length} is far more than needed.',
  'note.dropoutHigh': 'Dropout drops {percent}% of the adapter’s inputs: it will learn slowly.',
  'note.decayHigh': 'A weight decay of {decay} pulls the weights back faster than they learn.',
  'note.clipLow': 'Gradients are clipped to a norm of {norm}: nearly all of every gradient is lost.',
  'note.guardLow': 'A spike guard of {deviations} skips many ordinary steps.',
  'note.evalNever': 'Evaluations every {every} steps: none falls within the run of {steps}.',

  // Held-out rows
  'held.title': 'Evaluation',
  'held.switch': 'Hold out rows for evaluation',
  'held.split': {
    one: '{n} of {all} rows is held out and not trained on: its loss shows what the model makes of rows it has not seen.',
    other:
      '{n} of {all} rows are held out and not trained on: their loss shows what the model makes of rows it has not seen.',
  },
  'held.few': 'With fewer than {min} rows, none are held out by default: all are needed for training.',
  'held.none': 'No rows are held out: overfitting will go unnoticed.',
  'held.file': {
    one: '{name}: {n} row, used for evaluation only.',
    other: '{name}: {n} rows, used for evaluation only.',
  },
  'held.fileUnused': '{name}: waiting for a model.',
  'held.choose': 'Validation file',
  'held.hint': 'or drop a validation file here',
  'held.remove': 'Remove {name}',
  'held.reading': 'Reading {name}',
  'held.fact': '{n} held out',
} as const satisfies Record<string, Phrase>;
