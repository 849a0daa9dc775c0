import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { HubUploads } from './hubUploads.ts';
import type { ServedModel } from './servedModel.ts';

/** A fault to inject into one request. */
export type Fault =
  /** Cuts the connection after this many bytes; for writes, 0 loses the request and more its answer. */
  | { kind: 'cut'; after: number }
  /** Sends so many bytes and no more; `stalled` is called then. */
  | { kind: 'stall'; after: number; stalled?: () => void }
  | { kind: 'status'; status: number; headers?: Record<string, string> }
  | { kind: 'whole' }
  | { kind: 'wrongRange'; shift: number }
  | { kind: 'gzip' }
  | { kind: 'html' }
  | { kind: 'pointer' }
  | { kind: 'redirect'; to: string }
  | { kind: 'otherCommit' }
  /** Flips the lowest bit of this byte of the file, if it is in the answer. */
  | { kind: 'flip'; at: number };

/** A request as received by the servers. */
export interface SeenRequest {
  /** The Hub itself, or the host it redirects to. */
  origin: 'hub' | 'files';
  method: string;
  /** The requested file, or the path of the API. */
  path: string;
  /** The first requested byte; 0 without a range. */
  begin: number;
  range: string | undefined;
  headers: IncomingMessage['headers'];
  /** Its number among those for the same path on the same server, from 0. */
  count: number;
}

const LFS_FROM = 4096;
const sha = (kind: 'sha1' | 'sha256', ...parts: (string | Uint8Array)[]): string => {
  const hash = createHash(kind);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/**
 * A Hub for tests: the API's responses as from huggingface.co, large files behind a redirect to another origin with
 * signed addresses that expire, and faults by a script that sees each request.
 */
export class HubServer {
  readonly models = new Map<string, ServedModel>();
  /** Every request to both servers, in order. */
  readonly seen: SeenRequest[] = [];
  /** Selects the fault of a request. */
  script: (request: SeenRequest) => Fault | undefined = () => undefined;
  /** The only token the Hub accepts. */
  token = 'hf_secretForTests0123456789';
  /** Lifetime of signed addresses, in milliseconds of `now`. */
  signedFor = 60_000;
  now: () => number = Date.now;
  /** Bytes of file bodies sent, as far as the sockets accepted them. */
  bytesSent = 0;
  /** The pushed commits. */
  readonly uploads = new HubUploads(this);
  readonly #commits = new Map<string, ServedModel>();
  readonly #hub: Server;
  readonly #files: Server;

  private constructor() {
    const serve = (origin: SeenRequest['origin']): Server =>
      createServer((request, response) => {
        this.#answer(origin, request, response).catch((error: unknown) => {
          // The client has disconnected, which many tests provoke.
          if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
        });
      });
    this.#hub = serve('hub');
    this.#files = serve('files');
  }

  /** Starts both servers on free local ports. */
  static async start(models: Record<string, ServedModel> = {}): Promise<HubServer> {
    const server = new HubServer();
    for (const [repo, model] of Object.entries(models)) server.models.set(repo, model);
    for (const inner of [server.#hub, server.#files]) await once(inner.listen(0, '127.0.0.1'), 'listening');
    return server;
  }

  async stop(): Promise<void> {
    for (const inner of [this.#hub, this.#files]) {
      inner.closeAllConnections();
      await new Promise((resolve) => inner.close(resolve));
    }
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  /** The server of large files, on another origin. */
  get filesOrigin(): string {
    return `http://127.0.0.1:${(this.#files.address() as AddressInfo).port}`;
  }

  /** The current commit of main: it changes with the files. */
  commit(repo: string): string {
    const model = this.models.get(repo)!;
    const commit = sha('sha1', repo, ...Object.entries(model.files).flat());
    this.#commits.set(`${repo}@${commit}`, model);
    return commit;
  }

  async #answer(
    origin: SeenRequest['origin'],
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://x');
    const [, begin = '0'] = /^bytes=(\d+)-/.exec(request.headers.range ?? '') ?? [];
    const path = decodeURIComponent(
      origin === 'hub' ? url.pathname : (url.searchParams.get('file') ?? url.pathname),
    );
    const earlier = this.seen.filter((other) => other.origin === origin && other.path === path);
    const { headers, method = 'GET' } = request;
    const seen = {
      origin,
      method,
      path,
      begin: Number(begin),
      range: headers.range,
      headers,
      count: earlier.length,
    };
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Allow-Methods', 'GET, HEAD, POST, PUT');
    response.setHeader(
      'Access-Control-Allow-Headers',
      'Authorization, Range, Content-Type, X-Request-Id, X-Xet-Session-Id',
    );
    response.setHeader(
      'Access-Control-Expose-Headers',
      'X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,Retry-After,RateLimit',
    );
    response.on('error', () => undefined);
    if (request.method === 'OPTIONS') return void response.writeHead(204).end();
    this.seen.push(seen);
    const fault = this.script(seen);
    if (fault?.kind === 'status') {
      return void response.writeHead(fault.status, fault.headers).end('{"error":"scripted"}');
    }
    if (fault?.kind === 'html') {
      const page = '<!DOCTYPE html><html><title>Sign in</title></html>';
      return void response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(page);
    }
    if (fault?.kind === 'redirect') return void response.writeHead(302, { Location: fault.to }).end();
    if (fault?.kind === 'cut' && method !== 'GET') {
      // A write may be applied, and its answer lost.
      if (fault.after > 0) await this.uploads.answer(request, new ServerResponse(request), url);
      return void request.socket.destroy();
    }
    if (origin === 'hub' && url.pathname === '/api/models') return json(response, this.#found(url));
    if (origin === 'hub' && method !== 'GET') {
      const known = headers.authorization === `Bearer ${this.token}`;
      if (!known) return json(response, { error: 'Invalid credentials' }, 401);
    }
    if (await this.uploads.answer(request, response, url)) return;
    if (origin === 'files') return this.#sendSigned(url, seen, fault, response);
    const api = /^\/api\/(?:models\/)?(.+?)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
    const file = /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const [, repo = '', kind = 'resolve', revision = ''] = api ?? [
      file?.[0],
      file?.[1],
      'resolve',
      file?.[2],
    ];
    const found = this.#open(repo, decodeURIComponent(revision), headers.authorization, response);
    if (found === null) return;
    if (kind === 'revision') return json(response, this.#info(repo, found.commit, found.model));
    if (kind === 'tree') return this.#tree(url, found.model, response);
    await this.#resolve(decodeURIComponent(file![3]!), found, seen, fault, response);
  }

  #open(
    repo: string,
    revision: string,
    authorization: string | undefined,
    response: ServerResponse,
  ): { model: ServedModel; commit: string } | null {
    const refuse = (status: number, code?: string): null => {
      if (code) response.setHeader('X-Error-Code', code);
      json(response, { error: code ?? 'Invalid credentials' }, status);
      return null;
    };
    const known = authorization === `Bearer ${this.token}`;
    if (authorization !== undefined && !known) return refuse(401);
    const current = this.models.get(repo);
    if (current === undefined || (current.private && !known)) {
      return known ? refuse(404, 'RepoNotFound') : refuse(401, 'RepoNotFound');
    }
    if (current.gated && !known) return refuse(401, 'GatedRepo');
    const head = this.commit(repo);
    const commit = ['main', 'HEAD'].includes(revision) ? head : revision;
    const model = this.#commits.get(`${repo}@${commit}`);
    return model === undefined ? refuse(404, 'RevisionNotFound') : { model, commit };
  }

  /** Models whose name contains the search text. */
  #found(url: URL): object[] {
    const query = url.searchParams.get('search')?.toLowerCase() ?? '';
    const names = [...this.models.keys()].filter((repo) => repo.toLowerCase().includes(query));
    return names.map((repo) => this.#info(repo, this.commit(repo), this.models.get(repo)!));
  }

  #info(repo: string, sha1: string, { gated, private: hidden, license }: ServedModel): object {
    return {
      _id: '621ffdc036468d709f17434d',
      id: repo,
      sha: sha1,
      pipeline_tag: 'text-generation',
      private: hidden ?? false,
      gated: gated ? 'manual' : false,
      downloads: 7,
      likes: 1,
      lastModified: '2024-09-25T12:32:56.000Z',
      tags: ['transformers', 'safetensors', ...(license ? [`license:${license}`] : [])],
    };
  }

  /** Two files per page, so that the link to the next page is followed. */
  #tree(url: URL, { files }: ServedModel, response: ServerResponse): void {
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const recursive = url.searchParams.get('recursive') === 'true';
    const entries = Object.entries(files)
      .filter(([path]) => recursive || !path.includes('/'))
      .map(([path, content]) => treeEntry(path, bytesOf(content)));
    const all = [{ type: 'directory', oid: sha('sha1', 'onnx'), size: 0, path: 'onnx' }, ...entries];
    if (from + 2 < all.length) {
      url.searchParams.set('cursor', String(from + 2));
      response.setHeader('Link', `<${this.endpoint}${url.pathname}${url.search}>; rel="next"`);
    }
    json(response, all.slice(from, from + 2));
  }

  async #resolve(
    path: string,
    { model, commit }: { model: ServedModel; commit: string },
    seen: SeenRequest,
    fault: Fault | undefined,
    response: ServerResponse,
  ): Promise<void> {
    const content = model.files[path];
    response.setHeader('X-Repo-Commit', fault?.kind === 'otherCommit' ? sha('sha1', 'other') : commit);
    if (content === undefined) {
      response.setHeader('X-Error-Code', 'EntryNotFound');
      return json(response, { error: 'Entry not found' }, 404);
    }
    const bytes = bytesOf(content);
    if (bytes.length < LFS_FROM) {
      response.setHeader('ETag', `"${gitOid(bytes)}"`);
      return this.#send(bytes, seen, fault, response);
    }
    const oid = sha('sha256', bytes);
    this.#blobs.set(oid, bytes);
    const expires = String(Math.ceil(this.now() + this.signedFor));
    const query = new URLSearchParams({
      file: path,
      oid,
      Expires: expires,
      Signature: this.#sign(oid, expires),
    });
    response.writeHead(302, {
      Location: `${this.filesOrigin}/blob?${query}`,
      'X-Linked-Size': bytes.length,
      'X-Linked-ETag': `"${oid}"`,
    });
    response.end();
  }

  readonly #blobs = new Map<string, Uint8Array>();

  #sign(oid: string, expires: string): string {
    return createHmac('sha256', 'key').update(`${oid}${expires}`).digest('hex');
  }

  #sendSigned(
    url: URL,
    seen: SeenRequest,
    fault: Fault | undefined,
    response: ServerResponse,
  ): Promise<void> | void {
    const [oid = '', expires = '', signature] = ['oid', 'Expires', 'Signature'].map(
      (name) => url.searchParams.get(name) ?? undefined,
    );
    const bytes = this.#blobs.get(oid);
    if (bytes === undefined || signature !== this.#sign(oid, expires) || Number(expires) < this.now()) {
      return void response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>');
    }
    return this.#send(bytes, seen, fault, response);
  }

  async #send(
    content: Uint8Array,
    { range, origin }: SeenRequest,
    fault: Fault | undefined,
    response: ServerResponse,
  ): Promise<void> {
    let bytes = content;
    if (fault?.kind === 'pointer') {
      const oid = sha('sha256', content);
      bytes = Buffer.from(
        `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`,
      );
    }
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    let [begin, end] = [Number(from ?? 0), to ? Math.min(Number(to) + 1, bytes.length) : bytes.length];
    if (begin >= bytes.length && bytes.length > 0) {
      return void response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` }).end();
    }
    const partial = from !== undefined && fault?.kind !== 'whole';
    if (!partial) [begin, end] = [0, bytes.length];
    const shift = fault?.kind === 'wrongRange' ? fault.shift : 0;
    let body = bytes.subarray(begin + shift, end + shift);
    if (fault?.kind === 'flip' && fault.at >= begin && fault.at < end) {
      // Not slice: a Buffer's slice shares its memory.
      body = new Uint8Array(body);
      body[fault.at - begin]! ^= 1;
    }
    if (fault?.kind === 'gzip') {
      body = gzipSync(body);
      response.setHeader('Content-Encoding', 'gzip');
    }
    if (partial) {
      const sent = `bytes ${begin + shift}-${end + shift - 1}/${bytes.length}`;
      response.setHeader('Content-Range', sent);
    }
    response.setHeader('Accept-Ranges', 'bytes');
    response.writeHead(partial ? 206 : 200, {
      'Content-Length': body.length,
      'Content-Type': 'application/octet-stream',
    });
    const most = fault?.kind === 'cut' || fault?.kind === 'stall' ? fault.after : Infinity;
    for (let at = 0; at < Math.min(body.length, most) && !response.destroyed;) {
      const piece = body.subarray(at, Math.min(at + 65_536, most, body.length));
      if (origin === 'files') this.bytesSent += piece.length;
      // One piece at a time, each flushed, so that a cut happens at a known offset.
      await new Promise<void>((resolve) => response.write(piece, () => resolve()));
      at += piece.length;
    }
    if (fault?.kind === 'stall') return fault.stalled?.();
    // Ended, not destroyed, by which what lies in the socket would be lost on its way.
    if (fault?.kind === 'cut' && most < body.length) response.socket?.end();
    else response.end();
  }
}

function bytesOf(content: Uint8Array | string): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content) : content;
}

function gitOid(bytes: Uint8Array): string {
  return sha('sha1', `blob ${bytes.length}\0`, bytes);
}

function treeEntry(path: string, bytes: Uint8Array): object {
  if (bytes.length < LFS_FROM) return { type: 'file', oid: gitOid(bytes), size: bytes.length, path };
  const oid = sha('sha256', bytes);
  const pointer = sha('sha1', 'pointer', oid);
  return {
    type: 'file',
    oid: pointer,
    size: bytes.length,
    lfs: { oid, size: bytes.length, pointerSize: 135 },
    path,
  };
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' })
    .end(JSON.stringify(value));
}
