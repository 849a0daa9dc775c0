import { GraftError } from '../lib/errors.ts';
import { isPlainFileName } from '../lib/fileName.ts';
import { sniff } from '../lib/sniff.ts';
import { JsonScanner, JsonSyntaxError } from './jsonScanner.ts';
import { clip } from './safetensorsHeader.ts';

/**
 * The `weight_map` of a `model.safetensors.index.json`: tensor name to shard. Throws `formats.index_json` for bad
 * JSON or a tensor named twice, `formats.index_shard_name` for a shard that isn't a plain `*.safetensors` name, and
 * `storage.html_page`.
 */
export function parseShardIndex(text: string, file: string): Map<string, string> {
  const scanner: JsonScanner = new JsonScanner(text);
  let weightMap: Map<string, string> | undefined;
  try {
    scanner.object((key) => {
      if (key !== 'weight_map') scanner.skipValue();
      else if (weightMap === undefined) weightMap = parseWeightMap(scanner, file);
      else scanner.fail('“weight_map” appears twice');
    });
    scanner.end();
    if (weightMap === undefined) scanner.fail('there is no “weight_map”');
    if (weightMap.size === 0) scanner.fail('the “weight_map” is empty');
    return weightMap;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    if (sniff(new TextEncoder().encode(text.slice(0, 1024))) === 'html_page') {
      throw new GraftError('storage.html_page', { file }, { cause: error });
    }
    const { position, problem } = error;
    throw new GraftError('formats.index_json', { file, position, problem }, { cause: error });
  }
}

function parseWeightMap(scanner: JsonScanner, file: string): Map<string, string> {
  const weightMap = new Map<string, string>();
  scanner.object((tensor, position) => {
    if (weightMap.has(tensor)) {
      throw new JsonSyntaxError(position, `tensor “${clip(tensor)}” is named twice`);
    }
    const shard = scanner.string();
    // Percent signs are refused because a shard name may end up in an address, where %2e%2e means "..".
    if (!isPlainFileName(shard) || shard.includes('%') || !/^[^.].*\.safetensors$/.test(shard)) {
      throw new GraftError('formats.index_shard_name', { file, tensor: clip(tensor), shard: clip(shard) });
    }
    weightMap.set(tensor, shard);
  });
  return weightMap;
}
