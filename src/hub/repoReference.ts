import { GraftError } from '../lib/errors.ts';

/** A model or data set of a Hub as a person names it. */
export interface RepoReference {
  /** Its path on the Hub: `org/name` or the bare name of an old model, of a data set `datasets/org/name`. */
  repo: string;
  /** A branch, tag or commit. */
  revision: string;
}

/** The default revision of a repo. */
export const mainRevision = 'main';

const namePart = /^(?!.*(?:--|\.\.))[\w](?:[\w.-]{0,94}[\w])?$/;
/** The address of a page of the official Hub, up to what it is about. */
const page = /^https:\/\/(?:huggingface\.co|hf\.co)\//;

/**
 * Parses `org/name[@revision]`, with or without `hf:` before it, or the address of the model's page. Throws
 * `hub.bad_reference`: names follow the Hub's own rules, so that none can lead anywhere else in an address or a folder.
 */
export function parseModelReference(text: string): RepoReference {
  const { name, revision } = parse(text, withoutPage(text.trim().replace(/^hf:/, '')));
  return { repo: name, revision };
}

/**
 * Parses a data set: `org/name[@revision]`, with or without `datasets/` or `hf:datasets/` before it, or the address of
 * its page. Throws `hub.bad_reference`.
 */
export function parseDatasetReference(text: string): RepoReference {
  const path = withoutPage(text.trim().replace(/^hf:/, '')).replace(/^datasets\//, '');
  const { name, revision } = parse(text, path);
  return { repo: `datasets/${name}`, revision };
}

/**
 * Parses `hf:datasets/org/name[@revision]/path/to/file`; of revisions with a slash the Hub's own are known, such as
 * `refs/convert/parquet`, where it keeps data sets as Parquet. Throws `hub.bad_reference`.
 */
export function parseDatasetFile(text: string): { reference: RepoReference; path: string } {
  const parts = /^hf:(datasets\/[^/]+\/[^/@]+(?:@(?:refs\/(?:convert|pr)\/[^/]+|[^/]+))?)\/(.+)$/;
  const [, repo, path] = parts.exec(text.trim()) ?? [];
  if (repo === undefined || path === undefined) throw badReference(text);
  return { reference: parseDatasetReference(repo), path };
}

/** `org/name@revision` of a page's address, where it may stand as `org/name/tree/revision`; other text stays. */
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
  // As git's check-ref-format: what it forbids is no revision, and could be mistaken for a path.
  const refused = /^[/.-]|[/.]$|\.\.|\/\/|@\{|[\p{Cc} ~^:?*[\\%#&]/u;
  if (revision === '' || revision.length > 255 || refused.test(revision)) throw badReference(text);
  return { name, revision };
}

function badReference(text: string): GraftError {
  return new GraftError('hub.bad_reference', { text: text.slice(0, 200) });
}

/** Whether a revision is a full commit id, which never changes its meaning. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}
