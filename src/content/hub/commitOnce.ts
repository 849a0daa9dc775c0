import { GraftError } from '../../base/lib/errors.ts';
import { Transient } from './answers.ts';
import { gitOid } from './gitOid.ts';
import type { Hub, HubRequest } from './hub.ts';
import { resolveRepo, type HubRepo } from './resolveRepo.ts';

/** The relevant parts of a line of the commit's body. */
type CommitLine =
  | { key: 'header' }
  | { key: 'lfsFile'; value: { path: string; oid: string } }
  | { key: 'file'; value: { path: string; content: string; encoding: 'base64' | 'utf-8' } }
  | { key: 'deletedFile'; value: { path: string } };

/**
 * Sends the commit of a push, the one request that must not be applied twice. A commit names its parent, so a second
 * one after the first is rejected; before it is retried after a lost answer, the Hub is asked whether it exists.
 */
export class CommitOnce {
  readonly #hub: Hub;
  readonly #before: HubRepo;
  readonly #signal: AbortSignal | undefined;
  #lines: CommitLine[] = [];
  #uncertain = false;

  constructor(hub: Hub, before: HubRepo, signal?: AbortSignal) {
    this.#hub = hub;
    this.#before = before;
    this.#signal = signal;
  }

  /** Sends a request of the client library, treating commits as described above. */
  async send(request: HubRequest & { address: string }, send: () => Promise<Response>): Promise<Response> {
    const { repo } = this.#before;
    if (!new URL(request.address).pathname.endsWith(`/${repo}/commit/main`)) return send();
    this.#lines = String(request.body)
      .split('\n')
      .map((line) => JSON.parse(line) as CommitLine);
    // Nothing to change, or changed by an earlier attempt.
    const there = this.#uncertain ? await this.#head() : this.#before;
    if (await this.#isThere(there)) return committed(there.commit);
    try {
      const response = await send();
      this.#uncertain = false;
      return response;
    } catch (error) {
      if (error instanceof Transient) this.#uncertain = true;
      const { status } = error instanceof GraftError ? error.params : {};
      if (status === 403) throw new GraftError('hub.push_forbidden', { host: this.#hub.host, repo });
      if (status !== 409 && status !== 412) throw error;
      // The parent has a child: the commit whose answer was lost, or another one.
      const head = await this.#head();
      if (await this.#isThere(head)) return committed(head.commit);
      throw new GraftError('hub.push_conflict', { host: this.#hub.host, repo });
    }
  }

  /** The commit of main, if it has every file as it was sent. Throws `hub.push_incomplete`. */
  async verified(): Promise<string> {
    const head = await this.#head();
    if (await this.#isThere(head)) return head.commit;
    throw new GraftError('hub.push_incomplete', { host: this.#hub.host, repo: head.repo });
  }

  #head(): Promise<HubRepo> {
    return resolveRepo(this.#hub, { repo: this.#before.repo, revision: 'main' }, this.#signal);
  }

  async #isThere({ files }: HubRepo): Promise<boolean> {
    for (const line of this.#lines) {
      if (line.key === 'header') continue;
      const found = files.get(line.value.path)?.oid;
      if (line.key === 'deletedFile') {
        if (found !== undefined) return false;
      } else if (found !== (await oidOf(line))) return false;
    }
    return true;
  }
}

async function oidOf(line: Extract<CommitLine, { key: 'lfsFile' | 'file' }>): Promise<string> {
  if (line.key === 'lfsFile') return line.value.oid;
  const { content, encoding } = line.value;
  if (encoding !== 'base64') return gitOid(new TextEncoder().encode(content));
  return gitOid(Uint8Array.from(atob(content), (char) => char.charCodeAt(0)));
}

/** The answer of the Hub to a commit. */
function committed(commitOid: string): Response {
  return Response.json({ success: true, commitOid, commitUrl: '', hookOutput: '' });
}
