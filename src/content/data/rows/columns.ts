import { ownField, textOf, type Conversation, type Message } from './conversation.ts';
import { toJsonText } from '../files/exactJson.ts';
import type { Row } from '../files/row.ts';

/** The roles of a table's columns, where their names don't show them: a question and its answer, or a text. */
export type ColumnMapping =
  | {
      kind: 'prompt';
      /** The system message's column; null for none. */
      system: string | null;
      /** Columns joined by line breaks, empty cells omitted: an instruction and its input, for example. */
      prompt: readonly string[];
      response: string;
    }
  | { kind: 'text'; text: string };

/** A column that holds text, numbers or booleans in some row. */
export interface Column {
  name: string;
  /** The beginning of its first non-empty value. */
  sample: string;
  /** The number of rows that have it. */
  rows: number;
}

const SAMPLE_CHARACTERS = 120;
/** Names beyond this are those of a table turned on its side, or of keys that are data. */
const MAX_COLUMNS = 500;

/**
 * The columns of all rows that can be a prompt, a response or a text: the most frequent first, so that those of an odd
 * row come last; otherwise in order.
 */
export function columnsOf(rows: readonly Row[]): Column[] {
  const columns = new Map<string, Column>();
  for (const { value } of rows) {
    for (const name of Object.keys(value)) {
      const text = plainText(value[name]);
      if (text === null) continue;
      const column = columns.get(name);
      if (column) column.rows++;
      else if (columns.size < MAX_COLUMNS) columns.set(name, { name, sample: '', rows: 1 });
      const known = columns.get(name);
      if (known?.sample === '') known.sample = text.trim().slice(0, SAMPLE_CHARACTERS);
    }
  }
  // Sorting is stable.
  return [...columns.values()].sort((a, b) => b.rows - a.rows);
}

const names: Record<'system' | 'prompt' | 'context' | 'response' | 'text', RegExp> = {
  system: /^(system|system_?prompt|系统|系统提示词?)$/i,
  prompt:
    /^(prompt|instruction|question|query|user|human|problem|source|src|title|input_?text|问题|提问|指令|题目|用户)$/i,
  context: /^(input|context|passage|document|background|输入|上下文|背景)$/i,
  response:
    /^(completion|response|answer|output|assistant|reply|solution|target|tgt|summary|label|output_?text|gpt|回答|答案|输出|回复)$/i,
  text: /^(text|content|body|document|story|article|文本|内容|正文)$/i,
};

/** The most likely roles of columns by name; by position if the names are unknown. */
export function guessMapping(columns: readonly Column[]): ColumnMapping | null {
  const called = (what: keyof typeof names) =>
    columns.find(({ name }) => names[what].test(name.trim()))?.name;
  const response = called('response');
  const asked = called('prompt');
  const context = called('context');
  const prompt = [asked, context].filter((name) => name !== undefined);
  if (response !== undefined && prompt.length > 0) {
    return { kind: 'prompt', system: called('system') ?? null, prompt, response };
  }
  const text = called('text');
  if (text !== undefined) return { kind: 'text', text };
  const first = columns[0]?.name;
  if (first === undefined) return null;
  const rest = columns.filter(({ name }) => name !== (asked ?? first));
  const answer = response ?? rest[0]?.name;
  if (answer === undefined) return { kind: 'text', text: first };
  const question = asked ?? columns.find(({ name }) => name !== answer)?.name ?? first;
  return { kind: 'prompt', system: null, prompt: [question], response: answer };
}

/**
 * Converts a row by its column mapping. A missing system or prompt cell counts as empty. Throws `data.missing_field`
 * for a missing response or text, `data.bad_field` for cells that are not text, a number or a boolean.
 */
export function mappedConversation({ value }: Row, mapping: ColumnMapping): Conversation {
  if (mapping.kind === 'text') return { text: required(value, mapping.text) };
  const optional = (column: string) =>
    [undefined, null].includes(ownField(value, column) as undefined | null) ? '' : required(value, column);
  const messages: Message[] = [];
  const system = mapping.system === null ? '' : optional(mapping.system);
  if (system !== '') messages.push({ role: 'system', content: system });
  const prompt = mapping.prompt.map(optional).filter((part) => part !== '');
  if (prompt.length > 0) messages.push({ role: 'user', content: prompt.join('\n') });
  return { messages: [...messages, { role: 'assistant', content: required(value, mapping.response) }] };
}

function required(row: Record<string, unknown>, column: string): string {
  const cell = ownField(row, column);
  return typeof cell === 'string' ? textOf(cell, column) : (plainText(cell) ?? textOf(cell, column));
}

function plainText(cell: unknown): string | null {
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'boolean' || typeof cell === 'bigint') return String(cell);
  const isNumber = typeof cell === 'number' || cell instanceof Number;
  return isNumber && Number.isFinite(Number(cell)) ? toJsonText(cell) : null;
}
