import type { PreviewPiece } from '../data/checks/preview.ts';
import { threadLimits } from '../data/programLimits.ts';
import { joinTokenized } from '../data/tokens/tokenize.ts';
import type { TokenizedDataset } from '../data/tokens/tokenizedDataset.ts';
import type { RowsRequest, RowTokenizer } from '../data/dataset/rowTokenizer.ts';
import type { ChatParts } from '../data/template/chatParts.ts';
import type { EndToken, EndTokens } from '../data/labels/turnEnd.ts';
import { tokenizerJson, type TokenizerFiles } from '../data/tokenizer/tokenizerFiles.ts';
import { tokenizerPatterns } from '../data/tokenizer/tokenizerPatterns.ts';
import { GraftError, type ErrorParams } from '../../base/lib/errors.ts';
import { serial } from '../../base/lib/serial.ts';
import type { Beat, Prompt, PromptTokens, TextApi } from './textProtocol.ts';
import { connectWorker, type WorkerLike } from '../../base/threads/workerClient.ts';

/** How often the text worker's silence is checked, in ms. Checks are counted, not time: a laptop may have slept. */
const TICK_MS = 100;
/** Rows sent to the worker at a time. */
const ROWS = 128;

/** No program is running. */
const IDLE: Beat = { beat: { program: null, length: 0, line: 0 } };

/** A tokenizer that is open in the text worker. */
interface OpenTokenizer {
  /** Reads its files; again for each new worker. */
  read: () => Promise<TokenizerFiles>;
  vocabSize: number;
  /** The file of its patterns, for messages. */
  file: string;
  patterns: () => string;
}

/**
 * A model's template and tokenizer, run in a worker that is ended when one of them makes no progress: a template has two
 * seconds for a rendering, a tokenizer somewhat longer for long texts. The next call starts another worker with the same
 * tokenizer.
 */
export class TextGuard implements RowTokenizer {
  readonly #start: () => WorkerLike;
  readonly #worker;
  readonly #silenceMs: number;
  #last = IDLE.beat;
  #silentTicks = 0;
  #tokenizer: OpenTokenizer | null = null;
  #chatTemplate: string | null = null;
  /** Whether the running worker has opened the tokenizer. */
  #isLoaded = false;
  readonly #inTurn = serial();

  /**
   * @param start makes the worker; it runs `createTextService` and is started at the first call
   * @param silenceMs how long one program may be silent, besides its time for long texts
   */
  constructor(start: () => WorkerLike, silenceMs: number = threadLimits.silenceMs) {
    this.#start = start;
    this.#silenceMs = silenceMs;
    this.#worker = connectWorker<TextApi>('text', () => {
      const worker = start();
      worker.addEventListener('message', (event) => this.#onMessage((event as MessageEvent).data));
      return worker;
    });
    this.#worker.onCrash(() => (this.#isLoaded = false));
  }

  /** Whether there is a tokenizer. */
  get hasTokenizer(): boolean {
    return this.#tokenizer !== null;
  }

  /**
   * Opens the tokenizer that `read` reads, if there is one. The previous one is forgotten, even if this one can't be
   * opened. Returns its files. Throws `data.tokenizer_invalid`, `data.tokenizer_mismatch`, `data.pattern_hangs`.
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
    await this.#watched(async (call) => {
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

  /** The same tokenizer in another worker, which reads its files at the first call; to be ended. */
  another(): TextGuard {
    const other = new TextGuard(this.#start, this.#silenceMs);
    other.#tokenizer = this.#tokenizer;
    other.#chatTemplate = this.#chatTemplate;
    return other;
  }

  /** Forgets the tokenizer and ends the worker: for hosts whose process is to end. */
  end(): void {
    this.close();
    this.#worker.restart(new GraftError('workers.crashed', { worker: 'text', reason: 'it was closed' }));
  }

  /** Forgets the tokenizer. */
  close(): void {
    this.#tokenizer = null;
    this.#chatTemplate = null;
    this.#isLoaded = false;
  }

  /**
   * Tokenizes rows. Throws as `tokenizeRows` does, and `data.template_hangs_on_line`, `data.pattern_hangs_on_line`.
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
      parts.push(await this.#call((call) => call.tokenize(some), name));
    }
    onProgress(rows.length, rows.length);
    return joinTokenized(parts);
  }

  /** Tokens of a row as the model sees them. */
  previewTokens(ids: Int32Array, labels: Int32Array): Promise<PreviewPiece[]> {
    return this.#call((call) => call.previewTokens(ids, labels), null);
  }

  /** The one row of the request as the model sees it, with its thoughts, calls and what is cut off. */
  previewRow(request: RowsRequest): Promise<PreviewPiece[][]> {
    return this.#call((call) => call.previewRow(request), request.name);
  }

  /** The source of the model's chat template; null for none. */
  get chatTemplate(): string | null {
    return this.#chatTemplate;
  }

  /** What the tokenizer says about the ends of texts. */
  endTokens(): Promise<EndTokens> {
    return this.#call((call) => call.endTokens(), null);
  }

  /** The tokens that training teaches to end answers with. Throws as {@link prompt} does. */
  trainedEnds(): Promise<EndToken[]> {
    return this.#call((call) => call.trainedEnds(), null);
  }

  /** What the template writes around messages; null where that is no fixed text. Throws as {@link prompt} does. */
  chatParts(): Promise<ChatParts | null> {
    return this.#call((call) => call.chatParts(), null);
  }

  /** A prompt as tokens, with those that end its answer. Throws `data.template_hangs`, `data.pattern_hangs`, `data.template_*`. */
  prompt(prompt: Prompt): Promise<PromptTokens> {
    return this.#call((call) => call.prompt(prompt), null);
  }

  /** Token ids of texts, with the special tokens that the tokenizer adds. Throws `data.pattern_hangs`. */
  encode(texts: readonly string[]): Promise<number[][]> {
    return this.#call((call) => call.encode(texts), null);
  }

  /** One call with the tokenizer open in the worker. @param file the data file that heartbeats' lines are of */
  #call<T>(work: (call: TextApi) => Promise<T>, file: string | null): Promise<T> {
    return this.#watched(async (call) => {
      const tokenizer = this.#tokenizer;
      if (!tokenizer) throw new GraftError('infer.no_tokenizer');
      if (!this.#isLoaded) {
        const files = await tokenizer.read();
        this.#onMessage(IDLE);
        await call.open(files, tokenizer.vocabSize);
        this.#isLoaded = true;
      }
      return work(call);
    }, file);
  }

  /** Runs one call after another, so that silence is that of the current call. */
  #watched<T>(work: (call: TextApi) => Promise<T>, file: string | null): Promise<T> {
    return this.#inTurn(async () => {
      this.#onMessage(IDLE);
      const timer = setInterval(() => this.#tick(file), TICK_MS);
      try {
        return await work(this.#worker.call);
      } catch (error) {
        throw this.#isCrash(error) ? this.#crashed(error, file) : error;
      } finally {
        clearInterval(timer);
      }
    });
  }

  #onMessage(message: unknown): void {
    if (typeof message !== 'object' || message === null || !('beat' in message)) return;
    this.#last = (message as Beat).beat;
    this.#silentTicks = 0;
  }

  #tick(file: string | null): void {
    const { program, length } = this.#last;
    const silence = ++this.#silentTicks * TICK_MS;
    const limit =
      program === null
        ? threadLimits.ownSilenceMs
        : this.#silenceMs + (program === 'tokenizer' ? length * threadLimits.silenceMsPerUnit : 0);
    if (silence >= limit) this.#worker.restart(this.#overdue(silence, file));
  }

  #overdue(silence: number, data: string | null): GraftError {
    const seconds = Math.round(silence / 1000);
    if (this.#last.program === 'template') {
      const code = this.#onLine(data) ? 'data.template_hangs_on_line' : 'data.template_hangs';
      return new GraftError(code, { seconds, ...this.#onLine(data) });
    }
    const { file = 'tokenizer.json', patterns = () => '' } = this.#tokenizer ?? {};
    const code = this.#onLine(data) ? 'data.pattern_hangs_on_line' : 'data.pattern_hangs';
    return new GraftError(code, { seconds, ...this.#onLine(data), file, patterns: patterns() });
  }

  /** Whether the worker ended by itself as it ran a program of the model, or built its vocabulary. */
  #isCrash(error: unknown): error is GraftError {
    const isOfModel = this.#last.program !== null || !this.#isLoaded;
    return error instanceof GraftError && error.code === 'workers.crashed' && isOfModel;
  }

  #crashed(error: GraftError, data: string | null): GraftError {
    const { reason = '' } = error.params;
    const how = { cause: error };
    if (this.#last.program === 'template') {
      const code = this.#onLine(data) ? 'data.template_crashed_on_line' : 'data.template_crashed';
      return new GraftError(code, { reason, ...this.#onLine(data) }, how);
    }
    const { file = 'tokenizer.json' } = this.#tokenizer ?? {};
    const code = this.#onLine(data) ? 'data.tokenizer_crashed_on_line' : 'data.tokenizer_crashed';
    return new GraftError(code, { reason, file, ...this.#onLine(data) }, how);
  }

  /** The line of the data file that is being read; null outside of one. */
  #onLine(data: string | null): ErrorParams | null {
    const { line } = this.#last;
    return data !== null && line > 0 ? { line, data } : null;
  }
}
