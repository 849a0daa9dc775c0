/**
 * Characters that change how a terminal or a page shows the text around them: control characters (C0, DEL, C1), line and
 * paragraph separators, and Unicode's marks, embeddings, overrides and isolates of text direction.
 */
const invisible = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Of these, those that may make text read as another one: what comes after them is shown in another order. */
const reordering = /[\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text of others, safe on a terminal: every such character as JSON writes it, `\u001b`, so that JSON stays the same JSON.
 * @param kept characters that stay, such as line breaks of a text of several lines
 */
export function escapeControls(text: string, kept = ''): string {
  return text.replace(invisible, (char) => (kept.includes(char) ? char : escaped(char)));
}

/** Whether a text holds characters that reorder what follows them. */
export function reorders(text: string): boolean {
  return showReordering(text) !== text;
}

/** Text of others in a page, which shows everything but characters that reorder: those are written as `\u202e`. */
export function showReordering(text: string): string {
  return text.replace(reordering, escaped);
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
