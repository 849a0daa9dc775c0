import type { ErrorText } from './types.ts';

export const dataErrors = {
  'data.empty_file': {
    what: '{file} is empty.',
    next: 'Choose a file with at least one row.',
  },
  'data.not_text': {
    what: '{file} is {kind}, not text.',
    next: 'Unpack it if it is compressed, or save the data as JSONL (one JSON object a line, UTF-8), and choose that file.',
  },
  'data.parquet_invalid': {
    what: '{file} cannot be read as Parquet: {detail}.',
    next: 'Check that the file was saved or downloaded completely.',
  },
  'data.csv_cells': {
    what: 'Line {line} of {file} has {found} cells; the table has {expected} columns.',
    next: 'Put cells that hold the delimiter or a line break in double quotes.',
  },
  'data.csv_unclosed': {
    what: 'The quoted cell that line {line} of {file} opens is never closed.',
    next: 'Close the quote, and write a quote inside a cell twice ("").',
  },
  'data.bad_utf8': {
    what: 'Line {line} of {file} is not valid UTF-8 (first bad byte at offset {offset}){hint}.',
    next: 'Save the file as UTF-8.',
  },
  'data.line_too_long': {
    what: 'Line {line} of {file} is longer than {limit} MiB.',
    next: 'Split the row, or check that rows are separated by line breaks.',
  },
  'data.too_deep': {
    what: 'Line {line} of {file} nests deeper than {limit} levels.',
    next: 'Flatten the row: training data needs only a few levels.',
  },
  'data.invalid_json': {
    what: 'Line {line} of {file} is not valid JSON: {detail}.',
    next: 'Correct the line: each row is one JSON object.',
  },
  'data.array_unclosed': {
    what: 'The JSON array of {file} is not closed: the file ends at line {line} inside it, in or after the row that begins on line {from}.',
    next: 'Check that the file was saved or downloaded completely.',
  },
  'data.after_array': {
    what: 'Line {line} of {file} has text after the end of the JSON array.',
    next: 'Keep all rows inside one array, or use JSONL.',
  },
  'data.row_not_object': {
    what: 'Line {line} of {file} is {found}, not a JSON object.',
    next: 'Write each row as an object such as {"prompt": "…", "completion": "…"} or {"messages": […]}.',
  },
  'data.no_valid_rows': {
    what: 'No row of {file} can be used (problems: {count}). The first: {first}',
    next: 'Correct the file and try again.',
  },
  'data.unknown_format': {
    what: 'The rows of {file} have none of the known shapes (fields of line {line}: {fields}).',
    next: 'Use messages, conversations, instruction/output, prompt/completion, text, or input_ids.',
  },
  'data.missing_field': {
    what: 'Line {line} of {file} has no field "{field}".',
    next: 'Add the field, or choose another data format.',
  },
  'data.bad_field': {
    what: 'Line {line} of {file}: field "{field}" is {found}, expected {expected}.',
    next: 'Correct the field.',
  },
  'data.unknown_role': {
    what: 'Line {line} of {file}: "{role}" in "{field}" is not a known role.',
    next: 'Use system, user (human), assistant (gpt) or tool.',
  },
  'data.unsupported_field': {
    what: 'Line {line} of {file}: field "{field}" cannot be used: {detail}.',
    next: 'Remove the field, or write its content as text.',
  },
  'data.field_not_json': {
    what: 'Line {line} of {file}: field "{field}" holds text that is not valid JSON.',
    next: 'Correct its JSON: double quotes, and true, false and null in lower case.',
  },
  'data.two_systems': {
    what: 'Line {line} of {file}: field "{field}" and the conversation have different system messages.',
    next: 'Keep one of them.',
  },
  'data.media': {
    what: 'Line {line} of {file}: "{field}" refers to an image, audio or video ({found}), but Graft trains text models only.',
    next: 'Remove the row, or remove the media and the text about it.',
  },
  'data.no_place': {
    what: 'Line {line} of {file}: the model’s chat template ignores "{field}", so it would be lost.',
    next: 'Choose a model whose template supports it, or write it into a message as text.',
  },
  'data.no_template': {
    what: 'Line {line} of {file}: "{field}" needs a chat template, and the model has none.',
    next: 'Choose a model with a chat template, or write it into a message as text.',
  },
  'data.thought_dropped': {
    what: 'Line {line} of {file}: the model’s chat template drops the thought before the last answer, which would be trained without it.',
    next: 'Remove the thought, or choose a model whose template keeps it.',
  },
  'data.weight_not_found': {
    what: 'Line {line} of {file}: message {message} has a weight, but the chat template rewrites the message, so it cannot be located.',
    next: 'Remove the weight, or split the conversation into rows with one answer each.',
  },
  'data.literal_not_found': {
    what: 'Line {line} of {file}: a message contains the special token {token}, but the chat template rewrites the message, so the token cannot be encoded as text.',
    next: 'Remove the token from the message, or set special_tokens_in_text to "special".',
  },
  'data.preference_pair': {
    what: 'Line {line} of {file} is preference data: a better and a worse answer ({fields}). Preference training is not supported yet.',
    next: 'To train on the better answers only, set preference_data to "chosen".',
  },
  'data.preference_label': {
    what: 'Line {line} of {file} is preference data: "{field}" marks its answer as good or bad. Preference training is not supported yet.',
    next: 'To train on the good answers only, set preference_data to "chosen".',
  },
  'data.only_preferences': {
    what: '{file} is preference data (rows: {count}): it says which answers are better or worse. Preference training is not supported yet.',
    next: 'To train on the better answers only, set preference_data to "chosen".',
  },
  'data.bad_answer': {
    what: 'Line {line} of {file}: "{field}" marks the answer as bad, so it is not trained on.',
    next: 'Nothing to do: only answers marked as good are trained on.',
  },
  'data.lone_surrogate': {
    what: 'Line {line} of {file}: field "{field}" holds half of a UTF-16 pair, which is not a character.',
    next: 'Correct the \\u escape in the field.',
  },
  'data.edit_not_object': {
    what: 'What was written is {found}, not a JSON object.',
    next: 'Write the row as an object such as {"prompt": "…", "completion": "…"}.',
  },
  'data.edit_not_json': {
    what: 'What was written is not valid JSON: {detail}.',
    next: 'Correct it, or take the edit back.',
  },
  'data.empty_row': {
    what: 'Line {line} of {file} has no tokens.',
    next: 'Remove the row or give it text.',
  },
  'data.no_trained_tokens': {
    what: 'Line {line} of {file} has no token to train on: {detail}.',
    next: 'Give the row an answer, or choose another label mask.',
  },
  'data.cut_away': {
    what: 'Line {line} of {file}: all tokens to train on lie beyond the maximum length of {maxLength} tokens (the row has {length}).',
    next: 'Raise the maximum length or shorten the prompt.',
  },
  'data.all_masked': {
    what: 'No row of {file} has a token to train on (rows: {count}). The first: {first}',
    next: 'Check the data format, the label mask and the maximum length.',
  },
  'data.bad_ids': {
    what: 'Line {line} of {file}: "{field}"[{index}] is {found}, expected {expected}.',
    next: 'Correct the tokenized row.',
  },
  'data.ids_and_labels_differ': {
    what: 'Line {line} of {file}: "input_ids" has {ids} entries and "labels" {labels}.',
    next: 'Give every token one label (−100 for tokens that are not trained).',
  },
  'data.padding_inside': {
    what: 'Line {line} of {file}: "attention_mask" hides tokens that are not at the end.',
    next: 'Remove padding from tokenized rows; Graft needs none.',
  },
  'data.no_tokenizer': {
    what: 'The model folder has no tokenizer (tokenizer.json or qwen.tiktoken), and {file} holds text.',
    next: 'Add the tokenizer files to the model folder, or use rows with "input_ids" and "labels".',
  },
  'data.tokenizer_invalid': {
    what: '{file} of the model cannot be used: {detail}.',
    next: 'Download the model’s tokenizer files again.',
  },
  'data.tokenizer_unsupported': {
    what: '{file} of the model has what Graft’s tokenizer does not: {detail}.',
    next: 'Choose a model with another tokenizer, or tokenize the rows elsewhere ("input_ids").',
  },
  'data.token_beyond_model': {
    what: 'Line {line} of {file} holds {token}, token {id} of the tokenizer; the model has {vocabSize} tokens.',
    next: 'Take the token out of the row, or use the tokenizer files that belong to this model.',
  },
  'data.tiktoken_line': {
    what: 'Line {line} of {file} cannot be used: {detail}.',
    next: 'Download the model’s tokenizer files again.',
  },
  'data.tokenizer_mismatch': {
    what: 'The tokenizer does not fit the model: it knows token {maxId} ({token}), the model has {vocabSize} tokens.',
    next: 'Use the tokenizer files that belong to this model.',
  },
  'data.template_invalid': {
    what: 'The model’s chat template cannot be used: {detail}.',
    next: 'Check chat_template in tokenizer_config.json (or chat_template.jinja).',
  },
  'data.template_hangs': {
    what: 'The model’s chat template made no progress for {seconds} seconds, so it was ended.',
    next: 'Check chat_template in tokenizer_config.json (or chat_template.jinja), or take the model from a source you trust.',
  },
  'data.template_hangs_on_line': {
    what: 'The model’s chat template made no progress for {seconds} seconds on line {line} of {data}, so it was ended.',
    next: 'Check chat_template in tokenizer_config.json (or chat_template.jinja), or take the model from a source you trust.',
  },
  'data.pattern_hangs': {
    what: 'The tokenizer made no progress for {seconds} seconds, so it was ended. Its pre-tokenizer in {file} cuts text by {patterns}.',
    next: 'Try a shorter text, or take the model from a source you trust.',
  },
  'data.pattern_hangs_on_line': {
    what: 'The tokenizer made no progress for {seconds} seconds on line {line} of {data}, so it was ended. Its pre-tokenizer in {file} cuts text by {patterns}.',
    next: 'Leave that row out, or take the model from a source you trust.',
  },
  'data.template_refused': {
    what: 'The model’s chat template refused the conversation: {detail}.',
    next: 'Change the roles or their order to what the model expects.',
  },
  'data.row_refused': {
    what: 'Line {line} of {file}: the model’s chat template refused the conversation ({detail}).',
    next: 'Change the roles or their order to what the model expects.',
  },
  'data.answer_not_found': {
    what: 'Line {line} of {file}: the chat template rewrites the conversation so that the assistant’s answer cannot be located.',
    next: 'Set split_turns for one row per turn, or choose the label mask "all".',
  },
  'data.no_chatml': {
    what: 'The label mask "chatml" is for models that speak ChatML, and this one has no {missing}.',
    next: 'Choose the label mask "assistant".',
  },
  'data.not_chatml': {
    what: 'Line {line} of {file}: the model’s chat template does not write the conversation as turns in ChatML.',
    next: 'Choose the label mask "assistant".',
  },
  'data.all_excluded': {
    what: 'All rows of {file} that could be trained on are excluded.',
    next: 'Take the last change back.',
  },
  'data.columns_not_chosen': {
    what: 'Nobody has said yet which columns of {file} hold the prompt and the answer.',
    next: 'Choose the columns.',
  },
  'data.bad_split': {
    what: 'To set {wanted} of {rows} rows aside for evaluation leaves none to train on.',
    next: 'Lower the evaluation share (eval_fraction), or add rows.',
  },
} satisfies Record<string, ErrorText>;
