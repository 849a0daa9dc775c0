import { concatBytes } from '../../base/lib/bytes.ts';
import { GraftError, messageOf } from '../../base/lib/errors.ts';
import { statusError, RangesIgnored, Transient, type Asked } from './answers.ts';
import { systemClock, type Clock } from './clock.ts';
import { backOff, MAX_WAIT_MS, MAX_ATTEMPTS } from './waits.ts';
import { bodyPieces, unlessAborted, watchdog, type Watch } from './watchdog.ts';

export const officialEndpoint = 'https://huggingface.co';

/** How to reach a Hub. */
export interface HubSettings {
  /** Address of a mirror or self-hosted Hub; default: the official Hub. */
  endpoint?: string;
  /** Returns the user's token, which is stored nowhere else; null if there is none. */
  token?: () => string | null | Promise<string | null>;
  /** The user's consent to send the token to `endpoint`. */
  tokenForEndpoint?: boolean;
  fetch?: typeof globalThis.fetch;
  clock?: Clock;
  /** Milliseconds without a byte after which a connection counts as cut. */
  idleMs?: number;
}

/** An answer with a success status. */
export interface Answer {
  response: Response;
  /** The final address, after redirects. */
  url: string;
  /** Whether it came from another origin than the Hub's. */
  redirected: boolean;
  /** The headers of the first answer, before redirects, if visible. */
  first: Headers;
}

/** Parts of a request to send. */
export interface HubRequest {
  headers: Record<string, string>;
  /** Default GET. */
  method?: string;
  body?: RequestInit['body'];
}

const MAX_REDIRECTS = 5;
/** Minimum upload rate in bytes per millisecond: uploads report no progress, and slower ones count as cut. */
const MIN_UPLOAD_RATE = 10;
/** For API requests: giving up loses nothing and the user is waiting, so about eight seconds. */
const API_ATTEMPTS = 6;

/** A client for one Hub: decides where the token may go, what is retried, and how long to wait. */
export class Hub {
  /** Without a trailing slash. */
  readonly endpoint: string;
  readonly host: string;
  readonly clock: Clock;
  /** Total bytes of all received bodies. */
  bytesReceived = 0;
  readonly #settings: HubSettings;
  readonly #origin: string;
  readonly #fetch: typeof globalThis.fetch;
  readonly #idleMs: number;
  /** Browsers hide redirect targets, and follow redirects themselves. */
  #redirectsHidden = false;
  #pausedUntil = 0;

  /** Throws `hub.bad_endpoint`. */
  constructor(settings: HubSettings = {}) {
    const url = parseEndpoint(settings.endpoint ?? officialEndpoint);
    this.endpoint = url.href.replace(/\/+$/, '');
    this.host = url.host;
    this.clock = settings.clock ?? systemClock;
    this.#settings = settings;
    this.#origin = url.origin;
    // Called as a plain function: browsers reject a fetch called as a method.
    const given = settings.fetch;
    this.#fetch = (input, init) => (given ?? globalThis.fetch)(input, init);
    this.#idleMs = settings.idleMs ?? 60_000;
  }

  /**
   * Sends one request and follows its redirects; `read` reads the body of a successful answer. The token goes only to
   * the endpoint's origin, never along a redirect to another one. Throws `Transient` for failures that a retry may
   * resolve, and the named errors of `statusError`.
   */
  async request<T>(
    address: string,
    asked: Asked,
    request: HubRequest,
    read: (answer: Answer, watch: Watch) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    const watch = watchdog(this.#idleMs + sizeOf(request.body) / MIN_UPLOAD_RATE, signal);
    try {
      const answer = await this.#follow(address, asked, request, watch.signal);
      watch.touch();
      return await read(answer, watch);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof GraftError || error instanceof Transient || error instanceof RangesIgnored)
        throw error;
      const host = new URL(address).host;
      throw new Transient(
        new GraftError('hub.offline', { host, detail: networkDetail(error) }, { cause: error }),
      );
    } finally {
      watch.end();
    }
  }

  /**
   * Runs `attempt` until it succeeds, waiting as the server requests or with exponential backoff, at most `attempts`
   * times in a row without an increase of `progress`. Throws the named error of the last failure.
   */
  async persist<T>(
    attempt: () => Promise<T>,
    {
      signal,
      progress = () => 0,
      attempts = MAX_ATTEMPTS,
    }: { signal?: AbortSignal; progress?: () => number; attempts?: number } = {},
  ): Promise<T> {
    let failures = 0;
    let reached = progress();
    for (;;) {
      await this.#pause(signal);
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof Transient)) throw error;
        if (progress() > reached) failures = 0;
        reached = progress();
        failures += 1;
        const { named, waitMs } = error;
        if (failures >= attempts || (waitMs ?? 0) > MAX_WAIT_MS) throw withAttempts(named, failures);
        // A wait requested of one request applies to all.
        if (waitMs) this.#pausedUntil = Math.max(this.#pausedUntil, this.clock.now() + waitMs);
        else if (waitMs === null || failures > 1) await this.clock.sleep(backOff(failures), signal);
      }
    }
  }

  /**
   * A fetch for the client library's API calls: with the rules above, and with the whole answer read, so that a
   * truncated one is retried. Any token that the library sets for this Hub is replaced by the user's.
   * @param decide gets each request that is not a GET, and sends it itself if it must not be sent twice
   */
  apiFetch(
    asked: Asked,
    signal?: AbortSignal,
    decide?: (request: HubRequest & { address: string }, send: () => Promise<Response>) => Promise<Response>,
  ): typeof globalThis.fetch {
    return async (input, init) => {
      const address = this.#atEndpoint(input instanceof Request ? input.url : String(input));
      const isHere = new URL(address).origin === this.#origin;
      const headers = Object.fromEntries(new Headers(init?.headers));
      if (isHere) delete headers.authorization;
      const request: HubRequest = { headers, method: init?.method, body: init?.body };
      const read = async ({ response }: Answer, watch: Watch): Promise<Response> => {
        const pieces: Uint8Array[] = [];
        for await (const piece of bodyPieces(response, watch)) pieces.push(piece);
        const body = concatBytes(pieces);
        this.bytesReceived += body.byteLength;
        if (isHere && /\bhtml\b/.test(response.headers.get('Content-Type') ?? '')) {
          throw new GraftError('hub.html_page', { host: this.host, file: asked.repo });
        }
        const forwarded = ['Content-Type', 'Link', 'ETag', 'X-Request-Id'].flatMap((name) => {
          const value = response.headers.get(name);
          return value === null ? [] : [[name, value] as [string, string]];
        });
        return new Response(body, { headers: forwarded });
      };
      const send = (): Promise<Response> => this.request(address, asked, request, read, signal);
      const attempt = decide && request.method ? () => decide({ ...request, address }, send) : send;
      return this.persist(attempt, { signal, attempts: API_ATTEMPTS });
    };
  }

  /** Mirrors return the official Hub's links to the next page of a list; these are redirected to the mirror. */
  #atEndpoint(address: string): string {
    const url = new URL(address);
    if (url.origin === this.#origin || url.origin !== officialEndpoint) return address;
    return this.endpoint + url.pathname + url.search;
  }

  async #pause(signal?: AbortSignal): Promise<void> {
    for (;;) {
      const wait = this.#pausedUntil - this.clock.now();
      if (wait <= 0) return;
      await this.clock.sleep(wait, signal);
    }
  }

  async #follow(address: string, asked: Asked, request: HubRequest, signal: AbortSignal): Promise<Answer> {
    let url = new URL(address);
    let first: Headers | undefined;
    for (let redirects = 0; ; redirects++) {
      const response = await this.#send(url, asked, request, signal);
      first ??= response.headers;
      if (![301, 302, 303, 307, 308].includes(response.status)) {
        // In browsers, which hide redirects, only the answer shows where it came from.
        if (response.url !== '') url = new URL(response.url);
        return { response, url: url.href, redirected: url.origin !== this.#origin, first };
      }
      await response.body?.cancel();
      url = this.#nextPlace(url, response.headers.get('Location'), asked, redirects);
    }
  }

  #nextPlace(from: URL, location: string | null, { repo, file = repo }: Asked, redirects: number): URL {
    const host = from.host;
    const bad = (detail: string): GraftError => new GraftError('hub.bad_redirect', { host, file, detail });
    if (redirects >= MAX_REDIRECTS) throw bad('too many redirects');
    if (location === null || !URL.canParse(location, from)) throw bad('no target');
    const to = new URL(location, from);
    if (to.protocol !== 'https:' && to.protocol !== 'http:') throw bad(to.protocol);
    if (from.protocol === 'https:' && to.protocol === 'http:') throw bad('from https to http');
    return to;
  }

  async #send(
    url: URL,
    asked: Asked,
    { headers, method, body }: HubRequest,
    signal: AbortSignal,
  ): Promise<Response> {
    const { token, kind } = url.origin === this.#origin ? await this.#token(asked) : noToken;
    const init: RequestInit = {
      ...(method !== undefined && { method }),
      ...(body !== undefined && { body }),
      headers: { ...headers, ...(token !== null && { Authorization: `Bearer ${token}` }) },
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
      signal,
    };
    const send = (redirect: RequestRedirect): Promise<Response> =>
      unlessAborted(this.#fetch(url.href, { ...init, redirect }), signal);
    let response = await send(this.#redirectsHidden ? 'follow' : 'manual');
    if (response.type === 'opaqueredirect') {
      // The browser follows, and by the Fetch standard drops Authorization when the origin changes.
      this.#redirectsHidden = true;
      response = await send('follow');
    }
    if (response.status >= 300 && response.status < 400) return response;
    const final = response.url === '' ? url : new URL(response.url);
    const redirected = final.origin !== this.#origin;
    const problem = statusError(response, asked, { host: final.host, token: kind, redirected });
    if (problem === undefined) return response;
    await response.body?.cancel();
    throw problem;
  }

  /** Whether this Hub gets a token. Throws `hub.token_withheld`, `hub.token_refused`. */
  async hasToken(repo: string): Promise<boolean> {
    const { kind } = await this.#token({ repo });
    if (kind === 'withheld') throw new GraftError('hub.token_withheld', { host: this.host, repo });
    return kind === 'sent';
  }

  async #token({ repo }: Asked): Promise<{ token: string | null; kind: 'sent' | 'withheld' | 'none' }> {
    const token = (await this.#settings.token?.())?.trim() || null;
    if (token === null) return noToken;
    if (this.#origin !== officialEndpoint && !this.#settings.tokenForEndpoint) {
      return { token: null, kind: 'withheld' };
    }
    // Checked here, since the error of fetch for an invalid header would reveal its content.
    if (!/^[\x21-\x7e]+$/.test(token)) throw new GraftError('hub.token_refused', { host: this.host, repo });
    return { token, kind: 'sent' };
  }
}

const noToken = { token: null, kind: 'none' } as const;

/** Bytes of a body, if known in advance. */
function sizeOf(body: HubRequest['body']): number {
  if (typeof body === 'string') return body.length;
  if (body instanceof Blob) return body.size;
  return body instanceof ArrayBuffer || ArrayBuffer.isView(body) ? body.byteLength : 0;
}

function parseEndpoint(endpoint: string): URL {
  const bad = (detail: string): GraftError => new GraftError('hub.bad_endpoint', { endpoint, detail });
  if (!URL.canParse(endpoint)) throw bad('it is not a URL');
  const url = new URL(endpoint);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw bad('it is neither https nor http');
  if (url.username !== '' || url.password !== '') {
    throw new GraftError('hub.bad_endpoint', {
      endpoint: url.host,
      detail: 'it contains a username or password',
    });
  }
  if (url.search !== '' || url.hash !== '') throw bad('it ends with a query');
  return url;
}

function withAttempts(error: GraftError, attempts: number): GraftError {
  return new GraftError(error.code, { ...error.params, attempts }, { cause: error });
}

/** Node hides the cause behind “fetch failed”. Addresses are removed: signed ones are temporary secrets. */
function networkDetail(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown; message?: unknown } };
  const detail = typeof cause?.code === 'string' ? cause.code : messageOf(error);
  return detail.replace(/https?:\S+/g, '…').slice(0, 200);
}
