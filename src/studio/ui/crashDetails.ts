import { GraftError } from '../../base/lib/errors.ts';

/**
 * The text of a crash report: the kind of error, its location in the program, and the browser. Nothing of the user's:
 * messages may quote rows, file names or prompts, so only words outside quotes are included.
 */
export function crashDetails(
  error: unknown,
  componentStack: string | null | undefined,
  browser: string,
): string {
  const kind = error instanceof Error ? error.name : typeof error;
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const message =
    error instanceof GraftError ? error.code : error instanceof Error ? unquoted(error.message) : '';
  return [
    `Graft: ${[kind, message].filter(Boolean).join(': ')}`,
    ...framesOf(stack, 20),
    ...(componentStack ? ['Drawn by:', ...framesOf(componentStack, 12)] : []),
    browser,
  ].join('\n');
}

/** Maximum length of the message. */
const MAX_MESSAGE = 200;

function unquoted(message: string): string {
  const words = message.replace(/(["'`“‘«]).*?(["'`”’»]|$)/gs, '…');
  return words.length > MAX_MESSAGE ? `${words.slice(0, MAX_MESSAGE)}…` : words;
}

/** The frames of a stack, `function file:line:column`; lines of any other form belong to the message. */
function framesOf(stack: string, count: number): string[] {
  const frames: string[] = [];
  for (const line of stack.split('\n')) {
    const found =
      /^\s*at (?:(.+?) \()?(?:\S*\/)?([\w.$-]+:\d+:\d+)\)?$/.exec(line) ??
      /^([^@\s]*)@\S*?\/?([\w.$-]+:\d+:\d+)$/.exec(line.trim());
    if (found) frames.push(`  at ${[found[1], found[2]].filter(Boolean).join(' ')}`);
  }
  return frames.slice(0, count);
}
