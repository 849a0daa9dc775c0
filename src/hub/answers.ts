import { GraftError } from '../lib/errors.ts';
import { toldWait } from './waits.ts';

/** What a request was about, for the texts of errors. */
export interface Asked {
  repo: string;
  /** The file, where one was asked for. */
  file?: string;
  revision?: string;
}

/** A failure that another attempt may mend. */
export class Transient extends Error {
  /** The error for the person when attempts are used up. */
  readonly named: GraftError;
  /** What the answer asks to wait, in milliseconds; null when it doesn't say. */
  readonly waitMs: number | null;

  constructor(named: GraftError, waitMs: number | null = null) {
    super(named.message);
    this.named = named;
    this.waitMs = waitMs;
  }
}

/** Thrown where a server answers every range with the whole file, and whoever asks would rather have it at once. */
export class RangesIgnored extends Error {}

/** Whose answer it is, and whether a token went with the request or was kept back. */
export interface Asker {
  host: string;
  token: 'sent' | 'withheld' | 'none';
  /** The answer came from where the Hub redirects to, under an address that expires. */
  elsewhere: boolean;
}

const passing = new Set([408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 527, 529, 530]);

/** The error that a status other than success means, as the Hub uses them; undefined for success. */
export function judge(response: Response, asked: Asked, asker: Asker): GraftError | Transient | undefined {
  const { status, headers } = response;
  if (response.ok) return undefined;
  const { host } = asker;
  if (status === 429) {
    const waitMs = toldWait(headers);
    const seconds = waitMs === null ? 'some' : Math.ceil(waitMs / 1000);
    return new Transient(new GraftError('hub.rate_limited', { host, seconds }), waitMs);
  }
  if (passing.has(status)) {
    return new Transient(
      new GraftError('hub.unavailable', { host, status, attempts: 'several' }),
      toldWait(headers),
    );
  }
  const file = asked.file ?? asked.repo;
  if (status === 416) {
    return new Transient(new GraftError('hub.bad_range', { host, file, detail: 'it says there are none' }));
  }
  // An expired or revoked address: the Hub gives a new one.
  if (asker.elsewhere) return new Transient(new GraftError('hub.refused', { host, file, status }), 0);
  return refusal(status, headers.get('X-Error-Code') ?? '', asked, asker);
}

function refusal(status: number, code: string, asked: Asked, { host, token }: Asker): GraftError {
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
