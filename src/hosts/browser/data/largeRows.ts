import { assert, GraftError } from '../../../base/lib/errors.ts';
import type { ByteSource, Directory } from '../../../base/storage/types.ts';
import type { Dataset } from '../../../content/data/dataset/dataset.ts';
import type { ParsedDataset, ParseOptions } from '../../../content/data/files/parse.ts';
import { splitStreamed } from '../../../content/data/streamed/heldOut.ts';
import { largeFile, STREAM_FROM_BYTES, tokenizeLarge } from '../../../content/data/streamed/streamedFile.ts';
import { tokenizersFor } from '../../../content/data/streamed/tokenizeFile.ts';
import type { TextGuard } from '../../../content/guard/textGuard.ts';
import type { RunRows, TokenizeRequest } from '../dataProtocol.ts';
import { opfsRowShards } from '../rowShards.ts';

/** Where rows of large files are tokenized to, from which size on files are large, and how many tokenizers work at once. */
export interface LargeFiles {
  root(): Promise<Directory>;
  from: number;
  workers(): number;
}

export const inOpfs: LargeFiles = {
  root: opfsRowShards,
  from: STREAM_FROM_BYTES,
  workers: () => tokenizersFor(navigator.hardwareConcurrency),
};

/** A file of which only the first rows are open. */
export class LargeRows {
  readonly sample: ParsedDataset;
  readonly #source: ByteSource;
  readonly #reading: ParseOptions;
  readonly #files: LargeFiles;
  #ending: AbortController | null = null;

  private constructor(source: ByteSource, sample: ParsedDataset, reading: ParseOptions, files: LargeFiles) {
    this.#source = source;
    this.sample = sample;
    this.#reading = reading;
    this.#files = files;
  }

  /** Null for a file that is read whole. Throws as `parseDataset` does. */
  static async open(source: ByteSource, reading: ParseOptions, files: LargeFiles): Promise<LargeRows | null> {
    const sample = await largeFile(source, reading, files.from);
    return sample && new LargeRows(source, sample, reading, files);
  }

  /** Bytes of the file. */
  get bytes(): number {
    return this.#source.size;
  }

  /**
   * Tokenizes all rows, or goes on where that was ended. Throws `data.tokenizing_stopped` where it is stopped, and as
   * `tokenizeLarge` and `splitStreamed` do.
   * @param sample the first rows as a data set, whose format and validation file are those of all
   */
  async tokenize(
    sample: Dataset,
    tokenizer: { tokenizer: TextGuard; tokenizerId: string },
    { reading, maxLength, evalFraction, seed, vocabSize }: TokenizeRequest & { vocabSize: number },
    onProgress: (done: number, total: number) => void,
  ): Promise<RunRows> {
    const { format, tokens } = sample;
    assert(format !== null && tokens, 'the first rows have tokens');
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    const request = { ...reading, maxLength, vocabSize, format, name: this.#source.name };
    const options = { ...this.#reading, onProgress, signal, workers: this.#files.workers() };
    try {
      const root = await this.#files.root();
      const { rows } = await tokenizeLarge(this.#source, root, tokenizer, request, options);
      const split = await splitStreamed(rows, tokens.validation ? 0 : evalFraction, seed);
      return { train: split.train.place, evaluation: tokens.validation ?? split.evaluation };
    } catch (error) {
      throw signal.aborted ? new GraftError('data.tokenizing_stopped') : error;
    } finally {
      this.#ending = null;
    }
  }

  /** Ends `tokenize` after the rows under way. */
  stop(): void {
    this.#ending?.abort();
  }
}
