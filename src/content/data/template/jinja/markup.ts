import { spendCharacters } from './budget.ts';
import { isString, Markup, type Value } from './values.ts';
import { str } from './write.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&#39;',
  '"': '&#34;',
};

/** markupsafe.escape as text: Markup is already escaped. */
export function escapeHtml(value: Value): string {
  return value instanceof Markup ? value.text : escapeText(str(value));
}

export function escapeText(text: string): string {
  const escaped = text.replace(/[&<>'"]/g, (char) => ENTITIES[char] ?? char);
  spendCharacters(escaped.length);
  return escaped;
}

export const markup = (value: Value): Markup =>
  value instanceof Markup ? value : new Markup(escapeHtml(value));

/** Like soft_str: str and Markup stay unchanged. */
export const softText = (value: Value): string | Markup => (isString(value) ? value : str(value));
