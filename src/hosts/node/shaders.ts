import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { resolveIncludes } from '../../engine/gpu/assemble.ts';

/** The folder of the WGSL files. */
export const shaderFolder = fileURLToPath(new URL('../../../shaders/', import.meta.url));

/** Every `shaders/<name>.wgsl` by name, with its includes resolved: what `virtual:shaders` is in the browser. */
export function readShaders(): Record<string, string> {
  const read = (path: string) => readFileSync(shaderFolder + path, 'utf8');
  const names = readdirSync(shaderFolder)
    .filter((file) => file.endsWith('.wgsl'))
    .sort();
  return Object.fromEntries(
    names.map((file) => [file.slice(0, -'.wgsl'.length), resolveIncludes(read(file), read)]),
  );
}
