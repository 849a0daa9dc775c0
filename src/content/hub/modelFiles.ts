import { parseShardIndex } from '../formats/shardIndex.ts';
import { indexFileName, singleFileName } from '../formats/sharding.ts';
import { readText } from '../formats/text.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { Folder } from '../../base/storage/types.ts';
import type { HubFile } from './remoteFile.ts';
import type { HubRepo } from './resolveRepo.ts';

/** Files besides weights: configuration, tokenizer, template, licence and card. Other weight formats are excluded. */
const wanted = /\.(?:json|jinja|txt|model|tiktoken|md)$|^(?:licen[cs]e|notice|use_policy)/i;
const adapterConfigFile = 'adapter_config.json';
const unwanted = /\.index\.json$|^(?:onnx|openvino|tf_|flax_)/i;

function ggufFile({ files, repo }: HubRepo, path: string): HubFile {
  const found = files.get(path);
  if (!found) throw new GraftError('storage.not_found', { file: path, folder: repo });
  return found;
}

/** Whether a repo holds a PEFT adapter and no model. */
export function isAdapterRepo({ files }: Pick<HubRepo, 'files'>): boolean {
  return files.has(adapterConfigFile) && !files.has('config.json');
}

/** Throws `hub.is_adapter` for a repo that holds an adapter and no model. */
export function refuseAdapterRepo(model: Pick<HubRepo, 'files' | 'repo'>): void {
  if (isAdapterRepo(model)) throw new GraftError('hub.is_adapter', { repo: model.repo });
}

/** Throws `hub.not_adapter` for a repo without a PEFT adapter. */
export function checkAdapterRepo({ files, repo }: Pick<HubRepo, 'files' | 'repo'>): void {
  if (!files.has(adapterConfigFile))
    throw new GraftError('hub.not_adapter', { repo, file: adapterConfigFile });
}

/**
 * The files of a model that Graft uses, small ones first. Selects weights like `openCheckpoint`: `model.safetensors`,
 * otherwise the shards of the index, otherwise all top-level safetensors. Without safetensors no weights are included,
 * and opening the model reports what it has instead. Of a repo of GGUF files it is the one that `gguf` names. Throws `hub.no_model_files`, `hub.is_adapter` and errors of reading the index.
 */
export async function chooseModelFiles(
  model: HubRepo,
  folder: Folder,
  gguf: string | null = null,
): Promise<HubFile[]> {
  const { files, repo } = model;
  if (gguf !== null) return [ggufFile(model, gguf)];
  refuseAdapterRepo(model);
  if (!files.has('config.json')) throw new GraftError('hub.no_model_files', { repo, file: 'config.json' });
  const names = [...files.keys()];
  const chosen = new Set(names.filter((name) => wanted.test(name) && !unwanted.test(name)));
  if (files.has(singleFileName)) chosen.add(singleFileName);
  else if (files.has(indexFileName)) {
    chosen.add(indexFileName);
    const shards = new Set(parseShardIndex(await readText(folder, indexFileName), indexFileName).values());
    for (const shard of shards) {
      if (!files.has(shard))
        throw new GraftError('formats.index_shard_missing', { file: indexFileName, shard });
      chosen.add(shard);
    }
  } else for (const name of names) if (name.endsWith('.safetensors')) chosen.add(name);
  return [...chosen].map((name) => files.get(name)!).sort((a, b) => a.size - b.size);
}
