import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { embeddedShaders, wgslPlugin } from '../../../launch/wgslPlugin.ts';
import { installPeers } from '../peers/install.ts';
import { readme, script } from './packTexts.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** The archive must be no larger. */
const MOST_BYTES = 60 * 2 ** 20;

/** Where distributions put Vulkan's loader, which Dawn opens by this name. */
const LOADERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib'].map((folder) =>
  join(folder, 'libvulkan.so.1'),
);

/**
 * Writes the portable bench: a folder with all that a Linux machine with a Vulkan driver needs to test and measure
 * Graft's kernels without a network, and the same as an archive.
 * @param options out: the folder, `graft-bench` by default, whose contents are replaced
 */
export async function packBench({ out = 'graft-bench' }: Readonly<Record<string, string>>): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('The portable bench is made on Linux x64: it holds the programs of this machine.');
  installPeers();
  const folder = resolve(out);
  const app = join(folder, 'app');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(app, { recursive: true });
  // Tests find fixtures two folders above their own code.
  await bundle(join(app, 'code', 'bundle'));
  for (const path of ['public/starter', 'e2e/fixtures/models', 'e2e/fixtures/golden'])
    cpSync(join(root, path), join(app, path), { recursive: true });
  copyDawn(join(app, 'node_modules', 'webgpu'));
  writeFileSync(join(app, 'package.json'), '{ "type": "module" }\n');
  copyFileSync(process.execPath, join(folder, 'node'));
  chmodSync(join(folder, 'node'), 0o755);
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  const loader = LOADERS.find((path) => existsSync(path));
  if (loader) {
    mkdirSync(join(folder, 'lib'));
    copyFileSync(loader, join(folder, 'lib', basename(loader)));
  }
  writeFileSync(join(folder, 'run.sh'), script);
  chmodSync(join(folder, 'run.sh'), 0o755);
  writeFileSync(join(folder, 'README.txt'), readme);
  const archive = compress(folder);
  const { size } = statSync(archive);
  console.log(`${folder}\n${archive}: ${(size / 2 ** 20).toFixed(1)} MiB`);
  if (size > MOST_BYTES) throw new Error(`${archive} has more than ${MOST_BYTES / 2 ** 20} MiB`);
}

/** The runner and its parts, with every library inside but Dawn. */
async function bundle(outDir: string): Promise<void> {
  await build({
    configFile: false,
    root,
    publicDir: false,
    logLevel: 'warn',
    plugins: [wgslPlugin(), embeddedShaders()],
    resolve: { alias: [{ find: /^vitest$/, replacement: here('testStandIn.ts') }] },
    ssr: { noExternal: true, external: ['webgpu', 'onnxruntime-node'] },
    build: {
      ssr: true,
      outDir,
      target: 'node20',
      minify: true,
      rolldownOptions: {
        input: { run: here('run.ts'), part: here('part.ts') },
        // In one folder, for the sake of paths relative to a module.
        output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  });
}

function copyDawn(to: string): void {
  const from = dirname(fileURLToPath(import.meta.resolve('webgpu')));
  for (const file of ['package.json', 'index.js', 'LICENSE.md', 'dist/linux-x64/dawn.node']) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    copyFileSync(join(from, file), join(to, file));
  }
}

/** A .tar.xz beside the folder, or a .tar.gz where there is no xz. */
function compress(folder: string): string {
  const tar = (archive: string, ...how: string[]): string => {
    execFileSync('tar', [...how, '-cf', archive, '-C', dirname(folder), basename(folder)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return archive;
  };
  try {
    return tar(`${folder}.tar.xz`, '--use-compress-program', 'xz -6 -T0');
  } catch {
    rmSync(`${folder}.tar.xz`, { force: true });
    return tar(`${folder}.tar.gz`, '-z');
  }
}
