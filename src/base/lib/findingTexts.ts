/** The findings of the data check in English: what, why it matters and what to do, and a tag. `n` is the number of rows. */
export const findingTexts = {
  'lint.duplicate': { one: '{n} row repeats an earlier one', other: '{n} rows repeat earlier ones' },
  'lint.duplicate.why': 'Identical to an earlier row, so it weighs more in training and is easily memorized.',
  'lint.duplicate.tag': 'duplicate',
  'lint.nearDuplicate': {
    one: '{n} row nearly repeats an earlier one',
    other: '{n} rows nearly repeat earlier ones',
  },
  'lint.nearDuplicate.why': 'Identical except for case, punctuation and whitespace.',
  'lint.nearDuplicate.tag': 'near duplicate',
  'lint.emptyAnswer': { one: '{n} row has an empty answer', other: '{n} rows have empty answers' },
  'lint.emptyAnswer.why': 'The model learns to say nothing.',
  'lint.emptyAnswer.tag': 'empty answer',
  'lint.leak': {
    one: '{n} evaluation row has a prompt that is also trained on',
    other: '{n} evaluation rows have prompts that are also trained on',
  },
  'lint.leak.why':
    'Memorizing lowers their loss, so the model looks better than it is. Excluding them leaves the training rows unchanged.',
  'lint.leak.tag': 'leak',
  'lint.inValidation': {
    one: '{n} row has a prompt that is also in the validation file',
    other: '{n} rows have prompts that are also in the validation file',
  },
  'lint.inValidation.why':
    'Memorizing them lowers the evaluation loss, so the model looks better than it is. Excluding them here leaves the validation file unchanged.',
  'lint.inValidation.tag': 'in validation file',
  'lint.endUntrained': {
    one: '{n} row does not train an end token',
    other: '{n} rows do not train an end token',
  },
  'lint.endUntrained.why':
    'A model that never learns {end} after its answer does not stop. Include the end token in the labels, or use messages, where it is added automatically.',
  'lint.endUntrained.tag': 'end not trained',
  'lint.endsDiffer': 'EOS and the chat template’s end-of-turn token differ',
  'lint.endsDiffer.why':
    'The tokenizer’s EOS is {eos}, but the template ends turns with {end}, which is trained. Sampling here stops at either, and the exported generation_config.json lists both.',
  'lint.endsDiffer.tag': 'ends differ',
  'lint.endIsText': 'The chat template ends turns with text instead of a special token',
  'lint.endIsText.why':
    'Generation stops only at {eos}, which is trained after the last answer of a row, so answers will end with “{text}”. Use a template that ends turns with a special token.',
  'lint.endIsText.tag': 'end is text',
  'lint.padIsEos': {
    one: '{n} row masks its end token as padding',
    other: '{n} rows mask their end tokens as padding',
  },
  'lint.padIsEos.why':
    'This tokenizer pads with {end}, and the labels mask every {end}, so the model never learns to stop. Label the first {end} after each answer, or use messages.',
  'lint.padIsEos.tag': 'pad = eos',
  'lint.answerCut': { one: '{n} answer is truncated', other: '{n} answers are truncated' },
  'lint.answerCut.why':
    'They lose everything beyond {max} tokens, so the model learns to break off. Raise “Max length”, or shorten or exclude these rows.',
  'lint.answerCut.tag': 'truncated',
  'lint.roleOrder': {
    one: '{n} conversation has turns out of order',
    other: '{n} conversations have turns out of order',
  },
  'lint.roleOrder.why':
    'User and assistant should alternate, with at most one system message, at the start. In use, the model never sees another order.',
  'lint.roleOrder.tag': 'turns out of order',
  'lint.replacementCharacter': {
    one: '{n} row contains replacement characters (�)',
    other: '{n} rows contain replacement characters (�)',
  },
  'lint.replacementCharacter.why':
    'Text was lost when the file was created and can’t be recovered from it. Create it again from its source as UTF-8.',
  'lint.replacementCharacter.tag': 'lost characters',
  'lint.mojibake': {
    one: '{n} row looks like text in the wrong encoding (Ã©, â€™)',
    other: '{n} rows look like text in the wrong encoding (Ã©, â€™)',
  },
  'lint.mojibake.why':
    'UTF-8 was decoded as another encoding when the file was created, and the model would learn to write like that. Create the file again as UTF-8, or edit the rows.',
  'lint.mojibake.tag': 'wrong encoding',
  'lint.controlCharacter': {
    one: '{n} row contains control characters',
    other: '{n} rows contain control characters',
  },
  'lint.controlCharacter.why': 'Invisible and rarely intended: often left over from a terminal or a PDF.',
  'lint.controlCharacter.tag': 'control characters',
  'lint.endsWithPrompt': {
    one: '{n} conversation ends with the user’s turn',
    other: '{n} conversations end with the user’s turn',
  },
  'lint.endsWithPrompt.why':
    'Nothing after the last answer is trained, so the last question teaches nothing. Add its answer, or remove it.',
  'lint.endsWithPrompt.tag': 'ends with a question',
  'lint.secret': {
    one: '{n} row contains a key, token or password',
    other: '{n} rows contain keys, tokens or passwords',
  },
  'lint.secret.why':
    'A model can repeat what it was trained on, word for word: {examples}. Remove them, and revoke those that were real.',
  'lint.secret.tag': 'secret',
  'lint.personal': {
    one: '{n} row contains personal data',
    other: '{n} rows contain personal data',
  },
  'lint.personal.why':
    'E-mail addresses, card or account numbers that a model may repeat: {examples}. Replace them unless they are meant to be learned.',
  'lint.personal.tag': 'personal data',
  'lint.equalPair': {
    one: '{n} pair has the same answer twice',
    other: '{n} pairs have the same answer twice',
  },
  'lint.equalPair.why': 'Neither answer is better, so there is nothing to learn from them.',
  'lint.equalPair.tag': 'equal answers',
  'lint.lengthBias': {
    one: 'In {n} pair the better answer is the longer one',
    other: 'In {n} pairs the better answer is the longer one',
  },
  'lint.lengthBias.why':
    'That is {percent}% of all pairs, so the model may learn to write more instead of better. Add pairs whose better answer is the shorter one, or use simpo or ipo, which go by the token.',
  'lint.lengthBias.tag': 'longer',
  'lint.contradiction': {
    one: '{n} row answers a prompt differently from another row',
    other: '{n} rows answer the same prompts differently',
  },
  'lint.contradiction.why':
    'Fine where many answers are right, such as stories; where one is right, the model learns neither. Exclude the wrong ones.',
  'lint.contradiction.tag': 'another answer',
  'lint.shortAnswer': {
    one: '{n} answer is far shorter than the rest',
    other: '{n} answers are far shorter than the rest',
  },
  'lint.shortAnswer.why': 'The median has {median} characters. They may be cut off, or placeholders.',
  'lint.shortAnswer.tag': 'very short answer',
  'lint.longAnswer': {
    one: '{n} answer is far longer than the rest',
    other: '{n} answers are far longer than the rest',
  },
  'lint.longAnswer.why': 'The median has {median} characters. Several rows may have been joined into one.',
  'lint.longAnswer.tag': 'very long answer',
  'lint.otherLanguage': {
    one: '{n} row is in another language than the rest ({language})',
    other: '{n} rows are in another language than the rest ({language})',
  },
  'lint.otherLanguage.why': 'A few rows in another language may be intended, or included by mistake.',
  'lint.otherLanguage.tag': 'other language',
  'lint.otherScript': {
    one: '{n} row is in another script than the rest ({script})',
    other: '{n} rows are in another script than the rest ({script})',
  },
  'lint.otherScript.why': 'A few rows in another language may be intended, or included by mistake.',
  'lint.otherScript.tag': 'other script',
  'lint.outlier': {
    one: '{n} row is far longer than the rest',
    other: '{n} rows are far longer than the rest',
  },
  'lint.outlier.why':
    'Over {limit} tokens, where the median is {median}: they determine the GPU memory of the whole run. Lower “Max length”, or exclude them.',
  'lint.outlier.tag': 'very long',
  'lint.preference': {
    one: '{n} row is preference data, trained on its better answer only',
    other: '{n} rows are preference data, trained on their better answers only',
  },
  'lint.preference.why':
    'They say which answers are good and which are bad. Preference training is not supported yet, so the bad ones are skipped.',
  'lint.preference.tag': 'preference data',
  'lint.turnsSkipped': {
    one: '{n} row has earlier answers that are not trained ({turns} answers)',
    other: '{n} rows have earlier answers that are not trained ({turns} answers)',
  },
  'lint.turnsSkipped.why':
    'Inside a conversation, the chat template writes these answers differently from how the model generates them. Turn on “One row per turn” (split_turns) to train every answer as generated.',
  'lint.turnsSkipped.tag': 'answers not trained',
  'lint.thoughtsDropped': {
    one: '{n} row loses earlier reasoning ({tokens} tokens)',
    other: '{n} rows lose earlier reasoning ({tokens} tokens)',
  },
  'lint.thoughtsDropped.why':
    'The chat template drops the reasoning of earlier turns, in training as in use. Turn on “One row per turn” (split_turns) to train all reasoning once.',
  'lint.thoughtsDropped.tag': 'reasoning dropped',
  'lint.literalTokens': {
    one: '{n} row has special tokens in its text',
    other: '{n} rows have special tokens in their text',
  },
  'lint.literalTokens.why':
    'Text such as <|im_end|> in a message is encoded as the special token itself and may end the turn there. Set “Special tokens in messages” (special_tokens_in_text) to “text” to encode it as plain text.',
  'lint.literalTokens.tag': 'special tokens in text',
  'lint.messageRewritten': {
    one: '{n} row has a message that the chat template rewrites or drops',
    other: '{n} rows have messages that the chat template rewrites or drops',
  },
  'lint.messageRewritten.why':
    'Some templates have no system message, or change what a message says. Check these rows as the model sees them.',
  'lint.messageRewritten.tag': 'message rewritten',
  'lint.alreadyRendered': {
    one: '{n} prompt is already rendered',
    other: '{n} prompts are already rendered',
  },
  'lint.alreadyRendered.why':
    'It ends like a prompt that the chat template has rendered, so it is passed to the model as it is, without applying the template again.',
  'lint.alreadyRendered.tag': 'already rendered',
} as const;
