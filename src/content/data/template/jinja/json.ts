import { nestedValue, spendCharacters, spendSteps } from './budget.ts';
import { floatText } from './decimals.ts';
import { Dict } from './dict.ts';
import { typeError } from './errors.ts';
import { sortBy } from './compare.ts';
import { intText } from './numbers.ts';
import { Float, isString, textOf, Tuple, typeName, type Value } from './values.ts';

export interface JsonForm {
  ascii: boolean;
  /** Indentation per level; null for one line. */
  indent: string | null;
  itemSeparator: string;
  keySeparator: string;
  sortKeys: boolean;
}

/** json.dumps(value). Throws TypeError for values that JSON cannot represent. */
export function dumps(value: Value, form: JsonForm): string {
  const text = write(value, form, '\n');
  spendCharacters(text.length);
  return text;
}

function write(value: Value, form: JsonForm, newline: string): string {
  spendSteps(1);
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'number' || typeof value === 'bigint') return intText(value);
  if (isString(value)) return jsonText(textOf(value), form.ascii);
  if (value instanceof Float) return jsonFloat(value.value);
  const items = Array.isArray(value) ? value : value instanceof Tuple ? value.items : null;
  if (items) return around('[', items, ']', form, newline, (item, inner) => write(item, form, inner));
  if (value instanceof Dict) {
    const entries = form.sortKeys ? sorted(value) : [...value.entries()];
    return around('{', entries, '}', form, newline, ([key, item], inner) => {
      return jsonText(keyText(key), form.ascii) + form.keySeparator + write(item, form, inner);
    });
  }
  throw typeError(`Object of type ${typeName(value)} is not JSON serializable`);
}

function around<T>(
  open: string,
  items: readonly T[],
  close: string,
  { indent, itemSeparator }: JsonForm,
  newline: string,
  writeItem: (item: T, newline: string) => string,
): string {
  if (items.length === 0) return open + close;
  const inner = indent === null ? '' : newline + indent;
  const parts = nestedValue(() => items.map((item) => writeItem(item, inner)));
  const text = open + inner + parts.join(itemSeparator + inner) + (indent === null ? '' : newline) + close;
  spendCharacters(text.length);
  return text;
}

function sorted(dict: Dict): [Value, Value][] {
  return sortBy([...dict.keys()], (key) => key).map((key) => [key, dict.get(key) as Value]);
}

function keyText(key: Value): string {
  if (isString(key)) return textOf(key);
  if (key === null) return 'null';
  if (typeof key === 'boolean') return key ? 'true' : 'false';
  if (typeof key === 'number' || typeof key === 'bigint') return intText(key);
  if (key instanceof Float) return jsonFloat(key.value);
  throw typeError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

function jsonFloat(value: number): string {
  if (Number.isFinite(value)) return floatText(value);
  return Number.isNaN(value) ? 'NaN' : value < 0 ? '-Infinity' : 'Infinity';
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\b': '\\b',
};

/** JavaScript's class covers control characters up to U+009F; those from U+007F are unescaped in JSON. */
const SPECIAL = /["\\\p{Cc}]/gu;
const BEYOND_ASCII = /["\\]|[^ -~]/g;

function jsonText(text: string, ascii: boolean): string {
  spendCharacters(text.length);
  if (ascii) return `"${text.replace(BEYOND_ASCII, escaped)}"`;
  return `"${text.replace(SPECIAL, (char) => (char < '\x7f' ? escaped(char) : char))}"`;
}

const escaped = (unit: string): string =>
  SHORT[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
