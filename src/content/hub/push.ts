import { commitIter, createRepo, type CommitOperation } from '@huggingface/hub';
import { GraftError } from '../../base/lib/errors.ts';
import type { Hub } from './hub.ts';
import { CommitOnce } from './commitOnce.ts';
import { namedError } from './namedError.ts';
import { parseModelReference } from './repoReference.ts';
import { resolveRepo } from './resolveRepo.ts';

/** Files to push, by name; the bytes stay on disk until they are sent. */
export type PushFiles = ReadonlyMap<string, Blob>;

/** Progress of a push: bytes read for checksums, or sent. */
export interface PushProgress {
  phase: 'preparing' | 'hashing' | 'uploading' | 'committing';
  done: number;
  total: number;
}

export interface PushOptions {
  /** Whether a newly created repo is private. An existing one is not changed. */
  private: boolean;
  /** The commit's first line. */
  title: string;
  signal?: AbortSignal;
  onProgress?: (progress: PushProgress) => void;
}

/** The result of a push. */
export interface PushOutcome {
  commit: string;
  /** The page of the repo. */
  url: string;
  /** Weights of an earlier push that are not among these files and were removed by the commit. */
  removed: string[];
}

/** Upload addresses expire, and the Hub issues new ones: sent files are not sent again. */
const MAX_ROUNDS = 3;

/**
 * Pushes files to a model repo of a Hub as one commit; creates the repo if necessary. However often it is interrupted
 * and retried, there is one commit, and afterwards the Hub's listing has every file with its checksum. The same commit
 * removes top-level weights that are not among the files, since they would be taken for parts of the model. Throws
 * `hub.push_no_token`, `hub.push_forbidden`, `hub.push_incomplete`, `hub.*`, and the signal's reason.
 */
export async function pushFiles(
  hub: Hub,
  repoName: string,
  files: PushFiles,
  options: PushOptions,
): Promise<PushOutcome> {
  const { signal } = options;
  const reference = parseModelReference(repoName);
  const { repo } = reference;
  if (!repo.includes('/')) throw new GraftError('hub.push_bad_name', { repo });
  if (!(await hub.hasToken(repo))) throw new GraftError('hub.push_no_token', { host: hub.host, repo });
  try {
    options.onProgress?.({ phase: 'preparing', done: 0, total: totalOf(files) });
    await makeRepo(hub, repo, options);
    for (let round = 1; ; round++) {
      try {
        return await pushOnce(hub, repo, files, options);
      } catch (error) {
        const mayHelp = error instanceof GraftError && error.code === 'hub.refused';
        if (!mayHelp || round >= MAX_ROUNDS) throw error;
      }
    }
  } catch (error) {
    throw namedError(error, 'hub.push_failed', { host: hub.host, repo }, signal);
  }
}

/** Creates the repo unless it exists. */
async function makeRepo(hub: Hub, repo: string, { private: hidden, signal }: PushOptions): Promise<void> {
  try {
    await resolveRepo(hub, { repo, revision: 'main' }, signal);
    return;
  } catch (error) {
    // A repo that a token may not see looks like a missing one.
    const absent = error instanceof GraftError && /^hub\.(?:not_found|unauthorized)$/.test(error.code);
    if (!absent) throw error;
  }
  const fetch = hub.apiFetch({ repo }, signal);
  try {
    await createRepo({
      repo: { type: 'model', name: repo },
      visibility: hidden ? 'private' : 'public',
      hubUrl: hub.endpoint,
      fetch,
      // The library requires a token; `fetch` replaces it with the user's.
      accessToken: 'hf_',
    });
  } catch (error) {
    const status = error instanceof GraftError ? error.params.status : undefined;
    // Created by an attempt whose answer was lost.
    if (status === 409) return;
    if (status === 403) throw new GraftError('hub.push_forbidden', { host: hub.host, repo });
    throw error;
  }
}

async function pushOnce(
  hub: Hub,
  repo: string,
  files: PushFiles,
  { title, signal, onProgress }: PushOptions,
): Promise<PushOutcome> {
  const before = await resolveRepo(hub, { repo, revision: 'main' }, signal);
  const removed = [...before.files.keys()].filter((path) => isWeights(path) && !files.has(path));
  const operations: CommitOperation[] = [
    ...[...files].map(([path, content]) => ({ operation: 'addOrUpdate' as const, path, content })),
    ...removed.map((path) => ({ operation: 'delete' as const, path })),
  ];
  const once = new CommitOnce(hub, before, signal);
  const events = commitIter({
    title,
    operations,
    hubUrl: hub.endpoint,
    parentCommit: before.commit,
    abortSignal: signal,
    repo: { type: 'model', name: repo },
    fetch: hub.apiFetch({ repo }, signal, (request, send) => once.send(request, send)),
  });
  const meter = new PushMeter(files, onProgress);
  for (let next = await events.next(); ; next = await events.next()) {
    if (next.done) break;
    meter.hear(next.value);
  }
  return { commit: await once.verified(), url: `${hub.endpoint}/${repo}`, removed };
}

function isWeights(path: string): boolean {
  return /^[^/]+\.safetensors(?:\.index\.json)?$/.test(path);
}

function totalOf(files: PushFiles): number {
  return [...files.values()].reduce((sum, { size }) => sum + size, 0);
}

type PushEvent = Awaited<ReturnType<ReturnType<typeof commitIter>['next']>>['value'];

/** Sums the client library's per-file progress. */
class PushMeter {
  readonly #files: PushFiles;
  readonly #onProgress: PushOptions['onProgress'];
  readonly #shares = { hashing: new Map<string, number>(), uploading: new Map<string, number>() };

  constructor(files: PushFiles, onProgress: PushOptions['onProgress']) {
    this.#files = files;
    this.#onProgress = onProgress;
  }

  hear(event: PushEvent): void {
    const total = totalOf(this.#files);
    if (event === undefined || !('event' in event)) return;
    if (event.event === 'phase') {
      if (event.phase === 'committing') this.#onProgress?.({ phase: 'committing', done: total, total });
      return;
    }
    if (event.state === 'error') return;
    const shares = this.#shares[event.state];
    shares.set(event.path, event.progress);
    let done = 0;
    for (const [path, share] of shares) done += share * (this.#files.get(path)?.size ?? 0);
    this.#onProgress?.({ phase: event.state, done: Math.min(total, Math.round(done)), total });
  }
}
