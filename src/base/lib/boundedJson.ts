/** Levels of objects and lists that JSON of others may nest: far more than any of it needs, far fewer than a stack holds. */
export const MAX_JSON_DEPTH = 1000;

/** JSON that nests too deep for those who walk it. */
export class TooDeepError extends SyntaxError {
  constructor() {
    super(`it is nested more than ${MAX_JSON_DEPTH} levels deep`);
  }
}

/**
 * `JSON.parse` for texts of others, whose values are walked by recursion. Throws its SyntaxError, and a `TooDeepError`
 * instead of letting a walk exhaust the stack.
 */
export function parseBoundedJson(text: string): unknown {
  if (nestsTooDeep(text)) throw new TooDeepError();
  return JSON.parse(text) as unknown;
}

/** Whether JSON, valid or broken, nests more than `MAX_JSON_DEPTH` objects and lists. */
export function nestsTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) at = endOfString(text, at);
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      if (++depth > MAX_JSON_DEPTH) return true;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth--;
  }
  return false;
}

const [QUOTE, BACKSLASH, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [
  0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d,
];

/** The index of the quote that ends the string which begins at `start`; the text's end where none does. */
function endOfString(text: string, start: number): number {
  for (let from = start + 1; ;) {
    const end = text.indexOf('"', from);
    if (end < 0) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
    from = end + 1;
  }
}
