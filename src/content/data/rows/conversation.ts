import { nestsTooDeep } from '../../../base/lib/boundedJson.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { parseJson } from '../files/exactJson.ts';
import { kindName } from '../files/row.ts';
import { hasLoneSurrogate } from '../files/utf8.ts';

export type Role = 'system' | 'user' | 'assistant' | 'tool';

/** One turn of a conversation. */
export interface Message {
  role: Role;
  /** The text, without thoughts and tool calls that have their own fields. */
  content: string;
  /** The assistant's thought, if the row gives it beside the content. */
  thought?: string;
  /** Tool calls as in the row: `{name, arguments}`, or `{type: "function", function: {…}}`. */
  calls?: readonly object[];
  /** Loss weight of the message's tokens: 0 makes it context; if absent, the mask decides. */
  weight?: number;
  /** The row's name of the role, if it differs: `developer`, `ipython`, … */
  roleName?: string;
  /** `content` as in the row, if it is not text: null, or undefined if the key is missing. */
  noContent?: null | 'absent';
  /** Other keys of the message that templates may read: `name`, `tool_call_id`, … */
  fields?: Readonly<Record<string, unknown>>;
}

/** A message as a chat template sees it: the object `{ role, content, ...fields }`, with fields last. */
export interface TemplateMessage {
  role: string;
  content: string;
  fields?: Readonly<Record<string, unknown>>;
}

/** A conversation, with the further inputs of its chat template. */
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

/** A row before tokenization, whatever its format. `weight` scales the loss of the whole row. */
export type Conversation =
  | Chat
  | { text: string; weight?: number }
  | { prompt: string; completion: string; weight?: number }
  | { inputIds: number[]; labels: number[]; weights?: number[] };

/**
 * Field `field` of `object` if it is an own property, otherwise `undefined` (inherited names such as `constructor`
 * don't count).
 */
export function ownField(object: object, field: string): unknown {
  return Object.hasOwn(object, field) ? (object as Record<string, unknown>)[field] : undefined;
}

/** Whether `object` owns `field` with a value other than null. */
export function hasField(object: object, field: string): boolean {
  const value = ownField(object, field);
  return value !== undefined && value !== null;
}

/** The first of `names` that `object` has with a value other than null. */
export function firstField(object: object, names: readonly string[]): string | undefined {
  return names.find((name) => hasField(object, name));
}

/** Whether a value is empty: null, an empty text, list or object, or the text "null", "[]" or "{}". */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value === 'string') return ['', 'null', 'None', '[]', '{}'].includes(value.trim());
  if (Array.isArray(value)) return value.every((item) => item === null);
  return isObject(value) && Object.keys(value).length === 0;
}

/** Whether a value is a JSON object. */
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
 * `value` itself, or the parsed JSON of a text that looks like a list or an object. Throws `data.field_not_json` if
 * such a text is not valid JSON.
 */
export function jsonOf(value: unknown, field: string): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  const parsed = tryJson(value);
  if (parsed === undefined) throw new GraftError('data.field_not_json', { field });
  return parsed;
}

/** The value of a JSON text; undefined if it is not JSON, or nests too deep for those who walk it. */
export function tryJson(text: string): unknown {
  if (nestsTooDeep(text)) return undefined;
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
