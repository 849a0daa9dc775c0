/**
 * What the page and its workers may do, and the headers that say so: the one source for the dev server, the preview, the
 * built page's meta tag, `_headers`, the service worker and docs/hosting.md.
 */

/** Where signing in ends: the page itself asks there for a token. */
const SIGN_IN = 'https://huggingface.co';

/** Any https server and this machine: a person may type any mirror, and the Hub redirects to hosts of its choice. */
const ANY_HUB = 'https: http://localhost:* http://127.0.0.1:*';

/** The scripts that get a policy of their own. All others, and the page, may ask only the page's own server. */
const scripts = [
  { name: 'hub.worker', connect: `'self' ${ANY_HUB}` },
  // Templates and tokenizers are programs of strangers: they may ask nobody.
  { name: 'text.worker', connect: "'none'" },
] as const;

const PAGE_CONNECT = `'self' ${SIGN_IN}`;

/** The policy with this `connect-src`. */
function policyWith(connect: string): string {
  return [
    "default-src 'self'",
    // Hashes are WebAssembly.
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    // React Aria and uPlot set styles of elements.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    `connect-src ${connect}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/** The policy of the page, as its meta tag has it. */
export const pagePolicy: string = policyWith(PAGE_CONNECT);

/** Headers besides the policy, the same for every file. */
const common: Readonly<Record<string, string>> = {
  // Cross-origin isolation: precise timers, and SharedArrayBuffer where a library wants it.
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy':
    'accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), usb=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** All headers of the file at `path`: its name says which script it is. */
export function headersFor(path: string): Record<string, string> {
  const script = scripts.find(({ name }) => path.includes(`/${name}`));
  return {
    ...common,
    'Content-Security-Policy': script ? policyWith(script.connect) : pagePolicy,
  };
}

/** The file `_headers` of Netlify and Cloudflare Pages: `!` takes back a header of a rule above. */
export function headersFile(): string {
  const rule = (path: string, lines: readonly string[]) =>
    [path, ...lines.map((line) => `  ${line}`)].join('\n');
  const lines = (headers: Record<string, string>) =>
    Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const all = rule('/*', lines(headersFor('/')));
  const own = scripts.map(({ name }) =>
    rule(`/assets/${name}-*`, [
      '! Content-Security-Policy',
      `Content-Security-Policy: ${headersFor(`/${name}`)['Content-Security-Policy']}`,
    ]),
  );
  const fresh = ['/', '/index.html', '/sw.js'].map((path) => rule(path, ['Cache-Control: no-cache']));
  const fixed = rule('/assets/*', ['Cache-Control: public, max-age=31536000, immutable']);
  return `${[all, ...own, ...fresh, fixed].join('\n\n')}\n`;
}
