import { fstatSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { inspect } from 'node:util';
import { GraftError, messageOf } from '../../../base/lib/errors.ts';
import { escapeControls } from '../../../base/lib/visibleText.ts';

/**
 * Everything the command line prints goes through here: results to stdout, all else to stderr. Control characters of
 * others are escaped. No function here throws: what cannot be printed never ends the work that is reported.
 */

/** The status of a command whose reader closed the pipe: what a shell reports of tools that SIGPIPE ends. */
const CLOSED_PIPE_STATUS = 141;

/** Prints a result for people, or JSON, which stays the same JSON. */
export function printText(text: string): void {
  stdout.write(`${escapeControls(text, '\n\t')}\n`);
}

/** Prints a text that is the result itself: exactly, unless it goes to a terminal. */
export function printExact(text: string): void {
  stdout.write(process.stdout.isTTY ? `${escapeControls(text, '\n\t')}\n` : `${text}\n`);
}

/** Prints a line on stderr. Line breaks become spaces: no text of others may look like a line of ours. */
export function log(line: string): void {
  stderr.write(`${safeLine(line)}\n`);
}

/** Whether `redraw` can replace what it drew before. */
export function canRedraw(): boolean {
  return process.stderr.isTTY;
}

/** Draws a line on stderr in place of the one before, which was drawn, too; `endRedraw` leaves it there. */
export function redraw(line: string): void {
  stderr.write(`\r\u001b[K${safeLine(line)}`);
}

/** Ends the line that `redraw` has drawn. */
export function endRedraw(): void {
  stderr.write('\n');
}

/** Asks a question on stderr, and returns the line that is typed; null where no terminal is there to answer. */
export async function ask(question: string): Promise<string | null> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  return terminal.question(safeLine(question)).finally(() => terminal.close());
}

/** Prints why a command failed, in one line; with $GRAFT_DEBUG where, too. */
export function logError(error: unknown): void {
  log(`graft: ${messageOf(error)}`);
  if (process.env.GRAFT_DEBUG) for (const line of inspect(error).split('\n')) log(line);
}

/**
 * Waits until everything is printed.
 * @param status of the command
 * @returns the status to end with: another one if a result was lost, which is logged unless its reader closed the pipe
 */
export async function finishOutput(status: number): Promise<number> {
  const failure = await stdout.finish();
  let ended = status;
  if (failure && status === 0) {
    ended = isClosedPipe(failure) ? CLOSED_PIPE_STATUS : 1;
    if (ended === 1) logError(new GraftError('cli.result_not_written', { detail: failure.message }));
  }
  await stderr.finish();
  return ended;
}

function safeLine(line: string): string {
  return escapeControls(line.replaceAll('\n', ' '), '\t');
}

/** A stream of the process, whose errors are kept instead of thrown. */
class OutputChannel {
  readonly #stream: NodeJS.WriteStream;
  readonly #fd: number;
  /** What comes after a loss: nothing for a result; a log continues, and says that it has a gap. */
  readonly #gapNote: string | null;
  /** Files and devices are written here: Node's stream does not notice when only a part fits. */
  readonly #isFile: boolean;
  #failure: NodeJS.ErrnoException | null = null;

  constructor(stream: NodeJS.WriteStream, fd: number, gapNote: string | null) {
    this.#stream = stream;
    this.#fd = fd;
    this.#gapNote = gapNote;
    this.#isFile = isFileLike(fd);
    // Without a listener an error of the stream ends the process.
    stream.on('error', (error) => this.#fail(error));
  }

  write(text: string): void {
    if (this.#failure && (this.#gapNote === null || !this.#isFile)) return;
    if (!this.#isFile) {
      this.#stream.write(text, (error) => error && this.#fail(error));
      return;
    }
    const gap = this.#failure ? `\n${this.#gapNote}\n` : '';
    try {
      writeAll(this.#fd, Buffer.from(gap + text));
      this.#failure = null;
    } catch (error) {
      this.#fail(error as NodeJS.ErrnoException);
    }
  }

  /** Resolves once everything is written, with what went wrong. */
  async finish(): Promise<NodeJS.ErrnoException | null> {
    if (!this.#isFile && !this.#failure)
      await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
    return this.#failure;
  }

  #fail(error: NodeJS.ErrnoException): void {
    this.#failure ??= error;
  }
}

function isFileLike(fd: number): boolean {
  try {
    const info = fstatSync(fd);
    return info.isFile() || (info.isCharacterDevice() && !(fd === 1 ? process.stdout : process.stderr).isTTY);
  } catch {
    // Windows cannot tell what some handles are.
    return false;
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength;) done += writeSync(fd, bytes, done);
}

function isClosedPipe({ code }: NodeJS.ErrnoException): boolean {
  // Windows calls it EOF.
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'EOF';
}

const stdout = new OutputChannel(process.stdout, 1, null);
const stderr = new OutputChannel(process.stderr, 2, '[lines are missing here: there was no space for them]');
