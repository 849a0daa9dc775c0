import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { createServer, type Plugin } from 'vite';
import { chromiumLaunchOptions } from '../../../launch/chromiumOptions.ts';
import { wgslPlugin } from '../../../launch/wgslPlugin.ts';
import { peersFolder } from './install.ts';
import type { PeersPage } from './page.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

const html = `<!doctype html>
<title>Graft beside its peers</title>
<link rel="icon" href="data:," />
<script type="module" src="/src/lab/bench/peers/page.ts"></script>`;

/** The page is not a file: Vite would scan an .html's imports whenever the studio is served. */
function pagePlugin(): Plugin {
  return {
    name: 'graft-peers-page',
    configureServer(server) {
      server.middlewares.use('/peers', (_request, response) => {
        response.setHeader('Content-Type', 'text/html');
        response.end(html);
      });
    },
  };
}

/** Serves the page with Vite and opens it in the tests' Chromium; its logs go to the terminal. */
export async function openPeersPage(): Promise<PeersPage & { close(): Promise<void> }> {
  const server = await createServer({
    configFile: false,
    root,
    cacheDir: join(peersFolder, 'node_modules', '.vite'),
    plugins: [wgslPlugin(), pagePlugin()],
    logLevel: 'warn',
    // ONNX Runtime looks for its WebAssembly next to its script.
    optimizeDeps: { entries: ['src/lab/bench/peers/page.ts'], exclude: ['onnxruntime-web'] },
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null },
  });
  await server.listen();
  const browser = await chromium.launch(chromiumLaunchOptions());
  const page = await browser.newPage();
  page.on('console', (message) => {
    if (!message.text().startsWith('[vite]')) console.log(message.text());
  });
  page.on('pageerror', (error) => console.error(error));
  const session = await browser.newBrowserCDPSession();
  await page.exposeFunction('processorTime', async () => {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime * 1000, 0);
  });
  await page.goto(new URL('peers', server.resolvedUrls!.local[0]).href);
  await page.waitForFunction('globalThis.peersPage !== undefined');
  const call =
    <K extends keyof PeersPage>(method: K) =>
    (...args: Parameters<PeersPage[K]>) =>
      // As text: tsx would insert helpers that the page does not have.
      page.evaluate(`peersPage.${method}(...${JSON.stringify(args)})`) as ReturnType<PeersPage[K]>;
  return {
    adapter: call('adapter'),
    products: call('products'),
    training: call('training'),
    async close() {
      await browser.close();
      await server.close();
    },
  };
}
