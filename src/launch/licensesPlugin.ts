import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

export const LICENSES_FILE = 'THIRD_PARTY_LICENSES.txt';

/** A package of which something is in a build. */
export interface BundledPackage {
  name: string;
  version: string;
  /** As its package.json has it. */
  license: string;
  /** Its licence and notices in full; none where it comes without. */
  texts: string[];
  /** Where it is from, for those without. */
  origin: string;
}

/**
 * Writes the licences of all packages of which something is in a build, workers included: most licences demand that their
 * text goes with every copy. `collect` is for the workers' own builds, which come first. A bundled package that has no
 * licence fails the build.
 * @param file its name; none is written where nothing was bundled
 */
export function licensesPlugin(file = LICENSES_FILE): { write: Plugin; collect: () => Plugin } {
  const folders = new Set<string>();
  const take: NonNullable<Plugin['generateBundle']> = (_options, bundle) => {
    for (const output of Object.values(bundle)) {
      if (output.type !== 'chunk') continue;
      for (const id of output.moduleIds) {
        const folder = packageFolder(id);
        if (folder !== null) folders.add(folder);
      }
    }
  };
  return {
    collect: () => ({ name: 'graft-licenses-of-workers', generateBundle: take }),
    write: {
      name: 'graft-licenses',
      apply: 'build',
      generateBundle(options, bundle, isWrite) {
        void take.call(this, options, bundle, isWrite);
        if (folders.size === 0) return;
        const packages = [...folders].map(readPackage);
        this.emitFile({ type: 'asset', fileName: file, source: licensesText(packages) });
      },
    },
  };
}

/** The folder of the package that a module belongs to; null for the project's own. */
export function packageFolder(id: string): string | null {
  const path = id
    .replace(/^\0/, '')
    .replace(/[?#].*$/, '')
    .replaceAll('\\', '/');
  // The last one counts: packages may have packages of their own.
  const [, folder] = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
  return folder !== undefined && existsSync(join(folder, 'package.json')) ? folder : null;
}

interface Manifest {
  name?: string;
  version?: string;
  license?: unknown;
  author?: string | { name?: string };
  repository?: string | { url?: string };
}

/** Throws for a package that says nothing of its licence. */
function readPackage(folder: string): BundledPackage {
  const { name, version, license, repository, author } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as Manifest;
  const texts = readdirSync(folder)
    .filter((file) => /^(?:licen[cs]e|copying|notice)(?:[.-]|$)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  if (name === undefined || version === undefined || typeof license !== 'string') {
    throw new Error(`${folder} is bundled, but its package.json names no licence`);
  }
  const by = typeof author === 'object' ? author.name : author;
  const url = typeof repository === 'object' ? repository.url : repository;
  return { name, version, license, texts, origin: [by, url].filter(Boolean).join(', ') };
}

/** All packages by name, each distinct licence once, under the packages that have it. */
export function licensesText(packages: readonly BundledPackage[]): string {
  const byText = new Map<string, string[]>();
  const distinct = new Map(packages.map((one) => [`${one.name}@${one.version}`, one]));
  for (const one of [...distinct.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const title = `${one.name} ${one.version} (${one.license})`;
    const text =
      one.texts.join('\n\n') ||
      `Copyright: ${one.origin}. Licensed under ${one.license}; the package comes without its text.`;
    byText.set(text, [...(byText.get(text) ?? []), title]);
  }
  const parts = [...byText].map(([text, titles]) => `${titles.join('\n')}\n\n${text}\n`);
  const line = `\n${'-'.repeat(80)}\n\n`;
  return `This build contains parts of the following packages.\n${line}${parts.join(line)}`;
}
