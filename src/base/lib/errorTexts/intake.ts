import type { ErrorText } from './types.ts';

/** What was dropped or chosen and cannot be opened, and compressed files. */
export const intakeErrors = {
  'intake.nothing': {
    what: 'The folder {name} has no files that can be read.',
    next: 'Choose the folder of a model, or a data file.',
  },
  'intake.too_many': {
    what: 'That is over {limit} files, so it is neither a model folder nor a data set.',
    next: 'Choose the model’s own folder, or the data files in it.',
  },
  'intake.pickle': {
    what: '{file} is a PyTorch checkpoint (pickle), which can run programs when it is opened, so Graft never opens one.',
    next: 'Load it in Python and save it as safetensors: model.save_pretrained("DIR", safe_serialization=True). Then choose that folder.',
  },
  'intake.weights_alone': {
    what: '{file} is weights without the config.json that says what model they are.',
    next: 'Choose the model’s whole folder, with config.json and tokenizer.json.',
  },
  'intake.spreadsheet': {
    what: '{file} is {kind}, which Graft does not read.',
    next: 'Save the sheet as CSV (UTF-8) in your spreadsheet program, and choose that file.',
  },
  'intake.document': {
    what: '{file} is {kind}, which Graft does not read.',
    next: 'Save it as plain text (.txt) to train on its text, or write examples as JSONL, one JSON object per line.',
  },
  'intake.media': {
    what: '{file} is {kind}; Graft trains on text.',
    next: 'Write what the model should learn as text: JSONL, CSV or .txt.',
  },
  'intake.archive': {
    what: '{file} is {kind}, which Graft does not unpack.',
    next: 'Unpack it, and choose the files in it. Of compressed files, .gz, .zst and .zip are read as they are.',
  },
  'intake.table': {
    what: '{file} is {kind}, which Graft does not read.',
    next: 'Convert it to Parquet or JSONL with Python, by Dataset.to_parquet or Dataset.to_json for example.',
  },
  'intake.other': {
    what: '{file} is {kind}, neither a model nor data.',
    next: 'Choose a model folder in Hugging Face format, or data as JSONL, JSON, CSV, Parquet or text.',
  },
  'intake.zip_empty': {
    what: '{file} is a zip without anything that Graft opens.',
    next: 'Choose a zip of a model folder, an adapter, data files, or an export of Graft.',
  },
  'intake.zip_in_zip': {
    what: '{file} is a zip inside a zip.',
    next: 'Unpack the outer one, and choose {file}.',
  },
  'data.encoding_unclear': {
    what: '{file} is not UTF-8, and its characters read well in several encodings, or in none ({encodings}).',
    next: 'Choose the encoding in which its text reads right, such as "{first}", or save the file as UTF-8.',
  },
  'data.unpack_failed': {
    what: '{file} cannot be unpacked ({compression}): it is damaged, incomplete, or made of several parts ({detail}).',
    next: 'Download it again. If "{command}" unpacks it, choose the unpacked file.',
  },
  'data.unpack_bomb': {
    what: '{file} unpacks to over {size} MiB from {read} KiB, more than any real data does.',
    next: 'If it is meant to be so large, unpack it yourself and choose the unpacked file.',
  },
  'data.unpack_window': {
    what: '{file} needs {window} MiB of memory to be unpacked, and the limit is {limit} MiB.',
    next: 'Unpack it with "unzstd --long=31", and choose the unpacked file.',
  },
  'data.unpack_parquet': {
    what: '{file} is a compressed Parquet file that is too large to be read inside its compression.',
    next: 'Unpack it, and choose the Parquet file, which is compressed in itself.',
  },
  'data.zip_broken': {
    what: '{file} is a damaged or incomplete zip file.',
    next: 'Download or pack it again.',
  },
  'data.zip_path': {
    what: '{file} holds a file with a path that is unsafe or there twice: "{path}".',
    next: 'Unpack it where you trust it, and choose the files themselves.',
  },
  'data.zip_method': {
    what: '{file} compresses "{path}" by a method that is not supported (number {method}).',
    next: 'Pack it again as an ordinary zip (deflate), or unpack it and choose the files.',
  },
  'data.zip_encrypted': {
    what: '{file} is protected by a password.',
    next: 'Unpack it, and choose the files.',
  },
  'data.zip_too_many': {
    what: '{file} holds {count} files, and the limit is {limit}.',
    next: 'Unpack it, and choose the files that matter.',
  },
} satisfies Record<string, ErrorText>;
