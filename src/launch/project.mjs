// Shared by both commands before anything is installed: plain Node, no dependencies.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Arguments of setpriv, of util-linux. */
const NO_PRIORITY = ['--bounding-set=-sys_nice', '--inh-caps=-sys_nice', '--'];

/** Exits with one line on stderr. */
export function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Exits if this Node is too old for Vite 8 (20.19, 22.12 or newer). */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const fits = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (!fits) {
    fail(
      `Graft needs Node 20.19, 22.12 or newer; this is ${process.versions.node}. Get it from https://nodejs.org`,
    );
  }
}

/** Runs a program with inherited output. Resolves to its exit status, 127 if it could not be started. */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(127);
    });
    child.on('close', (code, signal) => resolve(code ?? (signal ? 128 : 1)));
  });
}

/** Runs the program of an installed package with this Node: `file` is relative to node_modules. */
export function runInstalled(file, args, options) {
  return run(process.execPath, [join(root, 'node_modules', file), ...args], options);
}

/**
 * As `runInstalled`, and what it starts can't raise its priority. As root, Chromium's GPU process does: beside another, its
 * software adapter takes all processors, and the pages themselves stand still.
 */
export function runInstalledEvenly(file, args, options) {
  const dropped = process.getuid?.() === 0 && spawnSync('setpriv', [...NO_PRIORITY, 'true']).status === 0;
  if (!dropped) return runInstalled(file, args, options);
  const command = [process.execPath, join(root, 'node_modules', file), ...args];
  return run('setpriv', [...NO_PRIORITY, ...command], options);
}

/** Installs the npm packages if those in node_modules differ from package-lock.json. */
export async function installPackages() {
  if (packagesAreInstalled()) return;
  console.log('Installing npm packages …');
  // On Windows npm is a script, which only a shell can start.
  const code = await run('npm', ['ci', '--no-audit', '--no-fund'], { shell: process.platform === 'win32' });
  if (code !== 0) fail('npm ci failed; its messages are above. Check the network, then run this again.');
}

function packagesAreInstalled() {
  const installedLock = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedLock)) return false;
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(installedLock);
  // Optional packages are those of other platforms.
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  );
}

function readPackages(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages;
}
