/**
 * The content security policy of the page and its workers, and the headers that carry it: the single source for the dev
 * server, the preview, the built page's meta tag, `_headers`, the service worker and docs/hosting.md.
 */

/** Where sign-in redirects end: the page itself requests a token there. */
const SIGN_IN = 'https://huggingface.co';

/** Any https server and localhost: users may enter any mirror, and the Hub redirects to various hosts. */
const ANY_HUB = 'https: http://localhost:* http://127.0.0.1:*';

/** Scripts with separate policies. All others, and the page, may only connect to the page's server. */
const scripts = [
  { name: 'hub.worker', connect: `'self' ${ANY_HUB}` },
  // Templates and tokenizers are untrusted programs: they may connect nowhere.
  { name: 'text.worker', connect: "'none'" },
] as const;

const PAGE_CONNECT = `'self' ${SIGN_IN}`;

/**
 * The hash of the script in the frames that functions of a recipe's rewards run in (hosts/browser/rewards): the one inline script.
 * Frames of the page inherit its policy, and add one of their own that lets nothing connect.
 */
const FRAME_SCRIPT_HASH = 'sha256-pDZBaGG3xonSuvZO9m3XaNSgew1VH78womS3pRI6XKE=';

/** What of a policy may differ. */
interface Allowed {
  connect: string;
  /** Whether the document may have such frames. */
  frames?: boolean;
}

/** A policy. */
function policyWith({ connect, frames = false }: Allowed): string {
  return [
    "default-src 'self'",
    // The hash functions are WebAssembly.
    `script-src 'self' 'wasm-unsafe-eval'${frames ? ` '${FRAME_SCRIPT_HASH}'` : ''}`,
    `worker-src 'self'${frames ? ' blob:' : ''}`,
    // React Aria and uPlot set inline styles.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    `connect-src ${connect}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/** No other page may show this one in a frame: clicks could be led astray there. A meta tag cannot say so. */
const NO_FRAMES = "frame-ancestors 'none'";

/** The policy of the page, for its meta tag. */
export const pagePolicy: string = policyWith({ connect: PAGE_CONNECT, frames: true });

/** Headers besides the policy, the same for every file. */
const common: Readonly<Record<string, string>> = {
  // Cross-origin isolation: precise timers, and SharedArrayBuffer if a library uses it.
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy':
    'accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), usb=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** All headers of the file at `path`: its name identifies the script. */
export function headersFor(path: string): Record<string, string> {
  const script = scripts.find(({ name }) => path.includes(`/${name}`));
  return {
    ...common,
    'Content-Security-Policy': `${script ? policyWith(script) : pagePolicy}; ${NO_FRAMES}`,
  };
}

/** The `_headers` file of Netlify and Cloudflare Pages: `!` removes a header of an earlier rule. */
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
