import { GraftError } from '../lib/errors.ts';

/**
 * What a report of a crash may say, as text: the kind of error, where in the program it was, and the browser. Nothing of
 * the person's: messages may quote rows, names of files or prompts, so of those only the words outside quotes are kept.
 */
export function crashDetails(
  error: unknown,
  componentStack: string | null | undefined,
  browser: string,
): string {
  const kind = error instanceof Error ? error.name : typeof error;
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const told =
    error instanceof GraftError ? error.code : error instanceof Error ? unquoted(error.message) : '';
  return [
    `Graft: ${[kind, told].filter(Boolean).join(': ')}`,
    ...placesOf(stack, 20),
    ...(componentStack ? ['Drawn by:', ...placesOf(componentStack, 12)] : []),
    browser,
  ].join('\n');
}

/** Longest part of a message that is told. */
const MAX_MESSAGE = 200;

function unquoted(message: string): string {
  const words = message.replace(/(["'`“‘«]).*?(["'`”’»]|$)/gs, '…');
  return words.length > MAX_MESSAGE ? `${words.slice(0, MAX_MESSAGE)}…` : words;
}

/** The places of a stack, `function file:line:column`; lines of any other form belong to the message. */
function placesOf(stack: string, count: number): string[] {
  const places: string[] = [];
  for (const line of stack.split('\n')) {
    const found =
      /^\s*at (?:(.+?) \()?(?:\S*\/)?([\w.$-]+:\d+:\d+)\)?$/.exec(line) ??
      /^([^@\s]*)@\S*?\/?([\w.$-]+:\d+:\d+)$/.exec(line.trim());
    if (found) places.push(`  at ${[found[1], found[2]].filter(Boolean).join(' ')}`);
  }
  return places.slice(0, count);
}
