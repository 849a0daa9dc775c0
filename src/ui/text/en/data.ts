import type { Phrase } from '../phrase.ts';

/** Step 2: the data. */
export const dataTexts = {
  // Data
  'data.drop': 'Drop a data file here',
  'data.dropHint': 'JSONL, JSON, Parquet or plain text. The format is found out by itself.',
  'data.chooseFile': 'Choose data file',
  'data.sample': 'Use the sample',
  'data.sampleHint': 'Robot stories: 240 short rows about a robot called Zip.',
  'data.reading': 'Reading {name}',
  'data.tokenizing': 'Turning rows into tokens',
  'data.format': 'Format',
  'data.rows': 'Rows',
  'data.evalRows': 'Kept for evaluation',
  'data.tokensTotal': 'Tokens',
  'data.trained': 'Trained',
  'data.trainedShare': '{share} of all',
  'data.longest': 'Longest row',
  'data.cut': 'Cut at {max}',
  'data.cutNone': 'none',
  'data.cutRows': { one: '{n} row', other: '{n} rows' },
  'data.cutNote': {
    one: '{n} row is longer than {max} tokens and loses its end ({tokens} tokens in all). Raise “Max length” to keep it.',
    other:
      '{n} rows are longer than {max} tokens and lose their ends ({tokens} tokens in all). Raise “Max length” to keep them.',
  },
  'data.cutNoteContext': {
    one: '{n} row is longer than the model’s context of {max} tokens and loses its end ({tokens} tokens in all).',
    other:
      '{n} rows are longer than the model’s context of {max} tokens and lose their ends ({tokens} tokens in all).',
  },
  'data.waitsForModel': 'Choose a model to see these rows as it will read them.',
  'data.problems': {
    one: '{n} row can’t be used and is left out',
    other: '{n} rows can’t be used and are left out',
  },
  'data.problemsMore': { one: 'and {n} more', other: 'and {n} more' },
  'data.preview': 'As the model reads it',
  'data.previewFacts': 'line {line} of the file · {tokens} tokens',
  'data.previous': 'Previous row',
  'data.next': 'Next row',
  'data.goTo': 'Row number',
  'data.mark': 'Mark trained tokens',
  'data.legendTrained': 'trained',
  'data.legendMasked': 'context, not trained',
  'data.trainedStart': 'trained: ',
  'data.trainedEnd': ' end of trained. ',
  'data.histogram': 'Tokens in a row',
  'data.histogramSummary': 'Rows by length in tokens: {rows} rows, the longest has {longest} tokens.',
  'data.histogramBar': '{from}–{to} tokens: {n}',

  // Formats of data
  'format.messages': 'Conversations (messages)',
  'format.sharegpt': 'Conversations (ShareGPT)',
  'format.alpaca': 'Instructions (Alpaca)',
  'format.prompt_completion': 'Prompt and completion',
  'format.qwen': 'Conversations (Qwen)',
  'format.text': 'Plain text',
  'format.tokenized': 'Pre-tokenized (input_ids, labels)',
} as const satisfies Record<string, Phrase>;
