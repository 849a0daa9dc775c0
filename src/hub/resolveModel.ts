import { HubApiError, listFiles, modelInfo } from '@huggingface/hub';
import { GraftError, messageOf } from '../lib/errors.ts';
import { isPlainFileName } from '../lib/fileName.ts';
import { Transient } from './answers.ts';
import type { Hub } from './hub.ts';
import { isCommit, type ModelReference } from './modelReference.ts';
import type { HubFile } from './remoteFile.ts';

/** A model of a Hub at one commit: what it is, and its files. No file was read yet. */
export interface HubModel {
  repo: string;
  /** What the person asked for: a branch, tag or commit. */
  revision: string;
  /** The commit it stood for when it was resolved; everything is read at it. */
  commit: string;
  /** The licence's short name, as its authors give it; null where they don't. */
  license: string | null;
  gated: boolean;
  private: boolean;
  /** The files at the top, by name. Folders of a model hold other formats of the same weights. */
  files: ReadonlyMap<string, HubFile>;
}

/**
 * Resolves a revision to a commit, and lists the files at it. Throws `hub.not_found`, `hub.unauthorized`,
 * `hub.gated`, `hub.revision_not_found`, `hub.bad_listing`, and what a Hub that cannot be reached throws.
 */
export async function resolveModel(
  hub: Hub,
  { repo, revision }: ModelReference,
  signal?: AbortSignal,
): Promise<HubModel> {
  const asked = { repo, revision };
  const { host, endpoint: hubUrl } = hub;
  const fetch = hub.apiFetch(asked, signal);
  try {
    const additionalFields = ['sha', 'tags'] as const;
    const info = await modelInfo({
      name: repo,
      revision,
      hubUrl,
      fetch,
      additionalFields: [...additionalFields],
    });
    const commit: unknown = info.sha;
    if (typeof commit !== 'string' || !isCommit(commit)) throw new TypeError('it names no commit');
    if (isCommit(revision) && commit !== revision) {
      throw new GraftError('hub.commit_changed', { host, repo, commit: revision, found: commit });
    }
    const files = new Map<string, HubFile>();
    const entries = listFiles({ repo: { type: 'model', name: repo }, revision: commit, hubUrl, fetch });
    for await (const entry of entries) {
      if (entry.type !== 'file') continue;
      const file = toFile(entry);
      if (!isPlainFileName(file.path))
        throw new GraftError('hub.file_name', { repo, file: file.path.slice(0, 200) });
      files.set(file.path, file);
    }
    return {
      ...{ repo, revision, commit, files },
      license: licenseOf(info.tags),
      gated: Boolean(info.gated),
      private: Boolean(info.private),
    };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof GraftError) throw error;
    if (error instanceof Transient) throw error.named;
    // The library's own complaints, and answers that are not what the API gives.
    const detail =
      error instanceof HubApiError ? `status ${error.statusCode}` : messageOf(error).slice(0, 200);
    throw new GraftError('hub.bad_listing', { host, repo, detail }, { cause: error });
  }
}

function toFile(entry: {
  path: string;
  size: number;
  oid?: string;
  lfs?: { oid: string; size: number };
}): HubFile {
  const { path, lfs } = entry;
  // The tree's own oid of an LFS file is that of its pointer.
  const { oid, size } = lfs ?? entry;
  const known = typeof oid === 'string' && new RegExp(`^[0-9a-f]{${lfs ? 64 : 40}}$`).test(oid);
  if (typeof path !== 'string' || !known || !Number.isSafeInteger(size) || size < 0) {
    throw new TypeError(`it lists a file without name, size or checksum: ${String(path).slice(0, 100)}`);
  }
  return { path, size, oid, lfs: lfs !== undefined };
}

function licenseOf(tags: unknown): string | null {
  if (!Array.isArray(tags)) return null;
  const tag = tags.find((item) => typeof item === 'string' && item.startsWith('license:')) as
    string | undefined;
  return tag?.slice('license:'.length) ?? null;
}
