import { readingOf } from '../../../../base/config/reading.ts';
import { dataReport, type DataReport, type DataSample } from '../../../../content/data/dataset/dataReport.ts';
import type { Inspection } from '../../../../content/data/dataset/inspect.ts';
import { previewRow } from '../../../../content/data/checks/preview.ts';
import { dataSource } from '../dataset.ts';
import { findingLine } from '../findingLine.ts';
import { command } from '../command.ts';
import { checkHubAccess } from '../hubAccess.ts';
import { readInPlace } from '../hubModel.ts';
import { flag, number } from '../options.ts';
import {
  dataOption,
  encodingOption,
  modelOptions,
  optionalMask,
  recipeOption,
  rowsFieldOption,
} from '../commonOptions.ts';
import { withText } from '../../withText.ts';
import { readData } from '../../../../session/readData.ts';
import { readRecipe } from '../recipe.ts';
import { GraftError } from '../../../../base/lib/errors.ts';
import { readJsonObject } from '../../../../content/formats/text.ts';
import { parseConfig } from '../../../../engine/model/spec/config.ts';
import type { DecoderSpec } from '../../../../engine/model/spec/spec.ts';
import type { Folder } from '../../../../base/storage/types.ts';
import { log, printText } from '../terminal.ts';

/** Problems listed for people; the rest is a number. */
const SHOWN_PROBLEMS = 20;

export const data = command(
  'data',
  'Inspects a data file as training with that model and recipe will see it: what it is, which rows are left out and why, what may be wrong with the others, which fields are not used, and the first rows with what is trained in double brackets.',
  {
    ...modelOptions,
    data: dataOption,
    rowsField: rowsFieldOption,
    encoding: encodingOption,
    recipe: recipeOption,
    mask: optionalMask,
    rows: number('Data', 3, { min: 0, integer: true }, 'How many rows are shown.'),
    json: flag('Output', 'Prints the report as JSON.'),
  },
  async (options, usage) => {
    checkHubAccess(options, usage, [options.model, options.data]);
    const { recipe } = await readRecipe(options.recipe);
    const { mask = recipe.mask, rowsField, encoding } = options;
    const source = await dataSource(options.data, options);
    const { inspection, report } = await readInPlace(options, async (folder) => {
      const spec = await limitsOf(folder);
      const reading = readingOf({ ...recipe, mask });
      const how = { reading, maxLength: recipe.max_length, rowsField, encoding };
      return withText(folder, async (text) => {
        const inspection = await readData(source, text, { spec }, how);
        const preview = async (ids: Int32Array, labels: Int32Array) =>
          text.hasTokenizer
            ? text.previewTokens(ids, labels)
            : previewRow({ ids, labels, offsets: Uint32Array.of(0, ids.length) }, 0, null);
        return { inspection, report: await dataReport(inspection, preview, options.rows) };
      });
    });
    printText(
      options.json ? JSON.stringify(report, null, 2) : textOf(report, inspection).map(oneLine).join('\n'),
    );
    if (inspection.error) throw inspection.error;
  },
);

/** What config.json says of ids and lengths. A folder of tokenizer files alone sets no limits. */
async function limitsOf(folder: Folder): Promise<Pick<DecoderSpec, 'vocabSize' | 'maxPositions'>> {
  if (!(await folder.list()).includes('config.json')) return { vocabSize: Infinity, maxPositions: Infinity };
  const config = await readJsonObject(folder, 'config.json');
  try {
    return parseConfig(config);
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    // Data can be looked at for a model that cannot be trained here.
    log(error.message);
    const number = (key: string) => (typeof config[key] === 'number' ? config[key] : Infinity);
    return { vocabSize: number('vocab_size'), maxPositions: number('max_position_embeddings') };
  }
}

function textOf(report: DataReport, { findings }: Inspection): string[] {
  const { kind, format, preference, rows, used, tokens, trainedTokens, problems, problemCount } = report;
  const lines = [
    `${kind ?? 'unknown'}, ${format ?? 'unknown format'}${preference ? `, preference data (${preference})` : ''}`,
    ...fileLines(report),
    `Rows used: ${used} of ${rows}; ${tokens} tokens, ${trainedTokens} trained.`,
    ...problems.slice(0, SHOWN_PROBLEMS).map(({ message }) => message),
  ];
  if (problemCount > SHOWN_PROBLEMS) lines.push(`… and ${problemCount - SHOWN_PROBLEMS} more problems.`);
  for (const finding of findings) lines.push(findingLine(finding));
  if (report.unused.length > 0) lines.push(`Not used: ${report.unused.join(', ')}.`);
  for (const sample of report.samples) lines.push(`Line ${sample.line}: ${marked(sample)}`);
  return lines;
}

/** Text of the file within a line may hold line breaks, which would look like lines of ours. */
function oneLine(text: string): string {
  return text.replaceAll('\n', ' ');
}

/** How the file was read, where that is not as its name says. */
function fileLines({ kindFrom, kind, encoding, rowsField, otherRowsFields }: DataReport): string[] {
  const lines: string[] = [];
  if (kindFrom === 'content') lines.push(`Read as ${kind}, based on its content.`);
  if (encoding !== 'utf-8') lines.push(`Read as ${encoding}.`);
  if (rowsField !== null) lines.push(`Reading rows from "${rowsField}".`);
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
