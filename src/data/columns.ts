import { ownField, textOf, type Conversation, type Message } from './conversation.ts';
import { toJsonText } from './exactJson.ts';
import type { Row } from './row.ts';

/** Which columns of a table are what, where their names don't say it: a question and its answer, or a text. */
export type ColumnMapping =
  | {
      kind: 'prompt';
      /** The column of the system message; null for none. */
      system: string | null;
      /** Joined by line breaks, empty ones left out: such as an instruction and its input. */
      prompt: readonly string[];
      response: string;
    }
  | { kind: 'text'; text: string };

/** A column that holds text, numbers or yes and no in some row. */
export interface Column {
  name: string;
  /** The beginning of its first value that is not empty. */
  sample: string;
}

/** How many rows are looked at for their columns. */
const SAMPLED_ROWS = 100;
const SAMPLE_CHARACTERS = 120;

/** The columns of rows that can be a prompt, a response or a text, in the order they come. */
export function columnsOf(rows: readonly Row[]): Column[] {
  const samples = new Map<string, string>();
  for (const { value } of rows.slice(0, SAMPLED_ROWS)) {
    for (const [name, cell] of Object.entries(value)) {
      const text = plainText(cell);
      if (text === null) continue;
      if (!samples.get(name)) samples.set(name, text.trim().slice(0, SAMPLE_CHARACTERS));
    }
  }
  return [...samples].map(([name, sample]) => ({ name, sample }));
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

/** The likeliest meaning of columns by their names; by their places where those say nothing. */
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
 * A row by its columns. A missing system or prompt cell is an empty one, a missing response or text is a
 * `data.missing_field`; cells that are neither text, number nor truth value are a `data.bad_field`.
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
