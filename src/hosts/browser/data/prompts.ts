import { GraftError } from '../../../base/lib/errors.ts';
import type { Dataset } from '../../../content/data/dataset/dataset.ts';
import { JsonLines } from '../../../content/data/files/jsonLines.ts';
import { ParseLog } from '../../../content/data/files/jsonRow.ts';
import type { Row } from '../../../content/data/files/row.ts';
import { ownField } from '../../../content/data/rows/conversation.ts';
import { detectFormat, toConversation, type RowFormat } from '../../../content/data/rows/formats.ts';
import { isPromptRow } from '../../../content/data/rows/questions.ts';
import { promptText, rowPrompt, type RowPrompt } from '../../../content/data/rows/rowPrompt.ts';
import type { PromptList, RowProblem } from '../dataProtocol.ts';
import { problemFrom } from './rowProblems.ts';

/** What pasted prompts are called in messages. */
const PASTED = 'pasted.jsonl';

/** Fields of a row that has a prompt and nothing else. */
const PROMPT_FIELDS = ['prompt', 'instruction', 'question', 'query', 'input'] as const;

/** The prompts of the rows that are held out for evaluation, or of all, in the file's order. */
export function heldOutPrompts(dataset: Dataset, all = false): PromptList {
  const { format, tokens, options, sheet, parsed } = dataset;
  const held = new Set(tokens?.evaluation);
  const rows = sheet
    .includedRows()
    .filter((row) => all || dataset.tokenizedRows(row).some((tokenized) => held.has(tokenized)));
  const chosenOnly = options?.reading.preferenceData === 'chosen';
  const read = (row: Row) => rowPrompt(toConversation(row, format as RowFormat, { chosenOnly }), row.line);
  return listOf(rows, read, parsed.name);
}

/** Pasted prompts: a line each, or where the first is an object, JSONL rows in the formats of data files. */
export function pastedPrompts(text: string): PromptList {
  const lines = text.split(/\r\n|\n|\r/);
  const first = lines.find((line) => line.trim() !== '');
  if (!first?.trimStart().startsWith('{')) {
    const prompts = lines.flatMap((content, at) =>
      content.trim() === '' ? [] : [asked(content.trim(), at + 1)],
    );
    return { prompts: prompts.map(shown), skipped: 0, problems: [] };
  }
  const log = new ParseLog(PASTED, false, 'utf-8');
  const rows: Row[] = [];
  const reader = new JsonLines(log, rows);
  let offset = 0;
  for (const [at, line] of lines.entries()) {
    const bytes = new TextEncoder().encode(line);
    reader.push({ line: at + 1, offset, bytes });
    offset += bytes.byteLength + 1;
  }
  reader.end();
  const list = listOf(rows, promptOfRow, PASTED);
  const unread = log.problems.map(({ line, code, params }) => ({ line, code, params, position: null }));
  return { ...list, problems: [...unread, ...list.problems].sort((a, b) => a.line - b.line) };
}

function listOf(rows: readonly Row[], read: (row: Row) => RowPrompt | null, file: string): PromptList {
  const prompts: PromptList['prompts'] = [];
  const problems: RowProblem[] = [];
  let skipped = 0;
  for (const row of rows) {
    try {
      const prompt = read(row);
      if (prompt) prompts.push(shown(prompt));
      else skipped++;
    } catch (error) {
      problems.push(problemFrom(error, row.line, file));
    }
  }
  return { prompts, skipped, problems };
}

/** A row by its own format, or by its prompt where it has nothing else. */
function promptOfRow(row: Row): RowPrompt | null {
  try {
    return rowPrompt(toConversation(row, detectFormat([row], PASTED), { chosenOnly: true }), row.line);
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    if (error.code !== 'data.unknown_format' && !isPromptRow(row.value)) throw error;
    const found = PROMPT_FIELDS.map((name) => ownField(row.value, name)).find(
      (value) => typeof value === 'string' && value.trim() !== '',
    );
    if (typeof found !== 'string') throw error;
    return asked(found, row.line);
  }
}

function asked(content: string, line: number): RowPrompt {
  return {
    line,
    prompt: { kind: 'chat', messages: [{ role: 'user', content }], templateArgs: {} },
    expected: null,
  };
}

function shown(prompt: RowPrompt): PromptList['prompts'][number] {
  return { ...prompt, text: promptText(prompt) };
}
