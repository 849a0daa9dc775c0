import { hasField, isObject, tryJson } from './conversation.ts';

/** A list of messages that stands as JSON in a text, as tables have it; other values as they are. */
export function listOrText(value: unknown): unknown {
  const parsed = typeof value === 'string' && /^\s*\[\s*\{/.test(value) ? tryJson(value) : undefined;
  return isMessageList(parsed) ? parsed : value;
}

/** Whether a value is a list of messages. */
export function isMessageList(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const first: unknown = value[0];
  return isObject(first) && (hasField(first, 'role') || hasField(first, 'from'));
}
