import { TemplateError, unsupported } from './errors.ts';

export const syntaxError = (message: string, line: number): TemplateError =>
  new TemplateError('TemplateSyntaxError', `line ${line}: ${message}`);

const SIMPLE: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The value of a string literal, with Python's escapes. */
export function unescapeText(text: string, line: number): string {
  if (!text.includes('\\')) return text;
  return text.replace(
    /\\([0-7]{1,3}|x[\da-fA-F]{0,2}|u[\da-fA-F]{0,4}|U[\da-fA-F]{0,8}|N(?:\{[^}]*\})?|[\s\S])/gu,
    (whole, code: string) => {
      const simple = SIMPLE[code];
      if (simple !== undefined) return simple;
      if (/^[0-7]/.test(code)) return String.fromCodePoint(Number.parseInt(code, 8));
      const kind = code.charAt(0);
      const wide = { x: 3, u: 5, U: 9 }[kind];
      if (wide !== undefined) return codePoint(code, wide, line);
      if (kind === 'N') throw unsupported('characters by name (\\N) in a string');
      // A character beyond ASCII is already an escape by the time Python reads the backslash before it.
      const point = code.codePointAt(0) ?? 0;
      if (point < 128) return whole;
      const hex = point.toString(16);
      return point < 0x100
        ? `\\x${hex}`
        : point < 0x10000
          ? `\\u${hex.padStart(4, '0')}`
          : `\\U${hex.padStart(8, '0')}`;
    },
  );
}

function codePoint(code: string, length: number, line: number): string {
  const point = Number.parseInt(code.slice(1), 16);
  if (code.length !== length) throw syntaxError(`truncated \\${code.charAt(0)} escape`, line);
  if (point > 0x10ffff) throw syntaxError('illegal Unicode character', line);
  if (point >= 0xd800 && point <= 0xdfff)
    throw unsupported('half a character (a lone surrogate) in a string');
  return String.fromCodePoint(point);
}
