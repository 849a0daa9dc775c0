import { joinTokenized, type PreviewPiece, type TokenizedDataset } from '../data/tokenize.ts';
import type { EndTokens } from '../data/lint.ts';
import type { EndToken } from '../data/turnEnd.ts';
import { tokenizerJson, type TokenizerFiles } from '../data/tokenizerFiles.ts';
import { tokenizerPatterns } from '../data/tokenizerPatterns.ts';
import { GraftError, type ErrorParams } from '../lib/errors.ts';
import type { Prompt, PromptTokens } from './protocol.ts';
import type { Beat, RowsRequest, TextApi } from './textProtocol.ts';
import { connectWorker, type WorkerLike } from './workerClient.ts';
import type { Throwing } from './result.ts';

/** How often the text worker's silence is looked at, in ms. Looks are counted, not clocks: a laptop may have slept. */
const TICK_MS = 100;
/** How long one program may be silent, in ms: on any text, and for each UTF-16 unit of it. */
const SILENCE_MS = 1800;
const SILENCE_MS_PER_UNIT = 0.005;
/** The same for what is the worker's own: building a vocabulary, say. */
const OWN_SILENCE_MS = 30_000;
/** Rows that go to the worker at a time. */
const ROWS = 128;

/** No program is running. */
const QUIET: Beat = { beat: { program: null, length: 0, line: 0 } };

/** A tokenizer that is open in the text worker. */
interface OpenTokenizer {
  /** Reads its files; again whenever a worker was ended. */
  read: () => Promise<TokenizerFiles>;
  vocabSize: number;
  /** Where its programs are from, for messages. */
  file: string;
  patterns: () => string;
}

/**
 * A model's template and tokenizer, run in a worker that is ended when one of their programs makes no progress: a
 * template has two seconds for a rendering, a tokenizer somewhat longer for long texts. The next call starts another
 * worker with the same tokenizer.
 */
export class TextGuard {
  readonly #worker;
  #last = QUIET.beat;
  #silentTicks = 0;
  #tokenizer: OpenTokenizer | null = null;
  #chatTemplate: string | null = null;
  /** Whether the worker that is running has the tokenizer. */
  #isLoaded = false;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param start makes the worker; it runs `createTextDesk` and is started at the first call. */
  constructor(start: () => WorkerLike) {
    this.#worker = connectWorker<TextApi>('text', () => {
      const worker = start();
      worker.addEventListener('message', (event) => this.#hear((event as MessageEvent).data));
      return worker;
    });
    this.#worker.onCrash(() => (this.#isLoaded = false));
  }

  /** Whether there is a tokenizer. */
  get hasTokenizer(): boolean {
    return this.#tokenizer !== null;
  }

  /**
   * Takes the tokenizer that `read` reads, or none; what was there before is forgotten, whatever comes of this one.
   * Returns its files. Throws `data.tokenizer_invalid`, `data.tokenizer_mismatch`, `data.pattern_hangs`.
   */
  async open(read: () => Promise<TokenizerFiles | null>, vocabSize: number): Promise<TokenizerFiles | null> {
    this.close();
    const files = await read();
    if (!files) return null;
    const again = async () => (await read()) ?? files;
    const opening = {
      read: again,
      vocabSize,
      file: files.file,
      patterns: () => tokenizerPatterns(tokenizerJson(files)),
    };
    await this.#watch(async (call) => {
      this.#tokenizer = opening;
      this.#chatTemplate = files.chatTemplate;
      try {
        await call.open(files, vocabSize);
        this.#isLoaded = true;
      } catch (error) {
        this.#tokenizer = null;
        throw error;
      }
    }, null);
    return files;
  }

  /** Forgets the tokenizer. */
  close(): void {
    this.#tokenizer = null;
    this.#chatTemplate = null;
    this.#isLoaded = false;
  }

  /**
   * Tokens of rows, as `tokenizeRows` makes them, and with its errors; besides, `data.template_hangs_on_line`
   * and `data.pattern_hangs_on_line`.
   */
  async tokenize(
    request: RowsRequest,
    onProgress: (done: number, total: number) => void,
  ): Promise<TokenizedDataset> {
    const { rows, name } = request;
    const parts: TokenizedDataset[] = [];
    for (let at = 0; at < rows.length; at += ROWS) {
      onProgress(at, rows.length);
      const some = { ...request, rows: rows.slice(at, at + ROWS) };
      parts.push(await this.#ask((call) => call.tokenize(some), name));
    }
    onProgress(rows.length, rows.length);
    return joinTokenized(parts);
  }

  /** Tokens of a row as the model sees them. */
  preview(ids: Int32Array, labels: Int32Array): Promise<PreviewPiece[]> {
    return this.#ask((call) => call.preview(ids, labels), null);
  }

  /** A row as the model sees it, with its thoughts, calls and what is cut off. */
  look(request: RowsRequest): Promise<PreviewPiece[][]> {
    return this.#ask((call) => call.look(request), request.name);
  }

  /** The source of the model's chat template; null for none. */
  get chatTemplate(): string | null {
    return this.#chatTemplate;
  }

  /** What the tokenizer says about the ends of texts. */
  endTokens(): Promise<EndTokens> {
    return this.#ask((call) => call.endTokens(), null);
  }

  /** The tokens that training teaches to end answers with. Throws as {@link prompt} does. */
  trainedEnds(): Promise<EndToken[]> {
    return this.#ask((call) => call.trainedEnds(), null);
  }

  /** A prompt as tokens, with those that end its answer. Throws `data.template_hangs`, `data.pattern_hangs`, `data.template_*`. */
  prompt(prompt: Prompt): Promise<PromptTokens> {
    return this.#ask((call) => call.prompt(prompt), null);
  }

  /** One call with the tokenizer in the worker. @param file the data file whose lines it tells of */
  #ask<T>(work: (call: Throwing<TextApi>) => Promise<T>, file: string | null): Promise<T> {
    return this.#watch(async (call) => {
      const tokenizer = this.#tokenizer;
      if (!tokenizer) throw new GraftError('infer.no_tokenizer');
      if (!this.#isLoaded) {
        const files = await tokenizer.read();
        this.#hear(QUIET);
        await call.open(files, tokenizer.vocabSize);
        this.#isLoaded = true;
      }
      return work(call);
    }, file);
  }

  /** One call after another, so that silence is that of the call under way. */
  #watch<T>(work: (call: Throwing<TextApi>) => Promise<T>, file: string | null): Promise<T> {
    const turn = this.#turn.then(async () => {
      this.#hear(QUIET);
      const timer = setInterval(() => this.#tick(file), TICK_MS);
      try {
        return await work(this.#worker.call);
      } finally {
        clearInterval(timer);
      }
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #hear(message: unknown): void {
    if (typeof message !== 'object' || message === null || !('beat' in message)) return;
    this.#last = (message as Beat).beat;
    this.#silentTicks = 0;
  }

  #tick(file: string | null): void {
    const { program, length } = this.#last;
    const silence = ++this.#silentTicks * TICK_MS;
    const limit =
      program === null
        ? OWN_SILENCE_MS
        : SILENCE_MS + (program === 'tokenizer' ? length * SILENCE_MS_PER_UNIT : 0);
    if (silence >= limit) this.#worker.restart(this.#overdue(silence, file));
  }

  #overdue(silence: number, data: string | null): GraftError {
    const { program, line } = this.#last;
    const seconds = Math.round(silence / 1000);
    const onLine = data !== null && line > 0;
    const where: ErrorParams = onLine ? { seconds, line, data } : { seconds };
    if (program === 'template')
      return new GraftError(onLine ? 'data.template_hangs_on_line' : 'data.template_hangs', where);
    const { file = 'tokenizer.json', patterns = () => '' } = this.#tokenizer ?? {};
    return new GraftError(onLine ? 'data.pattern_hangs_on_line' : 'data.pattern_hangs', {
      ...where,
      file,
      patterns: patterns(),
    });
  }
}
