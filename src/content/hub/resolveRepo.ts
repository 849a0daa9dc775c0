import { datasetInfo, listFiles, modelInfo } from '@huggingface/hub';
import { GraftError } from '../../base/lib/errors.ts';
import { isPlainFileName } from '../../base/lib/fileName.ts';
import type { Hub } from './hub.ts';
import { namedError } from './namedError.ts';
import { isCommit, type RepoReference } from './repoReference.ts';
import type { HubFile } from './remoteFile.ts';

/** A model or dataset on a Hub at one commit, with its file list. No file has been read yet. */
export interface HubRepo {
  /** Its path on the Hub: `org/name`, for a dataset `datasets/org/name`. */
  repo: string;
  /** The requested branch, tag or commit. */
  revision: string;
  /** The commit it resolved to; everything is read at it. */
  commit: string;
  /** Short name of the licence from the authors; null if they give none. */
  license: string | null;
  gated: boolean;
  private: boolean;
  /** Its files by path; for a model only top-level ones, since its folders hold other formats of the same weights. */
  files: ReadonlyMap<string, HubFile>;
}

/** Maximum number of dataset files that are listed: some datasets have one per row. */
const MAX_FILES = 10_000;

/**
 * Resolves a revision to a commit, and lists the files at it; for a dataset also those in its folders. Throws
 * `hub.not_found`, `hub.unauthorized`, `hub.gated`, `hub.revision_not_found`, `hub.bad_listing`, and the errors of an
 * unreachable Hub.
 */
export async function resolveRepo(
  hub: Hub,
  { repo, revision }: RepoReference,
  signal?: AbortSignal,
): Promise<HubRepo> {
  const { host, endpoint: hubUrl } = hub;
  const fetch = hub.apiFetch({ repo, revision }, signal);
  const isDataset = repo.startsWith('datasets/');
  const name = isDataset ? repo.slice('datasets/'.length) : repo;
  const type = isDataset ? ('dataset' as const) : ('model' as const);
  try {
    const params = { name, revision, hubUrl, fetch };
    const info = isDataset
      ? await datasetInfo({ ...params, additionalFields: ['sha', 'tags'] })
      : await modelInfo({ ...params, additionalFields: ['sha', 'tags'] });
    const commit: unknown = info.sha;
    if (typeof commit !== 'string' || !isCommit(commit)) throw new TypeError('it names no commit');
    if (isCommit(revision) && commit !== revision) {
      throw new GraftError('hub.commit_changed', { host, repo, commit: revision, found: commit });
    }
    const files = new Map<string, HubFile>();
    const listing = { repo: { type, name }, revision: commit, recursive: isDataset, hubUrl, fetch };
    for await (const entry of listFiles(listing)) {
      if (entry.type !== 'file') continue;
      const file = toFile(entry);
      if (!file.path.split('/').every(isPlainFileName))
        throw new GraftError('hub.file_name', { repo, file: file.path.slice(0, 200) });
      files.set(file.path, file);
      if (files.size >= MAX_FILES) break;
    }
    return {
      repo,
      revision,
      commit,
      files,
      license: licenseOf(info.tags),
      gated: Boolean(info.gated),
      private: Boolean(info.private),
    };
  } catch (error) {
    throw namedError(error, 'hub.bad_listing', { host, repo }, signal);
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

/** The licence among a repo's tags, given by its authors; null if there is none. */
export function licenseOf(tags: unknown): string | null {
  if (!Array.isArray(tags)) return null;
  const tag = tags.find((item) => typeof item === 'string' && item.startsWith('license:')) as
    string | undefined;
  return tag?.slice('license:'.length) ?? null;
}
