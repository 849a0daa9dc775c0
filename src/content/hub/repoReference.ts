import { GraftError } from '../../base/lib/errors.ts';

/** A user's reference to a model or dataset on a Hub. */
export interface RepoReference {
  /** Its path on the Hub: `org/name` or the bare name of an old model, for a dataset `datasets/org/name`. */
  repo: string;
  /** A branch, tag or commit. */
  revision: string;
}

/** The default revision of a repo. */
export const mainRevision = 'main';

const namePart = /^(?!.*(?:--|\.\.))[\w](?:[\w.-]{0,94}[\w])?$/;
/** Address of a page on the official Hub, up to the repo's path. */
const page = /^https:\/\/(?:huggingface\.co|hf\.co)\//;

/**
 * Parses `org/name[@revision]`, optionally prefixed with `hf:`, or the address of the model's page. Throws
 * `hub.bad_reference`: names follow the Hub's own rules, so none can escape its place in an address or folder.
 */
export function parseModelReference(text: string): RepoReference {
  const { name, revision } = parse(text, withoutPage(text.trim().replace(/^hf:/, '')));
  return { repo: name, revision };
}

/**
 * Parses a dataset: `org/name[@revision]`, optionally prefixed with `datasets/` or `hf:datasets/`, or the address of
 * its page. Throws `hub.bad_reference`.
 */
export function parseDatasetReference(text: string): RepoReference {
  const path = withoutPage(text.trim().replace(/^hf:/, '')).replace(/^datasets\//, '');
  const { name, revision } = parse(text, path);
  return { repo: `datasets/${name}`, revision };
}

/**
 * Parses `hf:datasets/org/name[@revision]/path/to/file`; of revisions with a slash, only the Hub's own are supported,
 * such as `refs/convert/parquet`, its Parquet conversions. Throws `hub.bad_reference`.
 */
export function parseDatasetFile(text: string): { reference: RepoReference; path: string } {
  const parts = /^hf:(datasets\/[^/]+\/[^/@]+(?:@(?:refs\/(?:convert|pr)\/[^/]+|[^/]+))?)\/(.+)$/;
  const [, repo, path] = parts.exec(text.trim()) ?? [];
  if (repo === undefined || path === undefined) throw badReference(text);
  return { reference: parseDatasetReference(repo), path };
}

/** Converts `org/name/tree/revision` of a page's address to `org/name@revision`; returns other text unchanged. */
function withoutPage(text: string): string {
  if (!page.test(text)) return text;
  const [path = ''] = text.replace(page, '').split(/[?#]/);
  return path.replace(/\/+$/, '').replace(/\/(?:tree|blob|resolve)\/([^/]+).*$/, '@$1');
}

function parse(text: string, reference: string): { name: string; revision: string } {
  const [name = '', revision = mainRevision, ...more] = reference.split('@');
  const parts = name.split('/');
  if (more.length > 0 || parts.length > 2 || !parts.every((part) => namePart.test(part)))
    throw badReference(text);
  // Like git's check-ref-format: what it forbids is not a revision, and could be mistaken for a path.
  const refused = /^[/.-]|[/.]$|\.\.|\/\/|@\{|[\p{Cc} ~^:?*[\\%#&]/u;
  if (revision === '' || revision.length > 255 || refused.test(revision)) throw badReference(text);
  return { name, revision };
}

function badReference(text: string): GraftError {
  return new GraftError('hub.bad_reference', { text: text.slice(0, 200) });
}

/** Whether a revision is a full commit id, which is immutable. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}
