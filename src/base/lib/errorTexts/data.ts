import type { ErrorText } from './types.ts';

export const dataErrors = {
  'data.empty_file': {
    what: '{file} is empty.',
    next: 'Choose a file with at least one row.',
  },
  'data.not_text': {
    what: '{file} is {kind}, not text.',
    next: 'Decompress it, or save the data as JSONL (one JSON object per line, UTF-8) and choose that file.',
  },
  'data.parquet_invalid': {
    what: '{file} cannot be read as Parquet: {detail}.',
    next: 'Check that the file was saved or downloaded completely.',
  },
  'data.csv_cells': {
    what: 'Line {line} of {file} has {found} cells, but the table has {expected} columns.',
    next: 'Put cells that contain the delimiter or a line break in double quotes.',
  },
  'data.csv_unclosed': {
    what: 'The quoted cell that starts on line {line} of {file} is never closed.',
    next: 'Close the quote, and write a quote inside a cell twice ("").',
  },
  'data.bad_utf8': {
    what: 'Line {line} of {file} is not valid UTF-8 (first invalid byte at offset {offset}){hint}.',
    next: 'Save the file as UTF-8.',
  },
  'data.line_too_long': {
    what: 'Line {line} of {file} is longer than {limit} MiB.',
    next: 'Split the row, or check that rows are separated by line breaks.',
  },
  'data.too_deep': {
    what: 'Line {line} of {file} is nested more than {limit} levels deep.',
    next: 'Flatten the row: training data needs only a few levels.',
  },
  'data.invalid_json': {
    what: 'Line {line} of {file} is not valid JSON: {detail}.',
    next: 'Correct the line: each row is one JSON object.',
  },
  'data.array_unclosed': {
    what: 'The JSON array in {file} is not closed: the file ends on line {line}, in or after the row that starts on line {from}.',
    next: 'Check that the file was saved or downloaded completely.',
  },
  'data.after_array': {
    what: 'Line {line} of {file} has text after the end of the JSON array.',
    next: 'Put all rows into one array, or use JSONL.',
  },
  'data.row_not_object': {
    what: 'Line {line} of {file} is {found}, not a JSON object.',
    next: 'Write each row as an object, such as {"prompt": "…", "completion": "…"} or {"messages": […]}.',
  },
  'data.no_valid_rows': {
    what: '{file} has no usable row (problems: {count}). The first: {first}',
    next: 'Correct the file and try again.',
  },
  'data.unknown_format': {
    what: 'The rows of {file} have no known format (fields on line {line}: {fields}).',
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
    what: 'Line {line} of {file}: the text in field "{field}" is not valid JSON.',
    next: 'Correct its JSON: double quotes, and lowercase true, false and null.',
  },
  'data.two_systems': {
    what: 'Line {line} of {file}: the system message in field "{field}" differs from the one in the conversation.',
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
    what: 'Line {line} of {file}: the model’s chat template drops the reasoning before the last answer, so the answer would be trained without it.',
    next: 'Remove the reasoning, or choose a model whose template keeps it.',
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
    what: 'Line {line} of {file} is preference data: a better and a worse answer ({fields}). The objective "sft" has no use for the worse one.',
    next: 'To learn from both answers, set objective to "dpo", "orpo", "simpo" or "cpo". To train on the better answers only, set preference_data to "chosen".',
  },
  'data.preference_label': {
    what: 'Line {line} of {file} is preference data: "{field}" marks its answer as good or bad. The objective "sft" has no use for bad ones.',
    next: 'To learn from both, set objective to "kto". To train on the good answers only, set preference_data to "chosen".',
  },
  'data.only_preferences': {
    what: '{file} is preference data (rows: {count}): it says which answers are better or worse. The objective "sft" has no use for worse ones.',
    next: 'To learn from all answers, set objective to "dpo" for pairs, or to "kto" for answers marked as good or bad. To train on the better answers only, set preference_data to "chosen".',
  },
  'data.no_pair': {
    what: 'Line {line} of {file} has no better and worse answer to a prompt, which the objective "{objective}" needs.',
    next: 'Give the row "prompt", "chosen" and "rejected", or choose the objective "sft", or "kto" for answers marked as good or bad.',
  },
  'data.no_label': {
    what: 'Line {line} of {file} does not say whether its answer is good or bad, which the objective "kto" needs.',
    next: 'Give the row a "label" of true or false, or choose the objective "sft".',
  },
  'data.no_prompt': {
    what: 'Line {line} of {file} has no prompt that a model could answer, which the objective "grpo" needs.',
    next: 'Give the row "messages" that end with the user’s turn, or a "prompt"; what answers are compared with goes into "answer".',
  },
  'data.prompt_too_long': {
    what: 'Line {line} of {file}: its prompt has {length} tokens, which leaves no room for an answer within the max length of {maxLength}.',
    next: 'Raise max_length, or shorten the prompt.',
  },
  'data.answer_weighted': {
    what: 'Line {line} of {file}: an answer has a weight of {weight}, which preference training cannot apply.',
    next: 'Remove the weight, or choose the objective "sft".',
  },
  'data.bad_answer': {
    what: 'Line {line} of {file}: "{field}" marks the answer as bad, so it is not trained on.',
    next: 'Nothing to do: only answers marked as good are trained on.',
  },
  'data.lone_surrogate': {
    what: 'Line {line} of {file}: field "{field}" contains half of a UTF-16 surrogate pair, which is not a character.',
    next: 'Correct the \\u escape in the field.',
  },
  'data.edit_not_object': {
    what: 'The edited row is {found}, not a JSON object.',
    next: 'Write the row as an object, such as {"prompt": "…", "completion": "…"}.',
  },
  'data.edit_not_json': {
    what: 'The edited row is not valid JSON: {detail}.',
    next: 'Correct it, or undo the edit.',
  },
  'data.add_tokenized': {
    what: 'The rows of this data are token ids, so a conversation cannot be added to them.',
    next: 'Open data with text or messages, or copy the answer.',
  },
  'data.add_preference': {
    what: 'The rows of this data are pairs of a better and a worse answer; a single answer is no such pair.',
    next: 'Open other data, or copy the answer.',
  },
  'data.add_columns': {
    what: 'The rows of this data are one prompt and one answer in the columns that were chosen; this conversation does not fit into them.',
    next: 'Clear the conversation and the system message, and ask again; or open data with messages.',
  },
  'data.empty_row': {
    what: 'Line {line} of {file} has no tokens.',
    next: 'Remove the row, or add text to it.',
  },
  'data.no_trained_tokens': {
    what: 'Line {line} of {file} has no token to train on: {detail}.',
    next: 'Add an answer to the row, or choose another label mask.',
  },
  'data.cut_away': {
    what: 'Line {line} of {file}: truncation to {maxLength} tokens removes all tokens to train on (the row has {length}).',
    next: 'Raise the maximum length, or shorten the prompt.',
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
    what: 'Line {line} of {file}: "input_ids" has {ids} entries and "labels" has {labels}.',
    next: 'Give every token one label (−100 for tokens that are not trained).',
  },
  'data.padding_inside': {
    what: 'Line {line} of {file}: "attention_mask" masks tokens that are not at the end.',
    next: 'Remove the padding from tokenized rows; Graft needs none.',
  },
  'data.no_tokenizer': {
    what: 'The model folder has no tokenizer (tokenizer.json or qwen.tiktoken), but {file} contains text.',
    next: 'Add the tokenizer files to the model folder, or use rows with "input_ids" and "labels".',
  },
  'data.tokenizer_invalid': {
    what: 'The model’s {file} cannot be used: {detail}.',
    next: 'Download the model’s tokenizer files again.',
  },
  'data.tokenizer_unsupported': {
    what: 'The model’s {file} uses a feature that Graft does not support: {detail}.',
    next: 'Choose a model with another tokenizer, or tokenize the rows elsewhere ("input_ids").',
  },
  'data.token_beyond_model': {
    what: 'Line {line} of {file} contains {token}, which is token {id} of the tokenizer, but the model has only {vocabSize} tokens.',
    next: 'Remove the token from the row, or use the tokenizer files that belong to this model.',
  },
  'data.tiktoken_line': {
    what: 'Line {line} of {file} cannot be used: {detail}.',
    next: 'Download the model’s tokenizer files again.',
  },
  'data.tokenizer_mismatch': {
    what: 'The tokenizer does not match the model: it has token {maxId} ({token}), but the model has only {vocabSize} tokens.',
    next: 'Use the tokenizer files that belong to this model.',
  },
  'data.template_invalid': {
    what: 'The model’s chat template cannot be used: {detail}.',
    next: 'Check chat_template in tokenizer_config.json (or chat_template.jinja).',
  },
  'data.template_hangs': {
    what: 'The model’s chat template made no progress for {seconds} seconds and was stopped.',
    next: 'Check chat_template in tokenizer_config.json (or chat_template.jinja), or get the model from a source you trust.',
  },
  'data.template_hangs_on_line': {
    what: 'The model’s chat template made no progress for {seconds} seconds on line {line} of {data} and was stopped.',
    next: 'Check chat_template in tokenizer_config.json (or chat_template.jinja), or get the model from a source you trust.',
  },
  'data.template_crashed': {
    what: 'The model’s chat template ended the thread it ran in: {reason}.',
    next: 'Check chat_template in tokenizer_config.json (or chat_template.jinja), or get the model from a source you trust.',
  },
  'data.template_crashed_on_line': {
    what: 'The model’s chat template ended the thread it ran in on line {line} of {data}: {reason}.',
    next: 'Check chat_template in tokenizer_config.json (or chat_template.jinja), or get the model from a source you trust.',
  },
  'data.tokenizer_crashed': {
    what: 'The tokenizer in {file} ended the thread it ran in: {reason}.',
    next: 'Try a shorter text, or get the model from a source you trust.',
  },
  'data.tokenizer_crashed_on_line': {
    what: 'The tokenizer in {file} ended the thread it ran in on line {line} of {data}: {reason}.',
    next: 'Exclude the row, or get the model from a source you trust.',
  },
  'data.pattern_hangs': {
    what: 'The tokenizer made no progress for {seconds} seconds and was stopped. The pre-tokenizer in {file} splits text by {patterns}.',
    next: 'Try a shorter text, or get the model from a source you trust.',
  },
  'data.pattern_hangs_on_line': {
    what: 'The tokenizer made no progress for {seconds} seconds on line {line} of {data} and was stopped. The pre-tokenizer in {file} splits text by {patterns}.',
    next: 'Exclude the row, or get the model from a source you trust.',
  },
  'data.template_refused': {
    what: 'The model’s chat template rejected the conversation: {detail}.',
    next: 'Change the roles or their order to what the model expects.',
  },
  'data.row_refused': {
    what: 'Line {line} of {file}: the model’s chat template rejected the conversation ({detail}).',
    next: 'Change the roles or their order to what the model expects.',
  },
  'data.answer_not_found': {
    what: 'Line {line} of {file}: the chat template rewrites the conversation, so the assistant’s answer cannot be located.',
    next: 'Set split_turns for one row per turn, or choose the label mask "all".',
  },
  'data.no_chatml': {
    what: 'The label mask "chatml" needs a model that uses ChatML, and this one has no {missing}.',
    next: 'Choose the label mask "assistant".',
  },
  'data.not_chatml': {
    what: 'Line {line} of {file}: the model’s chat template does not write the conversation as ChatML turns.',
    next: 'Choose the label mask "assistant".',
  },
  'data.all_excluded': {
    what: 'All trainable rows of {file} are excluded.',
    next: 'Undo the last change.',
  },
  'data.columns_not_chosen': {
    what: 'No prompt and answer columns of {file} are selected.',
    next: 'Choose the columns.',
  },
  'data.shard_damaged': {
    what: 'The stored tokens in {file} are damaged.',
    next: 'Open the data file again, or run the command again: what is damaged is made anew.',
  },
  'data.shards_missing': {
    what: 'The stored tokens that the run trains on are no longer there.',
    next: 'Tokenize the same data file again with the same model and recipe: that makes the same tokens.',
  },
  'data.held_out_too_many': {
    what: 'Data of this size are read from disk as they are due, and at most {most} of their rows can be held out for evaluation; {wanted} are too many.',
    next: 'Set "eval_fraction" to a number of rows up to {most}.',
  },
  'data.needs_memory': {
    what: 'Data of this size are read from disk as they are due, which “{what}” cannot do.',
    next: 'Train with the objective "sft", or use a file with fewer rows.',
  },
  'data.tokenizing_stopped': {
    what: 'Tokenizing was stopped.',
    next: 'Train again: it goes on where it was.',
  },
  'data.large_not_changed': {
    what: 'Only the first rows of {file} are shown, so its rows cannot be changed here.',
    next: 'Change the file itself, or use one with fewer rows.',
  },
  'data.large_held_out': {
    what: 'Which rows of {file} are held out is known to its runs alone.',
    next: 'Choose a validation file.',
  },
  'data.bad_split': {
    what: 'Holding out {wanted} of {rows} rows for evaluation leaves none to train on.',
    next: 'Lower the evaluation split (eval_fraction), or add rows.',
  },
  'data.schema_keyword': {
    what: 'The JSON schema has “{keyword}” at {path}, which Graft does not understand.',
    next: 'Use {known}.',
  },
  'data.schema_value': {
    what: 'The JSON schema has a value at {path} that its keyword “{keyword}” cannot have.',
    next: 'Correct it as JSON Schema 2020-12 says.',
  },
  'data.choices_invalid': {
    what: '{file}, line {line}: this is no multiple-choice row: {detail}.',
    next: 'A row has “question”, “choices” as a list of texts or as {"text": […], "label": […]}, and “answer” or “answerKey”.',
  },
  'data.expression_hangs': {
    what: 'The regular expression of “{name}” was ended after {seconds} s on one answer.',
    next: 'Write it without repeats within repeats, such as (a+)+, or with an end to each of them, such as a{1,9}.',
  },
  'data.too_few_shots': {
    what: '{file} has {rows} questions as examples for line {line}, and {shots} are wanted.',
    next: 'Ask for fewer examples (--shots), or use a file with more of them: of its own, on the command line, with --shots-from.',
  },
  'data.metric_option': {
    what: 'The metric {metric} cannot be computed: {detail}.',
    next: 'Type a regular expression as in JavaScript for regex, a JSON Schema for schema, a number from 0 for number and choice, or choose other metrics.',
  },
  'data.metric_without_rows': {
    what: 'The metric {metric} cannot be computed on {file}: {detail}.',
    next: 'Choose other metrics, or a file with such rows.',
  },
} satisfies Record<string, ErrorText>;
