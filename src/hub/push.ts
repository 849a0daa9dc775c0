import { commitIter, createRepo, type CommitOperation } from '@huggingface/hub';
import { GraftError } from '../lib/errors.ts';
import type { Hub } from './hub.ts';
import { CommitOnce } from './commitOnce.ts';
import { namedError } from './namedError.ts';
import { parseModelReference } from './repoReference.ts';
import { resolveRepo } from './resolveRepo.ts';

/** Files to be pushed, by name; the bytes stay on disk until they are sent. */
export type PushFiles = ReadonlyMap<string, Blob>;

/** How far a push is: bytes read for their checksums, or sent. */
export interface PushProgress {
  phase: 'preparing' | 'hashing' | 'uploading' | 'committing';
  done: number;
  total: number;
}

export interface PushOptions {
  /** Whether a repo that is made now is private. One that is there stays as it is. */
  private: boolean;
  /** The commit's first line. */
  title: string;
  signal?: AbortSignal;
  onProgress?: (progress: PushProgress) => void;
}

/** What a push made. */
export interface PushOutcome {
  commit: string;
  /** The page of the repo. */
  url: string;
  /** Weights of an earlier push that are not among these files: the commit removed them. */
  removed: string[];
}

/** Addresses to send to expire, and the Hub gives new ones: what was sent is not sent again. */
const MOST_ROUNDS = 3;

/**
 * Pushes files to a model repo of a Hub as one commit; the repo is made where there is none. However often it is cut
 * and tried again, there is one commit, and afterwards the Hub's listing has every file with its checksum. Weights at
 * the top of the repo that are not among the files are removed by the same commit, for they would be taken for parts of
 * the model. Throws `hub.push_no_token`, `hub.push_forbidden`, `hub.push_incomplete`, `hub.*`, and the signal's reason.
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
        if (!mayHelp || round >= MOST_ROUNDS) throw error;
      }
    }
  } catch (error) {
    throw namedError(error, 'hub.push_failed', { host: hub.host, repo }, signal);
  }
}

/** Makes the repo unless it is there. */
async function makeRepo(hub: Hub, repo: string, { private: hidden, signal }: PushOptions): Promise<void> {
  try {
    await resolveRepo(hub, { repo, revision: 'main' }, signal);
    return;
  } catch (error) {
    // What a token may not see looks like what is not there.
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
      // The library asks for one; `fetch` puts the person's own in its place.
      accessToken: 'hf_',
    });
  } catch (error) {
    const status = error instanceof GraftError ? error.params.status : undefined;
    // Made by an attempt whose answer was lost.
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
    ...{ title, operations, hubUrl: hub.endpoint, parentCommit: before.commit, abortSignal: signal },
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

/** Adds up what the client library tells of single files. */
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
