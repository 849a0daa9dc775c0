import { GraftError } from '../lib/errors.ts';
import { kindName } from './row.ts';
import { hasLoneSurrogate } from './utf8.ts';

export type Role = 'system' | 'user' | 'assistant' | 'tool';

/** One turn of a conversation. */
export interface Message {
  role: string;
  content: string;
  /** What else the template sees of it, such as tool_calls or reasoning_content; may put null or parts in content's place. */
  fields?: Record<string, unknown>;
}

/** What a row becomes before it is tokenized, whatever format it came in. */
export type Conversation =
  | {
      messages: Message[];
      /** Index of the first message that may be trained; earlier answers are context (a conversational prompt). */
      firstTrained?: number;
    }
  | { text: string }
  | { prompt: string; completion: string }
  | { inputIds: number[]; labels: number[] };

/** Field `field` of `object` if it owns it; `undefined` otherwise (inherited names such as `constructor` don't count). */
export function ownField(object: object, field: string): unknown {
  return Object.hasOwn(object, field) ? (object as Record<string, unknown>)[field] : undefined;
}

/** True when `object` owns `field` with a value other than null. */
export function hasField(object: object, field: string): boolean {
  const value = ownField(object, field);
  return value !== undefined && value !== null;
}

/**
 * `value` as text for field `field`. A list of `{type: "text", text}` parts (as multimodal data has it) is joined.
 * Throws `data.missing_field`, `data.bad_field`, `data.unsupported_field`, `data.lone_surrogate`.
 */
export function textOf(value: unknown, field: string): string {
  if (value === undefined) throw new GraftError('data.missing_field', { field });
  if (Array.isArray(value) && value.length > 0) {
    return value.map((part: unknown, i) => textPart(part, `${field}[${i}]`)).join('');
  }
  if (typeof value !== 'string') {
    throw new GraftError('data.bad_field', { field, found: kindName(value), expected: 'text' });
  }
  if (hasLoneSurrogate(value)) throw new GraftError('data.lone_surrogate', { field });
  return value;
}

/** `value` as a list of objects for field `field`. Throws `data.missing_field`, `data.bad_field`. */
export function objectsOf(value: unknown, field: string): object[] {
  if (value === undefined) throw new GraftError('data.missing_field', { field });
  if (!Array.isArray(value)) {
    throw new GraftError('data.bad_field', { field, found: kindName(value), expected: 'a list' });
  }
  return value.map((item: unknown, i) => {
    if (typeof item === 'object' && item !== null && !Array.isArray(item)) return item;
    throw new GraftError('data.bad_field', {
      field: `${field}[${i}]`,
      found: kindName(item),
      expected: 'an object',
    });
  });
}

/** Refuses a field that carries meaning this version can't train on, rather than dropping it silently. */
export function refuseField(object: object, field: string, path: string, detail: string): void {
  const value = ownField(object, field);
  const empty =
    value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
  if (!empty) throw new GraftError('data.unsupported_field', { field: path, detail });
}

/**
 * A list of `{role, content}` or `{from, value}` objects (both spellings, also mixed) as messages.
 * Throws `data.missing_field`, `data.bad_field`, `data.unknown_role`, `data.unsupported_field`, `data.lone_surrogate`.
 */
export function messagesOf(value: unknown, field: string): Message[] {
  const items = objectsOf(value, field);
  if (items.length === 0) {
    throw new GraftError('data.bad_field', {
      field,
      found: 'an empty list',
      expected: 'at least one message',
    });
  }
  return items.map((item, i) => {
    const path = `${field}[${i}]`;
    const shareGpt = !Object.hasOwn(item, 'role') && Object.hasOwn(item, 'from');
    const roleField = shareGpt ? 'from' : 'role';
    const contentField =
      !Object.hasOwn(item, 'content') && Object.hasOwn(item, 'value') ? 'value' : 'content';
    refuseField(item, 'tool_calls', `${path}.tool_calls`, 'tool calls are not text');
    refuseField(item, 'function_call', `${path}.function_call`, 'tool calls are not text');
    const role = roleOf(textOf(ownField(item, roleField), `${path}.${roleField}`), `${path}.${roleField}`);
    return { role, content: textOf(ownField(item, contentField), `${path}.${contentField}`) };
  });
}

const ROLES: ReadonlyMap<string, Role> = new Map([
  ['system', 'system'],
  ['user', 'user'],
  ['human', 'user'],
  ['assistant', 'assistant'],
  ['gpt', 'assistant'],
  ['chatgpt', 'assistant'],
  ['model', 'assistant'],
  ['bot', 'assistant'],
  ['tool', 'tool'],
  ['observation', 'tool'],
]);

function roleOf(name: string, field: string): Role {
  const role = ROLES.get(name.toLowerCase());
  if (role === undefined) throw new GraftError('data.unknown_role', { field, role: name });
  return role;
}

function textPart(part: unknown, field: string): string {
  if (typeof part === 'object' && part !== null) {
    const type = ownField(part, 'type');
    if (type === 'text' || type === undefined) return textOf(ownField(part, 'text'), `${field}.text`);
    throw new GraftError('data.unsupported_field', { field, detail: `content of type ${String(type)}` });
  }
  throw new GraftError('data.bad_field', { field, found: kindName(part), expected: 'a text part' });
}
