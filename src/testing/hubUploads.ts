import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServedModel } from './servedModel.ts';

/** Files of this many bytes or more go to the large file store. */
const LFS_FROM = 4096;
/** Larger ones are uploaded in parts of this many bytes. */
const PART_BYTES = 64 * 1024;

/** A pushed commit. */
export interface PushedCommit {
  repo: string;
  summary: string;
  parent: string;
  commit: string;
}

/** What the upload side of a test Hub needs from it. */
interface Written {
  models: Map<string, ServedModel>;
  commit(repo: string): string;
  filesOrigin: string;
}

/**
 * The upload side of the test Hub: creates repos, accepts large files in parts at another origin, and commits,
 * rejecting a commit whose parent is not the newest, like huggingface.co.
 */
export class HubUploads {
  readonly commits: PushedCommit[] = [];
  /** Sizes of the bodies of large files, in order, so that tests can detect repeated uploads. */
  readonly sent: number[] = [];
  readonly #hub: Written;
  readonly #stored = new Map<string, Uint8Array>();
  readonly #parts = new Map<string, Map<number, Uint8Array>>();

  constructor(hub: Written) {
    this.#hub = hub;
  }

  /** Handles write requests; returns false for others. */
  async answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean> {
    if (request.method !== 'POST' && request.method !== 'PUT') return false;
    const body = await bodyOf(request);
    const path = decodeURIComponent(url.pathname);
    const [, repo = ''] =
      /^\/(?:api\/models\/)?([^/]+\/[^/]+?)(?:\/preupload\/main|\/commit\/main|\.git\/info\/lfs\/objects\/batch)$/.exec(
        path,
      ) ?? [];
    if (path === '/api/repos/create') this.#create(JSON.parse(body.toString()), response);
    else if (path.endsWith('/preupload/main')) this.#preupload(JSON.parse(body.toString()), response);
    else if (path.endsWith('/objects/batch')) this.#batch(JSON.parse(body.toString()), response);
    else if (path.endsWith('/commit/main')) this.#commit(repo, body.toString(), response);
    else if (path === '/upload') this.#part(url, body, response);
    else if (path === '/complete') this.#complete(JSON.parse(body.toString()), response);
    else json(response, { error: 'unknown' }, 404);
    return true;
  }

  #create(
    { organization, name, visibility }: { organization: string; name: string; visibility: string },
    response: ServerResponse,
  ): void {
    const repo = `${organization}/${name}`;
    if (this.#hub.models.has(repo)) return json(response, { error: 'exists' }, 409);
    this.#hub.models.set(repo, { files: { '.gitattributes': '' }, private: visibility === 'private' });
    json(response, { url: `https://hub.test/${repo}`, name: repo });
  }

  #preupload({ files }: { files: { path: string; size: number }[] }, response: ServerResponse): void {
    const modes = files.map(({ path, size }) => ({
      path,
      uploadMode: size >= LFS_FROM ? 'lfs' : 'regular',
    }));
    json(response, { files: modes });
  }

  #batch({ objects }: { objects: { oid: string; size: number }[] }, response: ServerResponse): void {
    const { filesOrigin } = this.#hub;
    const answers = objects.map(({ oid, size }) => {
      if (this.#stored.has(oid)) return { oid, size };
      const href = (part: number): string => `${filesOrigin}/upload?oid=${oid}&part=${part}`;
      if (size <= PART_BYTES) return { oid, size, actions: { upload: { href: href(0) } } };
      const parts = Array.from({ length: Math.ceil(size / PART_BYTES) }, (_, at) => [
        String(at + 1),
        href(at + 1),
      ]);
      const header = { chunk_size: String(PART_BYTES), ...Object.fromEntries(parts) };
      return { oid, size, actions: { upload: { href: `${filesOrigin}/complete`, header } } };
    });
    json(response, { transfer: 'basic', objects: answers });
  }

  #part(url: URL, body: Buffer, response: ServerResponse): void {
    const [oid = '', part = '0'] = ['oid', 'part'].map((name) => url.searchParams.get(name) ?? undefined);
    this.sent.push(body.length);
    if (part === '0') {
      if (!this.#store(oid, body)) return void response.writeHead(400).end('wrong checksum');
    } else {
      const parts = this.#parts.get(oid) ?? new Map<number, Uint8Array>();
      this.#parts.set(oid, parts.set(Number(part), body));
    }
    response.writeHead(200, { ETag: `"${oid.slice(0, 8)}-${part}"` }).end();
  }

  #complete(
    { oid, parts }: { oid: string; parts: { partNumber: number; etag: string }[] },
    response: ServerResponse,
  ): void {
    const bodies = parts.map(({ partNumber, etag }) =>
      etag === `"${oid.slice(0, 8)}-${partNumber}"` ? this.#parts.get(oid)?.get(partNumber) : undefined,
    );
    const whole = bodies.every((body) => body !== undefined) && this.#store(oid, Buffer.concat(bodies));
    json(response, whole ? {} : { error: 'parts are missing' }, whole ? 200 : 400);
  }

  #store(oid: string, bytes: Uint8Array): boolean {
    if (createHash('sha256').update(bytes).digest('hex') !== oid) return false;
    this.#stored.set(oid, bytes);
    return true;
  }

  #commit(repo: string, body: string, response: ServerResponse): void {
    const model = this.#hub.models.get(repo)!;
    const parent = this.#hub.commit(repo);
    const files = { ...model.files };
    let summary = '';
    for (const text of body.split('\n')) {
      const { key, value } = JSON.parse(text) as { key: string; value: Record<string, string> };
      if (key === 'header') {
        if (value.parentCommit !== undefined && value.parentCommit !== parent)
          return json(response, { error: 'A commit has happened since.' }, 412);
        summary = value.summary!;
      } else if (key === 'file') files[value.path!] = Buffer.from(value.content!, 'base64');
      else if (key === 'deletedFile') delete files[value.path!];
      else if (key === 'lfsFile') {
        const stored = this.#stored.get(value.oid!);
        if (stored === undefined) return json(response, { error: `LFS object ${value.oid} is missing` }, 400);
        files[value.path!] = stored;
      }
    }
    this.#hub.models.set(repo, { ...model, files });
    const commit = this.#hub.commit(repo);
    this.commits.push({ repo, summary, parent, commit });
    json(response, { success: true, commitOid: commit, commitUrl: '', hookOutput: '' });
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}
