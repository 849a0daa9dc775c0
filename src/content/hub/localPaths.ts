import { GraftError } from '../../base/lib/errors.ts';
import { pythonJson } from '../formats/pythonJson.ts';
import type { PushFiles } from './push.ts';

/** Texts are searched up to this size; a tokenizer's vocabulary is longer. */
const MAX_TEXT = 4 << 20;

/** Home folders on Linux, macOS and Windows; backslashes may be escaped, as in JSON. */
const HOME =
  /(?<![\w.~-])(?:\/(?:home|Users)\/|[A-Za-z]:(?:\\{1,2}|\/)Users(?:\\{1,2}|\/))([^\s/\\"'`<>{}$]+)[\\/]/g;

/** Whose home folder an example in a text is. */
const ANYONE = /^(?:user|username|you|your[-_]?\w*|me|name|myuser|xxx|\.+|ubuntu|runner|shared|public)$/i;

/**
 * Refuses files whose texts hold a path of this machine, since those name users, clients and projects: one into any
 * user's home folder, or below one of `roots`. Throws `hub.push_local_path`.
 * @param roots absolute paths, where the host knows any
 */
export async function refuseLocalPaths(files: PushFiles, roots: readonly string[] = []): Promise<void> {
  const spellings = [...new Set(roots.flatMap(spellingsOf))];
  for (const [file, blob] of files) {
    if (!/\.(?:json|jsonl|md|jinja|txt)$/.test(file) || blob.size > MAX_TEXT) continue;
    const path = localPathIn(await blob.text(), spellings);
    if (path !== null) throw new GraftError('hub.push_local_path', { file, path });
  }
}

/** The first local path in a text; null if there is none. */
export function localPathIn(text: string, spellings: readonly string[] = []): string | null {
  const at = [...spellings.map((written) => indexOfPath(text, written)), indexOfHome(text)].filter(
    (index) => index >= 0,
  );
  if (at.length === 0) return null;
  const rest = text.slice(Math.min(...at));
  return rest.slice(0, Math.min(/["'`\s,)<>]/.exec(rest)?.index ?? rest.length, 200));
}

function indexOfPath(text: string, written: string): number {
  for (let at = text.indexOf(written); at >= 0; at = text.indexOf(written, at + 1)) {
    // `/home/anna` is not in `/home/annabel`.
    if (!/[\w-]/.test(text[at + written.length] ?? '')) return at;
  }
  return -1;
}

function indexOfHome(text: string): number {
  for (const match of text.matchAll(HOME)) {
    if (!ANYONE.test(match[1]!)) return match.index;
  }
  return -1;
}

/** A path as texts have it: as it is, in JSON, in JSON of Python's, which is ASCII, and with the slashes of addresses. */
function spellingsOf(path: string): string[] {
  const inJson = (text: string): string => text.slice(1, -1);
  return [path, inJson(JSON.stringify(path)), inJson(pythonJson(path)), path.replaceAll('\\', '/')];
}
