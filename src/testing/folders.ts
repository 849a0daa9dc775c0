import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** New content of a file, a change to its content, or null to remove it. */
export type Edit = string | Uint8Array | null | ((bytes: Buffer) => string | Uint8Array);

/** A folder of files, copied to `path` with some of its files changed; returns `path`. */
export function copyFolder(from: string, path: string, edits: Record<string, Edit> = {}): string {
  mkdirSync(path, { recursive: true });
  // Contents alone: modes are copied too otherwise, and the folder may be read-only.
  for (const file of readdirSync(from)) writeFileSync(join(path, file), readFileSync(join(from, file)));
  return editFolder(path, edits);
}

/** Writes, changes and removes files of a folder, created if missing; returns `path`. */
export function editFolder(path: string, edits: Record<string, Edit>): string {
  mkdirSync(path, { recursive: true });
  for (const [name, edit] of Object.entries(edits)) {
    const file = join(path, name);
    const content = typeof edit === 'function' ? edit(readFileSync(file)) : edit;
    if (content === null) rmSync(file);
    else writeFileSync(file, content);
  }
  return path;
}

/** An edit that changes a JSON object's fields; those set to undefined are removed. */
export function withFields(fields: Record<string, unknown>): Edit {
  return (bytes) => JSON.stringify({ ...(JSON.parse(bytes.toString()) as object), ...fields });
}

/** An edit of a safetensors file's header with its length corrected; the data stays unchanged. */
export function withHeader(change: (json: string) => string): Edit {
  return (bytes) => {
    const dataStart = 8 + Number(bytes.readBigUInt64LE());
    const json = Buffer.from(change(bytes.subarray(8, dataStart).toString()));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([length, json, bytes.subarray(dataStart)]);
  };
}
