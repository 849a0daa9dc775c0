import type { ErrorText } from './types.ts';

/** What a data file's form may have wrong; data.ts has what its rows may. */
export const dataFilesErrors = {
  'data.kind_unclear': {
    what: 'The content of {file} is neither JSON nor a table with known columns nor Parquet, and its name does not say what it is.',
    next: 'Name it .txt to train on it as plain text, .csv or .tsv for a table, .jsonl for JSON.',
  },
  'data.bad_utf16': {
    what: 'Line {line} of {file} holds half of a UTF-16 pair, which is not a character.',
    next: 'Correct the line, or save the file as UTF-8.',
  },
  'data.nul_bytes': {
    what: 'Line {line} of {file} holds NUL characters (zero bytes), which no text has.',
    next: 'Check that the file was written completely and is saved as UTF-8, and remove them.',
  },
  'data.rows_field_unclear': {
    what: '{file} is one JSON object with several lists that may be the rows: {fields}.',
    next: 'Choose one of them by its name, such as "{first}", or save its rows as a file of their own.',
  },
  'data.rows_field_missing': {
    what: '{file} has no list "{field}" to read rows from (lists of objects there: {fields}).',
    next: 'Choose one of those lists, or leave the choice out.',
  },
  'data.row_not_list': {
    what: 'Line {line} of {file} is {found}, not a list of cells, one for each name in "columns".',
    next: 'Write each row as a list, or save the table with to_json(orient="records", lines=True).',
  },
  'data.row_truncated': {
    what: 'Line {line} of {file} is not whole: the data set viewer cut off {cells}.',
    next: 'Download the data set’s own files (its Parquet files hold whole rows).',
  },
  'data.json_broken_object': {
    what: 'The JSON object that begins on line {line} of {file} is broken or not closed by line {at}.',
    next: 'Check its commas, quotes and brackets. The lines up to the next one that begins with { belong to it.',
  },
  'data.json_missing_comma': {
    what: 'The value that begins on line {line} of {file} has no comma before it.',
    next: 'Put a comma between the rows of the array, or remove its [ and ] and write one row a line.',
  },
  'data.json_trailing_comma': {
    what: 'Line {line} of {file} is JSON, but has a comma after it.',
    next: 'Remove the comma, or put all rows between [ and ].',
  },
  'data.json_bracket_line': {
    what: 'Line {line} of {file} is a bracket by itself, in a file with one JSON object a line.',
    next: 'Remove the line, or make the file one array: [ at the start, commas between the rows, ] at the end.',
  },
  'data.json_comment': {
    what: 'Line {line} of {file} is a comment, which JSON does not have.',
    next: 'Remove the line.',
  },
  'data.json_python': {
    what: 'Line {line} of {file} looks like Python’s print of a dict (single quotes, None, True), not JSON.',
    next: 'Write the rows with json.dumps(row) instead of str(row).',
  },
  'data.cell_python': {
    what: 'Line {line} of {file}: the cell in column "{field}" looks like Python’s print of a list (single quotes), not JSON.',
    next: 'Write the cell with json.dumps before saving the table, or save the data as JSONL.',
  },
  'data.cell_json': {
    what: 'Line {line} of {file}: the cell in column "{field}" begins as JSON, but is not valid JSON.',
    next: 'Write the cell with a JSON library before saving the table, or save the data as JSONL.',
  },
  'data.columns_differ': {
    what: '{file} holds its columns as lists of different lengths: {columns}.',
    next: 'Give every column a value for each row, or save the data with one JSON object a row.',
  },
} satisfies Record<string, ErrorText>;
