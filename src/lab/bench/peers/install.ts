import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the peers' own package.json. */
export const peersFolder = fileURLToPath(new URL('.', import.meta.url));

/** Whether the peers are installed in the versions of package-lock.json. */
export function peersInstalled(): boolean {
  const wanted = versionsIn(join(peersFolder, 'package-lock.json'));
  const installedLock = join(peersFolder, 'node_modules', '.package-lock.json');
  const installed = existsSync(installedLock) ? versionsIn(installedLock) : {};
  return Object.entries(wanted).every(([path, version]) => installed[path] === version);
}

/** Installs the peers unless they are. Their install scripts, which would download more, are skipped. */
export function installPeers(): void {
  if (peersInstalled()) return;
  console.log('Installing the libraries that Graft is compared with (about 750 MB, once) …');
  // On Windows npm is a script, which needs a shell.
  const shell = process.platform === 'win32';
  try {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: peersFolder,
      stdio: 'inherit',
      shell,
    });
  } catch (error) {
    throw new Error(
      'npm ci failed in src/lab/bench/peers; its messages are above. Check the network and run this again.',
      {
        cause: error,
      },
    );
  }
}

function versionsIn(lock: string): Record<string, string> {
  const { packages } = JSON.parse(readFileSync(lock, 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  return Object.fromEntries(
    Object.entries(packages).flatMap(([path, { version }]) => (path === '' ? [] : [[path, version]])),
  );
}
