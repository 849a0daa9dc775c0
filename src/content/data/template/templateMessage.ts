import type { TemplateMessage } from '../rows/conversation.ts';

/** Keys of a message's thoughts, the most widely read first (transformers' chat_template_utils). */
const REASONING = ['reasoning_content', 'thinking', 'reasoning'];

/**
 * A message as passed to the template by transformers' apply_chat_template: null fields are omitted, and thoughts are
 * under both names that templates read.
 */
export function templateMessage({ role, content, fields = {} }: TemplateMessage): Record<string, unknown> {
  const entries = Object.entries({ role, content, ...fields } as Record<string, unknown>);
  const message = Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined));
  const name = REASONING.find((key) => Object.hasOwn(message, key));
  if (name === undefined) return message;
  const reasoning = message[name];
  return { thinking: reasoning, ...message, reasoning_content: reasoning };
}

/** The approximate number of characters in a template's variables. */
export function templateSize(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  let size = 1;
  if (Array.isArray(value)) for (const item of value) size += templateSize(item);
  else for (const [key, item] of Object.entries(value)) size += key.length + templateSize(item);
  return size;
}
