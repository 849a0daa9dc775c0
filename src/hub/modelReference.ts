import { GraftError } from '../lib/errors.ts';

/** A model of a Hub as a person names it. */
export interface ModelReference {
  /** `org/name`, or the bare name of an old model. */
  repo: string;
  /** A branch, tag or commit. */
  revision: string;
}

/** The default revision of a model. */
export const mainRevision = 'main';

const namePart = /^(?!.*(?:--|\.\.))[\w](?:[\w.-]{0,94}[\w])?$/;

/**
 * Parses `org/name[@revision]`, with or without `hf:` before it. Throws `hub.bad_reference`: names follow the Hub's
 * own rules, so that none can lead anywhere else in an address or a folder.
 */
export function parseModelReference(text: string): ModelReference {
  const bad = new GraftError('hub.bad_reference', { text: text.slice(0, 200) });
  const [repo = '', revision = mainRevision, ...more] = text.trim().replace(/^hf:/, '').split('@');
  const parts = repo.split('/');
  if (more.length > 0 || parts.length > 2 || !parts.every((part) => namePart.test(part))) throw bad;
  // As git's check-ref-format: what it forbids is no revision, and could be mistaken for a path.
  const refused = /^[/.-]|[/.]$|\.\.|\/\/|@\{|[\p{Cc} ~^:?*[\\%#&]/u;
  if (revision === '' || revision.length > 255 || refused.test(revision)) throw bad;
  return { repo, revision };
}

/** Whether a revision is a full commit id, which never changes its meaning. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}
