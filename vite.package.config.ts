import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { embeddedFiles } from './src/launch/embeddedFilesPlugin.ts';
import { licensesPlugin } from './src/launch/licensesPlugin.ts';
import { embeddedShaders, wgslPlugin } from './src/launch/wgslPlugin.ts';

const source = (file: string) => fileURLToPath(new URL(`src/hosts/${file}`, import.meta.url));

/**
 * The npm package, in dist-package/: graft.js for pages, one file with all it needs, which any static server can serve;
 * with --ssr node.js, cli.js
 * and their threads textThread.js, scoringThread.js and rewardThread.js. Shaders are inside both, and so are packages: Node takes
 * 0.15 s of processor time to find and read those that every command loads. WebGPU is native, so that npm installs it.
 * See docs/api.md.
 */
export default defineConfig(({ isSsrBuild: forNode }) => ({
  publicDir: false,
  plugins: [
    wgslPlugin(),
    licensesPlugin(forNode ? 'THIRD_PARTY_LICENSES.node.txt' : undefined).write,
    ...(forNode ? [embeddedShaders(), embeddedFiles(), shebang()] : []),
  ],
  ...(forNode && { ssr: { noExternal: true as const, external: ['webgpu', 'tsx'] } }),
  build: {
    outDir: 'dist-package',
    // The build for pages comes first.
    emptyOutDir: !forNode,
    target: 'es2023',
    minify: !forNode,
    ...(forNode
      ? {
          ssr: true,
          rolldownOptions: {
            input: {
              node: source('node/api.ts'),
              cli: source('node/cli/main.ts'),
              // Started by its name beside the others.
              textThread: source('node/textThread.ts'),
              scoringThread: source('node/scoringThread.ts'),
              rewardThread: source('node/rewardThread.ts'),
            },
            output: { entryFileNames: '[name].js', chunkFileNames: 'shared.js' },
          },
        }
      : {
          lib: { entry: source('browser/api.ts'), formats: ['es'], fileName: 'graft' },
          rolldownOptions: { output: { codeSplitting: false } },
        }),
  },
}));

/** Lets a shell run cli.js. */
function shebang(): Plugin {
  return {
    name: 'graft-shebang',
    renderChunk: (code, { name, isEntry }) =>
      isEntry && name === 'cli' ? { code: `#!/usr/bin/env node\n${code}`, map: null } : undefined,
  };
}
