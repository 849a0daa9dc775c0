import { readingOf } from '../../data/reading.ts';
import { inspectData, type DataReport, type DataSample, type Inspection } from '../../data/inspect.ts';
import { loadTokenizer } from '../../data/tokenizer.ts';
import { dataSource } from '../dataset.ts';
import { findingLine } from '../findingLine.ts';
import { modelChoice, modelFlags, modelOptions, readInPlace } from '../hubModel.ts';
import { Options } from '../options.ts';
import { readRecipe } from '../recipe.ts';
import { GraftError } from '../../lib/errors.ts';
import { readJsonObject } from '../../formats/text.ts';
import { parseConfig } from '../../model/config.ts';
import type { DecoderSpec } from '../../model/spec.ts';
import type { Folder } from '../../storage/types.ts';

export const usage =
  'data --model DIR --data FILE [--mask assistant|all|last|chatml] [--recipe FILE.json] [--rows N] [--rows-field NAME] [--json]';

/** Rows shown when nobody says how many. */
const SHOWN_ROWS = 3;

/** Problems listed for people; the rest is a number. */
const SHOWN_PROBLEMS = 20;

/**
 * Inspects a data file as training with that model and recipe will see it: what it is, which rows are left out and why,
 * what may be wrong with the others, which fields are not used, and the first rows with what is trained in double
 * brackets; with --json a DataReport. Throws `data.*` where no row can be used.
 */
export async function run(args: string[]): Promise<void> {
  const names = [...modelOptions, 'data', 'mask', 'recipe', 'rows', 'rows-field'];
  const options = new Options(args, usage, names, ['json', ...modelFlags]);
  const model = modelChoice(options, usage);
  const dataPath = options.required('data');
  const given = options.optional('mask');
  const mask = options.choice('mask', ['assistant', 'all', 'last', 'chatml']);
  const samples = options.number('rows', SHOWN_ROWS, { min: 0, integer: true });
  const json = options.flag('json');
  const rowsField = options.optional('rows-field');
  const { recipe } = await readRecipe(options.optional('recipe'));
  const reading = readingOf(given === undefined ? recipe : { ...recipe, mask });
  const source = await dataSource(dataPath, model);
  const inspection = await readInPlace(model, async (folder) => {
    const { vocabSize, maxPositions } = await limitsOf(folder);
    return inspectData(source, {
      tokenizer: await loadTokenizer(folder),
      reading,
      maxLength: Math.min(recipe.max_length, maxPositions),
      vocabSize,
      samples,
      ...(rowsField !== undefined && { rowsField }),
    });
  });
  console.log(json ? JSON.stringify(inspection.report, null, 2) : textOf(inspection).join('\n'));
  if (inspection.error) throw inspection.error;
}

/** What config.json says of ids and lengths. A folder of tokenizer files alone sets no limits. */
async function limitsOf(folder: Folder): Promise<Pick<DecoderSpec, 'vocabSize' | 'maxPositions'>> {
  if (!(await folder.list()).includes('config.json')) return { vocabSize: Infinity, maxPositions: Infinity };
  const config = await readJsonObject(folder, 'config.json');
  try {
    return parseConfig(config);
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    // Data can be looked at for a model that cannot be trained here.
    console.error(error.message);
    const number = (key: string) => (typeof config[key] === 'number' ? config[key] : Infinity);
    return { vocabSize: number('vocab_size'), maxPositions: number('max_position_embeddings') };
  }
}

function textOf({ report, findings, parsed }: Inspection): string[] {
  const { kind, format, preference, rows, used, tokens, trainedTokens, problems, problemCount } = report;
  const lines = [
    `${kind ?? 'unknown'}, ${format ?? 'of no known shape'}${preference ? `, preference data (${preference})` : ''}`,
    ...fileLines(report),
    `Rows used: ${used} of ${rows}; ${tokens} tokens, ${trainedTokens} trained.`,
    ...problems.slice(0, SHOWN_PROBLEMS).map(({ message }) => message),
  ];
  if (problemCount > SHOWN_PROBLEMS) lines.push(`… and ${problemCount - SHOWN_PROBLEMS} more problems.`);
  for (const finding of findings) lines.push(findingLine(finding, parsed!.rows));
  if (report.unused.length > 0) lines.push(`Not used: ${report.unused.join(', ')}.`);
  for (const sample of report.samples) lines.push(`Line ${sample.line}: ${marked(sample)}`);
  return lines;
}

/** How the file was read, where that is not as its name says. */
function fileLines({ kindFrom, kind, encoding, rowsField, otherRowsFields }: DataReport): string[] {
  const lines: string[] = [];
  if (kindFrom === 'content') lines.push(`Read as ${kind}, by its content.`);
  if (encoding !== 'utf-8') lines.push(`Read as ${encoding}.`);
  if (rowsField !== null) lines.push(`The rows are those of "${rowsField}".`);
  if (otherRowsFields.length > 0) lines.push(`Not read: ${otherRowsFields.join(', ')}.`);
  return lines;
}

/** The text with what is trained in double brackets; control characters are escaped. */
function marked({ text, trained }: DataSample): string {
  const characters = Array.from(text);
  let shown = '';
  let at = 0;
  for (const [start, end] of trained) {
    shown += `${characters.slice(at, start).join('')}[[${characters.slice(start, end).join('')}]]`;
    at = end;
  }
  return JSON.stringify(shown + characters.slice(at).join(''));
}
