import { headersFor } from '../../../base/lib/securityHeaders.ts';

/*
 * Caches the page's files, so that it opens offline. A version is installed only if all its files are there, each with
 * its SHA-256. A new version waits until the page requests it or the last tab is closed; files of the previous version
 * stay, because a tab may still run it. Responses carry the page's headers, whatever its host sends.
 */

interface InstallEvent extends Event {
  waitUntil(promise: Promise<unknown>): void;
}
interface RequestEvent extends InstallEvent {
  request: Request;
  respondWith(response: Promise<Response>): void;
}
interface WorkerScope extends EventTarget {
  /** Path from the scope → SHA-256 in base64; inserted by the build. */
  graftFiles: Record<string, string>;
  registration: { scope: string };
  clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
}

declare const self: WorkerScope;

const files = self.graftFiles;
const { scope } = self.registration;
/** Other copies of the page on this origin have their own caches. */
const CACHE = `graft ${new URL(scope).pathname}`;
const PAGE = './';
const HISTORY = new URL('graft-versions.json', scope).href;

/** The cache key of a file: includes its content hash, so that versions share unchanged files. */
const keyOf = (path: string, digest: string) =>
  `${new URL(path, scope).href}?sha256=${encodeURIComponent(digest)}`;

const current = Object.entries(files).map(([path, digest]) => keyOf(path, digest));

/** Hosts may inject something into the page, so its version is identified by the files it references. */
function isOfThisVersion(page: string): boolean {
  const named = [...page.matchAll(/\.\/(assets\/[^"']+)/g)].map(([, path = '']) => path);
  return named.length > 0 && named.every((path) => Object.hasOwn(files, path));
}

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await Promise.all(
    Object.entries(files).map(async ([path, digest]) => {
      const key = keyOf(path, digest);
      if (await cache.match(key)) return;
      const isPage = path === PAGE;
      // The digest rejects files of another version, encountered while a host is being updated.
      const response = await fetch(new URL(path, scope), {
        cache: 'no-cache',
        credentials: 'same-origin',
        ...(!isPage && { integrity: `sha256-${digest}` }),
      });
      if (!response.ok) throw new Error(`${path}: status ${response.status}`);
      if (isPage && !isOfThisVersion(await response.clone().text())) throw new Error('another version');
      await cache.put(key, response);
    }),
  );
}

async function activate(): Promise<void> {
  const cache = await caches.open(CACHE);
  const previous = (await (await cache.match(HISTORY))?.json()) as string[] | undefined;
  const retained = new Set([...current, ...(previous ?? []), HISTORY]);
  for (const { url } of await cache.keys()) if (!retained.has(url)) await cache.delete(url);
  await cache.put(HISTORY, new Response(JSON.stringify(current)));
  await self.clients.claim();
}

/** The cached file for a request: of this version or, by its hashed name, of the previous one. */
async function cachedFile(request: Request): Promise<Response | undefined> {
  const cache = await caches.open(CACHE);
  const url = new URL(request.url);
  const path = url.href.slice(scope.length).replace(/[?#].*/s, '');
  const name = path === '' || path === 'index.html' ? PAGE : path;
  const digest = Object.hasOwn(files, name) ? files[name] : undefined;
  if (digest !== undefined) return cache.match(keyOf(name, digest));
  return path.startsWith('assets/')
    ? cache.match(url.origin + url.pathname, { ignoreSearch: true })
    : undefined;
}

async function answer(request: Request): Promise<Response> {
  const cached = await cachedFile(request);
  if (!cached) return fetch(request);
  const headers = new Headers(cached.headers);
  for (const [name, value] of Object.entries(headersFor(new URL(request.url).pathname)))
    headers.set(name, value);
  // The body is already decompressed.
  for (const name of ['Content-Encoding', 'Content-Length']) headers.delete(name);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get('Range') ?? '');
  if (!range) return new Response(cached.body, { status: 200, headers });
  const whole = await cached.blob();
  const start = Number(range[1]);
  const end = Math.min(range[2] ? Number(range[2]) + 1 : whole.size, whole.size);
  if (start >= end) return new Response(null, { status: 416, headers });
  headers.set('Content-Range', `bytes ${start}-${end - 1}/${whole.size}`);
  return new Response(whole.slice(start, end), { status: 206, headers });
}

self.addEventListener('install', (event) => (event as InstallEvent).waitUntil(install()));
self.addEventListener('activate', (event) => (event as InstallEvent).waitUntil(activate()));
self.addEventListener('fetch', (event) => {
  const { request } = event as RequestEvent;
  if (request.method === 'GET' && request.url.startsWith(scope))
    (event as RequestEvent).respondWith(answer(request));
});
self.addEventListener('message', (event) => {
  if ((event as MessageEvent).data === 'take over') void self.skipWaiting();
});
