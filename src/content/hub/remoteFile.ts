import { GraftError } from '../../base/lib/errors.ts';
import { concatBytes } from '../../base/lib/bytes.ts';
import { sniff } from '../../base/lib/sniff.ts';
import { RangesIgnored, Transient, type Asked } from './answers.ts';
import type { Answer, Hub } from './hub.ts';
import { bodyPieces, type Watch } from './watchdog.ts';

/** A file of a model at a commit. */
export interface HubFile {
  path: string;
  /** Size in bytes. */
  size: number;
  /** SHA-256 of a file in LFS, git's SHA-1 of any other, in hex. */
  oid: string;
  /** Whether `oid` is a SHA-256. */
  lfs: boolean;
}

/** Receives the bytes at `offset` of the file; resolves when they may be overwritten. */
export type Deliver = (offset: number, bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>;

/** For small files, maximum size of a body that is checked for being something else. */
const MAX_SNIFFED_BYTES = 4096;
/** Whole-file answers to range requests after which a server counts as not supporting ranges. */
const MAX_IGNORED_RANGES = 3;

/** Reads ranges of one file of a model at a commit, across connection failures. */
export class RemoteFile {
  readonly file: HubFile;
  readonly #hub: Hub;
  readonly #commit: string;
  readonly #asked: Asked;
  readonly #address: string;
  /** The Hub's last redirect target: requested directly until it expires, to save one Hub request per range. */
  #signed: string | null = null;
  #ignored = 0;

  constructor(hub: Hub, repo: string, commit: string, file: HubFile) {
    this.file = file;
    this.#hub = hub;
    this.#commit = commit;
    this.#asked = { repo, file: file.path, revision: commit };
    const path = file.path.split('/').map(encodeURIComponent).join('/');
    this.#address = `${hub.endpoint}/${repo}/resolve/${commit}/${path}`;
  }

  get host(): string {
    return this.#hub.host;
  }

  /** Reads bytes `begin` to `end` into memory. Throws like `stream`. */
  async read(begin: number, end: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const out = new Uint8Array(end - begin);
    await this.stream(begin, end, (offset, bytes) => out.set(bytes, offset - begin), { signal });
    return out;
  }

  /**
   * Delivers bytes `begin` to `end` in order, each once; after a cut connection it resumes where it stopped. If a range
   * request is answered with the whole file, it retries, and then reads from the start and drops the rest or, with
   * `acceptsWhole: false`, throws `RangesIgnored`. `onCut` gets the offset at which an attempt ended. Throws the `hub.*`
   * errors.
   */
  async stream(
    begin: number,
    end: number,
    deliver: Deliver,
    {
      signal,
      acceptsWhole = true,
      onCut,
    }: { signal?: AbortSignal; acceptsWhole?: boolean; onCut?: (at: number) => void } = {},
  ): Promise<void> {
    let at = begin;
    const counted: Deliver = async (offset, bytes) => {
      await deliver(offset, bytes);
      at = offset + bytes.byteLength;
    };
    if (begin >= end) return;
    const attempt = async (): Promise<void> => {
      try {
        await this.#attempt(at, end, counted, acceptsWhole, signal);
      } catch (error) {
        if (error instanceof Transient) onCut?.(at);
        throw error;
      }
    };
    await this.#hub.persist(attempt, { signal, progress: () => at });
  }

  async #attempt(
    begin: number,
    end: number,
    deliver: Deliver,
    acceptsWhole: boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    const address = this.#signed ?? this.#address;
    const headers = {
      Range: `bytes=${begin}-${end - 1}`,
      // Ranges of compressed data would be useless. Browsers set this header themselves.
      'Accept-Encoding': 'identity',
    };
    let delivered = false;
    const noting: Deliver = (offset, bytes) => {
      delivered = true;
      return deliver(offset, bytes);
    };
    const read = async (answer: Answer, watch: Watch): Promise<void> => {
      const from = await this.#check(answer, begin, end, acceptsWhole, watch);
      this.#signed = answer.redirected ? answer.url : null;
      await this.#readBody(answer.response, from, begin, end, noting, watch);
    };
    try {
      await this.#hub.request(address, this.#asked, { headers }, read, signal);
    } catch (error) {
      // An address that delivered bytes before the connection was cut is still good.
      if (error instanceof Transient && !delivered) this.#signed = null;
      throw error;
    }
  }

  /** The file offset at which the body starts. Throws unless it covers the requested range. */
  async #check(
    { response, first }: Answer,
    begin: number,
    end: number,
    acceptsWhole: boolean,
    watch: Watch,
  ): Promise<number> {
    const { file } = this;
    const { headers, status } = response;
    const fail = async (detail: string): Promise<never> => {
      // A page or pointer is short or a whole answer; no byte of a wrong range is used.
      const length = Number(headers.get('Content-Length') ?? Infinity);
      if (status === 200 || length <= MAX_SNIFFED_BYTES) {
        const instead = await this.#sniffBody(response, watch);
        if (instead) throw this.#error(instead);
      } else await response.body?.cancel();
      throw new Transient(this.#error('hub.bad_range', { detail }));
    };
    const commit = first.get('X-Repo-Commit');
    if (commit !== null && commit !== this.#commit) {
      await response.body?.cancel();
      throw new GraftError('hub.commit_changed', {
        host: this.#hub.host,
        repo: this.#asked.repo,
        commit: this.#commit,
        found: commit,
      });
    }
    const linked = first.get('X-Linked-Size');
    if (linked !== null && Number(linked) !== file.size) return fail(`the file has ${linked} bytes there`);
    if (/\bhtml\b/.test(headers.get('Content-Type') ?? '') && !/\.html?$/.test(file.path)) {
      return fail('it returned a web page');
    }
    const encoding = headers.get('Content-Encoding');
    if (encoding !== null && encoding !== 'identity')
      return fail(`it returned data compressed with ${encoding}`);
    const length = headers.get('Content-Length');
    if (status === 206) {
      const range = headers.get('Content-Range');
      // Browsers hide the header unless the server exposes it; then the length must suffice.
      if (range === null) {
        if (length !== null && Number(length) !== end - begin) return fail(`it returned ${length} bytes`);
        return begin;
      }
      const [, from, to, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(range.trim()) ?? [];
      const fits =
        Number(from) === begin && Number(to) < end && (total === '*' || Number(total) === file.size);
      return fits ? begin : fail(`it returned ${range.slice(0, 100)}`);
    }
    if (length !== null && Number(length) !== file.size) return fail(`the file has ${length} bytes there`);
    if (begin === 0 && end === file.size) return 0;
    this.#ignored += 1;
    if (this.#ignored >= MAX_IGNORED_RANGES && acceptsWhole) return 0;
    await response.body?.cancel();
    if (this.#ignored >= MAX_IGNORED_RANGES) throw new RangesIgnored();
    throw new Transient(this.#error('hub.bad_range', { detail: 'the whole file' }));
  }

  async #readBody(
    response: Response,
    from: number,
    begin: number,
    end: number,
    deliver: Deliver,
    watch: Watch,
  ): Promise<void> {
    let at = from;
    for await (const bytes of bodyPieces(response, watch)) {
      this.#hub.bytesReceived += bytes.byteLength;
      const wanted = bytes.subarray(Math.max(0, begin - at), end - at);
      if (wanted.byteLength > 0) await deliver(Math.max(at, begin), wanted);
      at += bytes.byteLength;
      if (at >= end) return;
    }
    throw new Transient(
      new GraftError('hub.offline', { host: this.#hub.host, detail: 'the connection was closed early' }),
    );
  }

  /** The kind of content found in place of the file, if recognized by its first bytes. Consumes the body. */
  async #sniffBody(response: Response, watch: Watch): Promise<'hub.html_page' | 'hub.lfs_pointer' | null> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const bytes of bodyPieces(response, watch)) {
      this.#hub.bytesReceived += bytes.byteLength;
      pieces.push(bytes);
      size += bytes.byteLength;
      if (size >= 1024) break;
    }
    const found = sniff(concatBytes(pieces));
    return found === 'html_page' || found === 'lfs_pointer' ? `hub.${found}` : null;
  }

  #error(
    code: 'hub.bad_range' | 'hub.html_page' | 'hub.lfs_pointer',
    params: { detail?: string } = {},
  ): GraftError {
    return new GraftError(code, { host: this.#hub.host, file: this.file.path, ...params });
  }
}
