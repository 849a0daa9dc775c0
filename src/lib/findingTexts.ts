/** What the linter finds in data, in English: what, why it matters and what to do, and a tag. `n` is the number of rows. */
export const findingTexts = {
  'lint.duplicate': { one: '{n} row repeats an earlier one', other: '{n} rows repeat earlier ones' },
  'lint.duplicate.why':
    'Word for word the same as an earlier row: it is learned more often than the others, and by heart.',
  'lint.duplicate.tag': 'duplicate',
  'lint.nearDuplicate': {
    one: '{n} row differs from an earlier one in looks only',
    other: '{n} rows differ from earlier ones in looks only',
  },
  'lint.nearDuplicate.why': 'The same but for case, punctuation and white space.',
  'lint.nearDuplicate.tag': 'near duplicate',
  'lint.emptyAnswer': { one: '{n} row has an empty answer', other: '{n} rows have empty answers' },
  'lint.emptyAnswer.why': 'The model learns to say nothing.',
  'lint.emptyAnswer.tag': 'empty answer',
  'lint.leak': {
    one: '{n} row for evaluation has a prompt that is trained on',
    other: '{n} rows for evaluation have prompts that are trained on',
  },
  'lint.leak.why':
    'Their loss falls by learning by heart, so the evaluation looks better than the model is. Excluding them leaves the training rows as they are.',
  'lint.leak.tag': 'leak',
  'lint.endUntrained': {
    one: '{n} row does not train an end token',
    other: '{n} rows do not train an end token',
  },
  'lint.endUntrained.why':
    'A model that never learns {end} after its answer does not stop. Let the labels hold the end token, or give rows as messages: their ends are added.',
  'lint.endUntrained.tag': 'end not trained',
  'lint.endsDiffer': 'EOS and the chat template end turns with different tokens',
  'lint.endsDiffer.why':
    'The tokenizer’s EOS is {eos}, but the template ends turns with {end}, which is trained. Answers here stop at either, and the generation_config.json of what you export names both.',
  'lint.endsDiffer.tag': 'ends differ',
  'lint.endIsText': 'The chat template ends turns with text, not with a token of its own',
  'lint.endIsText.why':
    'Answers stop at {eos} only, which is trained behind the last answer of a row: “{text}” will stand at the end of answers. Use a template that ends turns with a special token.',
  'lint.endIsText.tag': 'end is text',
  'lint.padIsEos': {
    one: '{n} row masks its end token as if it were padding',
    other: '{n} rows mask their end tokens as if they were padding',
  },
  'lint.padIsEos.why':
    'This tokenizer pads with {end}, and whoever made the labels masked all of them: the model never stops. Label the first {end} after each answer, or give rows as messages.',
  'lint.padIsEos.tag': 'pad = eos',
  'lint.answerCut': { one: '{n} answer is cut off', other: '{n} answers are cut off' },
  'lint.answerCut.why':
    'They lose their end beyond {max} tokens, so the model learns to break off. Raise “Max length”, or shorten or exclude these rows.',
  'lint.answerCut.tag': 'answer cut',
  'lint.roleOrder': {
    one: '{n} conversation has turns out of order',
    other: '{n} conversations have turns out of order',
  },
  'lint.roleOrder.why':
    'User and assistant should take turns, with at most one system message, first. The model never meets another order when it is used.',
  'lint.roleOrder.tag': 'turns out of order',
  'lint.replacementCharacter': {
    one: '{n} row holds replacement characters (�)',
    other: '{n} rows hold replacement characters (�)',
  },
  'lint.replacementCharacter.why':
    'Text was lost when the file was made: the characters can’t be recovered from it. Make it again from its source as UTF-8.',
  'lint.replacementCharacter.tag': 'lost characters',
  'lint.mojibake': {
    one: '{n} row looks like text in the wrong encoding (Ã©, â€™)',
    other: '{n} rows look like text in the wrong encoding (Ã©, â€™)',
  },
  'lint.mojibake.why':
    'UTF-8 was read as another encoding when the file was made, and the model would learn to write so. Make the file again as UTF-8, or edit the rows.',
  'lint.mojibake.tag': 'wrong encoding',
  'lint.controlCharacter': {
    one: '{n} row holds control characters',
    other: '{n} rows hold control characters',
  },
  'lint.controlCharacter.why': 'Invisible and rarely meant: often left over from a terminal or a PDF.',
  'lint.controlCharacter.tag': 'control characters',
  'lint.otherScript': {
    one: '{n} row is not in the script of the others ({script})',
    other: '{n} rows are not in the script of the others ({script})',
  },
  'lint.otherScript.why': 'A few rows in another language may be meant, or slipped in.',
  'lint.otherScript.tag': 'other script',
  'lint.outlier': {
    one: '{n} row is far longer than the others',
    other: '{n} rows are far longer than the others',
  },
  'lint.outlier.why':
    'Over {limit} tokens, where the usual row has {median}: they set the memory that the whole run takes. Lower “Max length” or exclude them.',
  'lint.outlier.tag': 'very long',
  'lint.preference': {
    one: '{n} row is preference data, trained on its better answer only',
    other: '{n} rows are preference data, trained on their better answers only',
  },
  'lint.preference.why':
    'They say which answers are good and which are bad. Preference training is not supported yet, so the bad ones are left out.',
  'lint.preference.tag': 'preference data',
  'lint.turnsSkipped': {
    one: '{n} row has earlier answers that are not trained ({turns} answers)',
    other: '{n} rows have earlier answers that are not trained ({turns} answers)',
  },
  'lint.turnsSkipped.why':
    'The chat template writes these answers differently inside a conversation than when the model gives them. Set “One row per turn” (split_turns) to train every answer as the model gives it.',
  'lint.turnsSkipped.tag': 'answers not trained',
  'lint.thoughtsDropped': {
    one: '{n} row loses earlier thoughts ({tokens} tokens)',
    other: '{n} rows lose earlier thoughts ({tokens} tokens)',
  },
  'lint.thoughtsDropped.why':
    'The chat template drops the thoughts of earlier turns, as it does when the model is used. Set “One row per turn” (split_turns) to train every thought once.',
  'lint.thoughtsDropped.tag': 'thoughts left out',
  'lint.literalTokens': {
    one: '{n} row has special tokens in its text',
    other: '{n} rows have special tokens in their text',
  },
  'lint.literalTokens.why':
    'Text such as <|im_end|> in a message becomes the special token itself and may end the turn there. Set “Special tokens in messages” (special_tokens_in_text) to “text” to encode it as plain text.',
  'lint.literalTokens.tag': 'special tokens in text',
  'lint.messageRewritten': {
    one: '{n} row has a message that the chat template rewrites or leaves out',
    other: '{n} rows have messages that the chat template rewrites or leaves out',
  },
  'lint.messageRewritten.why':
    'Some templates have no system message, or change what a message says. Look at these rows as the model sees them.',
  'lint.messageRewritten.tag': 'message rewritten',
  'lint.alreadyRendered': {
    one: '{n} prompt is a rendered conversation already',
    other: '{n} prompts are rendered conversations already',
  },
  'lint.alreadyRendered.why':
    'It ends as the chat template ends a prompt, so it goes to the model as it is instead of through the template once more.',
  'lint.alreadyRendered.tag': 'already rendered',
} as const;
