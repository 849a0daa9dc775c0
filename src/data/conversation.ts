import { GraftError } from '../lib/errors.ts';
import { parseJson } from './exactJson.ts';
import { kindName } from './row.ts';
import { hasLoneSurrogate } from './utf8.ts';

export type Role = 'system' | 'user' | 'assistant' | 'tool';

/** One turn of a conversation. */
export interface Message {
  role: Role;
  /** What is said; thoughts and tool calls that stand in fields of their own are not in it. */
  content: string;
  /** What the assistant thinks before it answers, where a row gives it beside the content. */
  thought?: string;
  /** Tool calls as the row has them: `{name, arguments}`, or `{type: "function", function: {…}}`. */
  calls?: readonly object[];
  /** How much the message's tokens count: 0 makes it context; absent leaves it to the mask. */
  weight?: number;
  /** The role by the row's name, where that is another one: `developer`, `ipython`, … */
  roleName?: string;
  /** `content` as the row has it where that is no text: null, or undefined for no such key. */
  noContent?: null | 'absent';
  /** Further keys of the message, which templates may read: `name`, `tool_call_id`, … */
  fields?: Readonly<Record<string, unknown>>;
}

/** A message as a chat template sees it: the object `{ role, content, ...fields }`, in which fields come last. */
export interface TemplateMessage {
  role: string;
  content: string;
  fields?: Readonly<Record<string, unknown>>;
}

/** A conversation, with what a chat template is given beside its messages. */
export interface Chat {
  messages: readonly Message[];
  /** Index of the first message that may be trained; earlier answers are context (a conversational prompt). */
  firstTrained?: number;
  /** Tool descriptions, as JSON schemas. */
  tools?: readonly unknown[];
  /** Documents for retrieval-augmented templates. */
  documents?: readonly unknown[];
  /** Further template variables, such as `enable_thinking`. */
  variables?: Readonly<Record<string, unknown>>;
}

/** What a row becomes before it is tokenized, whatever format it came in. `weight` scales the loss of the whole row. */
export type Conversation =
  | Chat
  | { text: string; weight?: number }
  | { prompt: string; completion: string; weight?: number }
  | { inputIds: number[]; labels: number[]; weights?: number[] };

/** Field `field` of `object` if it owns it; `undefined` otherwise (inherited names such as `constructor` don't count). */
export function ownField(object: object, field: string): unknown {
  return Object.hasOwn(object, field) ? (object as Record<string, unknown>)[field] : undefined;
}

/** True when `object` owns `field` with a value other than null. */
export function hasField(object: object, field: string): boolean {
  const value = ownField(object, field);
  return value !== undefined && value !== null;
}

/** The first of `names` that `object` has with a value other than null. */
export function firstField(object: object, names: readonly string[]): string | undefined {
  return names.find((name) => hasField(object, name));
}

/** True for what says nothing: null, an empty text, list or object, and the texts "null", "[]" and "{}". */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value === 'string') return ['', 'null', 'None', '[]', '{}'].includes(value.trim());
  if (Array.isArray(value)) return value.every((item) => item === null);
  return isObject(value) && Object.keys(value).length === 0;
}

/** True for a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Number);
}

/** `value` as text for field `field`. Throws `data.missing_field`, `data.bad_field`, `data.lone_surrogate`. */
export function textOf(value: unknown, field: string): string {
  if (value === undefined) throw new GraftError('data.missing_field', { field });
  if (typeof value !== 'string') {
    throw new GraftError('data.bad_field', { field, found: kindName(value), expected: 'text' });
  }
  if (hasLoneSurrogate(value)) throw new GraftError('data.lone_surrogate', { field });
  return value;
}

/** `value` as a list of objects for field `field`. Throws `data.missing_field`, `data.bad_field`. */
export function objectsOf(value: unknown, field: string): Record<string, unknown>[] {
  if (value === undefined) throw new GraftError('data.missing_field', { field });
  if (!Array.isArray(value)) {
    throw new GraftError('data.bad_field', { field, found: kindName(value), expected: 'a list' });
  }
  return value.map((item: unknown, i) => {
    if (isObject(item)) return item;
    throw new GraftError('data.bad_field', {
      field: `${field}[${i}]`,
      found: kindName(item),
      expected: 'an object',
    });
  });
}

/**
 * `value` itself, or the JSON it holds where it is a text that looks like a list or an object. Throws
 * `data.field_not_json` for a text that begins as JSON does and is none.
 */
export function jsonOf(value: unknown, field: string): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  const parsed = tryJson(value);
  if (parsed === undefined) throw new GraftError('data.field_not_json', { field });
  return parsed;
}

/** The value of a JSON text; undefined where it is none. */
export function tryJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
