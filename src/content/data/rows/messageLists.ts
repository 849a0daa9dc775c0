import { hasField, isObject, tryJson } from './conversation.ts';

/** Parses a list of messages given as JSON text, as in tables; returns other values unchanged. */
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
