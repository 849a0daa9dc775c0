import type { ErrorText } from './types.ts';

/** Problems with the form of a data file; data.ts has those with its rows. */
export const dataFilesErrors = {
  'data.kind_unclear': {
    what: '{file} is neither JSON, nor Parquet, nor a table with known columns, and its name does not say what it is.',
    next: 'Name it .txt to train on it as plain text, .csv or .tsv for a table, or .jsonl for JSON.',
  },
  'data.bad_utf16': {
    what: 'Line {line} of {file} contains half of a UTF-16 surrogate pair, which is not a character.',
    next: 'Correct the line, or save the file as UTF-8.',
  },
  'data.nul_bytes': {
    what: 'Line {line} of {file} contains NUL characters (zero bytes), which do not occur in text.',
    next: 'Check that the file was written completely and is saved as UTF-8, and remove them.',
  },
  'data.rows_field_unclear': {
    what: '{file} is one JSON object with several lists that could be the rows: {fields}.',
    next: 'Choose one of them by name, such as "{first}", or save its rows as a separate file.',
  },
  'data.rows_field_missing': {
    what: '{file} has no list "{field}" to read rows from (its lists of objects: {fields}).',
    next: 'Choose one of those lists, or omit the field.',
  },
  'data.row_not_list': {
    what: 'Line {line} of {file} is {found}, not a list with one cell per name in "columns".',
    next: 'Write each row as a list, or save the table with to_json(orient="records", lines=True).',
  },
  'data.row_truncated': {
    what: 'Line {line} of {file} is incomplete: the dataset viewer truncated {cells}.',
    next: 'Download the dataset’s own files (its Parquet files have complete rows).',
  },
  'data.json_broken_object': {
    what: 'The JSON object that starts on line {line} of {file} is broken, or not closed by line {at}.',
    next: 'Check its commas, quotes and brackets, down to the next line that starts with {.',
  },
  'data.json_missing_comma': {
    what: 'The value that starts on line {line} of {file} has no comma before it.',
    next: 'Put a comma between the rows of the array, or remove its [ and ] and write one row per line.',
  },
  'data.json_trailing_comma': {
    what: 'Line {line} of {file} is JSON followed by a comma.',
    next: 'Remove the comma, or put all rows between [ and ].',
  },
  'data.json_bracket_line': {
    what: 'Line {line} of {file} is a lone bracket, but the file has one JSON object per line.',
    next: 'Remove the line, or make the file one array: [ at the start, commas between the rows, ] at the end.',
  },
  'data.json_comment': {
    what: 'Line {line} of {file} is a comment, which JSON does not allow.',
    next: 'Remove the line.',
  },
  'data.json_python': {
    what: 'Line {line} of {file} looks like a printed Python dict (single quotes, None, True), not JSON.',
    next: 'Write the rows with json.dumps(row) instead of str(row).',
  },
  'data.cell_python': {
    what: 'Line {line} of {file}: the cell in column "{field}" looks like a printed Python list (single quotes), not JSON.',
    next: 'Write the cell with json.dumps before saving the table, or save the data as JSONL.',
  },
  'data.cell_json': {
    what: 'Line {line} of {file}: the cell in column "{field}" starts like JSON, but is not valid JSON.',
    next: 'Write the cell with a JSON library before saving the table, or save the data as JSONL.',
  },
  'data.columns_differ': {
    what: '{file} stores its columns as lists of different lengths: {columns}.',
    next: 'Give every column one value per row, or save the data with one JSON object per row.',
  },
} satisfies Record<string, ErrorText>;
