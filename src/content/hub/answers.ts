import { GraftError } from '../../base/lib/errors.ts';
import { retryAfterMs } from './waits.ts';

/** The subject of a request, for error messages. */
export interface Asked {
  repo: string;
  /** The file, if one was requested. */
  file?: string;
  revision?: string;
}

/** A failure that a retry may resolve. */
export class Transient extends Error {
  /** The error to report when attempts are exhausted. */
  readonly named: GraftError;
  /** The wait requested by the server, in milliseconds; null if none. */
  readonly waitMs: number | null;

  constructor(named: GraftError, waitMs: number | null = null) {
    super(named.message);
    this.named = named;
    this.waitMs = waitMs;
  }
}

/** Thrown if a server answers every range with the whole file and the caller does not accept that. */
export class RangesIgnored extends Error {}

/** The host that answered, and whether the request carried a token or it was withheld. */
export interface Responder {
  host: string;
  token: 'sent' | 'withheld' | 'none';
  /** The answer came from a redirect of the Hub, to an address that expires. */
  redirected: boolean;
}

const transientStatuses = new Set([
  408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 527, 529, 530,
]);

/** The error for a status, as the Hub uses them; undefined for success. */
export function statusError(
  response: Response,
  asked: Asked,
  responder: Responder,
): GraftError | Transient | undefined {
  const { status, headers } = response;
  if (response.ok) return undefined;
  const { host } = responder;
  if (status === 429) {
    const waitMs = retryAfterMs(headers);
    const seconds = waitMs === null ? 'some' : Math.ceil(waitMs / 1000);
    return new Transient(new GraftError('hub.rate_limited', { host, seconds }), waitMs);
  }
  if (transientStatuses.has(status)) {
    return new Transient(
      new GraftError('hub.unavailable', { host, status, attempts: 'several' }),
      retryAfterMs(headers),
    );
  }
  const file = asked.file ?? asked.repo;
  if (status === 416) {
    return new Transient(
      new GraftError('hub.bad_range', { host, file, detail: 'it reports that there are none' }),
    );
  }
  // An expired or revoked address: the Hub issues a new one.
  if (responder.redirected) return new Transient(new GraftError('hub.refused', { host, file, status }), 0);
  return refusal(status, headers.get('X-Error-Code') ?? '', asked, responder);
}

function refusal(status: number, code: string, asked: Asked, { host, token }: Responder): GraftError {
  const { repo, file = repo, revision = '' } = asked;
  if (status === 401 || status === 403) {
    if (token === 'withheld') return new GraftError('hub.token_withheld', { host, repo });
    if (code === 'GatedRepo') return new GraftError('hub.gated', { host, repo });
    if (status === 401) {
      return new GraftError(token === 'sent' ? 'hub.token_refused' : 'hub.unauthorized', { host, repo });
    }
  }
  if (status === 404) {
    if (code === 'RevisionNotFound') return new GraftError('hub.revision_not_found', { repo, revision });
    if (code === 'RepoNotFound' || asked.file === undefined)
      return new GraftError('hub.not_found', { host, repo });
    return new GraftError('hub.file_not_found', { host, repo, file });
  }
  return new GraftError('hub.refused', { host, file, status });
}
