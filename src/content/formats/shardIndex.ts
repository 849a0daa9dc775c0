import { parseBoundedJson } from '../../base/lib/boundedJson.ts';
import { GraftError, messageOf } from '../../base/lib/errors.ts';
import { isPlainFileName } from '../../base/lib/fileName.ts';
import { sniff } from '../../base/lib/sniff.ts';
import { clip } from './safetensorsHeader.ts';

/**
 * The `weight_map` of a `model.safetensors.index.json`: tensor name to shard. Throws `formats.index_json` for bad JSON or
 * no weight map, `formats.index_shard_name` for a shard that isn't a plain `*.safetensors` name, and `storage.html_page`.
 */
export function parseShardIndex(text: string, file: string): Map<string, string> {
  const map = (parseJson(text, file) as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw badIndex(file, 'there is no “weight_map”');
  const entries = Object.entries(map);
  if (entries.length === 0) throw badIndex(file, 'the “weight_map” is empty');
  for (const [tensor, shard] of entries) {
    if (typeof shard !== 'string')
      throw badIndex(file, `the shard of tensor “${clip(tensor)}” is not a string`);
    // Percent signs are refused because a shard name may end up in an address, where %2e%2e means "..".
    if (!isPlainFileName(shard) || shard.includes('%') || !/^[^.].*\.safetensors$/.test(shard)) {
      throw new GraftError('formats.index_shard_name', { file, tensor: clip(tensor), shard: clip(shard) });
    }
  }
  return new Map(entries as [string, string][]);
}

function parseJson(text: string, file: string): unknown {
  try {
    return parseBoundedJson(text);
  } catch (cause) {
    if (sniff(new TextEncoder().encode(text.slice(0, 1024))) === 'html_page') {
      throw new GraftError('storage.html_page', { file }, { cause });
    }
    throw badIndex(file, messageOf(cause).slice(0, 300), cause);
  }
}

function badIndex(file: string, problem: string, cause?: unknown): GraftError {
  return new GraftError('formats.index_json', { file, problem }, { cause });
}
