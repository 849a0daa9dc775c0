import { GraftError } from '../../base/lib/errors.ts';
import type { Folder } from '../../base/storage/types.ts';
import { openSafetensors, type SafetensorsFile, type TensorInfo } from './safetensors.ts';
import { clip } from './safetensorsHeader.ts';
import { parseShardIndex } from './shardIndex.ts';
import { indexFileName, singleFileName } from './sharding.ts';
import { readText } from './text.ts';

/** One tensor of a checkpoint and the file it is in. */
export interface CheckpointTensor {
  file: SafetensorsFile;
  /** Of a part of a stacked tensor, with the name of the whole and the bytes and shape of the part. */
  info: TensorInfo;
  /** The tensor in the file that it is a part of: which of how many. */
  stack?: { name: string; index: number; count: number };
}

/** Where files name tensors otherwise than modules are called: the name of the one for one of the other, or null. */
export interface NameRule {
  known(stored: string): string | null;
  stored(known: string): string | null;
}

/** Names that begin so in files begin otherwise where they are known. */
export function prefixRule(stored: string, known: string): NameRule {
  const swap = (from: string, to: string) => (name: string) =>
    name.startsWith(from) ? to + name.slice(from.length) : null;
  return { known: swap(stored, known), stored: swap(known, stored) };
}

/** One file of a checkpoint; `tensors` are names, in the order of the file's header. */
export interface CheckpointShard {
  name: string;
  file: SafetensorsFile;
  tensors: string[];
}

/** The weights of a model, in one file or several; only the headers are in memory. */
export class Checkpoint {
  readonly files: CheckpointShard[];
  /** Every tensor by name, file by file; where one was renamed, that is not the name in its file. */
  readonly tensors: Map<string, CheckpointTensor>;
  /** Bytes of all tensors together. */
  readonly totalBytes: number;
  private readonly folder: string;
  private rules: readonly NameRule[] = [];

  /** Use `openCheckpoint`. The files must not share tensor names. */
  constructor(folder: string, files: readonly SafetensorsFile[]) {
    this.folder = folder;
    this.files = files.map((file) => ({ name: file.source.name, file, tensors: [...file.tensors.keys()] }));
    this.tensors = new Map(
      files.flatMap((file) => [...file.tensors.values()].map((info) => [info.name, { file, info }] as const)),
    );
    this.totalBytes = [...this.tensors.values()].reduce((sum, { info }) => sum + info.end - info.begin, 0);
  }

  /** One tensor's description and file. Throws `formats.tensor_missing`. */
  get(name: string): CheckpointTensor {
    const found = this.tensors.get(name);
    if (found !== undefined) return found;
    throw new GraftError('formats.tensor_missing', { tensor: clip(name), file: this.folder });
  }

  /** Renames a tensor, its position unchanged; `info` has the name in the file. */
  rename(from: string, to: string): void {
    const entries = [...this.tensors].map(([name, found]) => [name === from ? to : name, found] as const);
    this.tensors.clear();
    for (const [name, found] of entries) this.tensors.set(name, found);
  }

  /** Renames tensors by rules, if one holds for any of them. */
  renameBy(rules: readonly NameRule[]): void {
    const entries = [...this.tensors].map(([name, found]) => [renamed(name, rules, 'known'), found] as const);
    if (entries.every(([name, { info }]) => name === info.name)) return;
    this.rules = rules;
    this.tensors.clear();
    for (const [name, found] of entries) this.tensors.set(name, found);
  }

  /** The name that a file has for what is known as `name`. */
  storedName(name: string): string {
    return renamed(name, this.rules, 'stored');
  }

  /** Lists a tensor [names.length, …] as that many tensors […], in its place. */
  unstack(stack: string, names: readonly string[]): void {
    const { file, info } = this.get(stack);
    const [, ...shape] = info.shape;
    const bytes = (info.end - info.begin) / names.length;
    const parts = names.map((name, index): [string, CheckpointTensor] => {
      const begin = info.begin + index * bytes;
      const part = { ...info, shape, begin, end: begin + bytes };
      return [name, { file, info: part, stack: { name: stack, index, count: names.length } }];
    });
    const entries = [...this.tensors].flatMap((entry) => (entry[0] === stack ? parts : [entry]));
    this.tensors.clear();
    for (const [name, found] of entries) this.tensors.set(name, found);
  }

  /** Names and parts as in another checkpoint of the same files. */
  nameAs(other: Checkpoint): void {
    const own = new Map(this.files.map(({ name, file }) => [name, file]));
    this.rules = other.rules;
    this.tensors.clear();
    for (const [name, found] of other.tensors) {
      this.tensors.set(name, { ...found, file: own.get(found.file.source.name)! });
    }
  }

  /** All bytes of one tensor. Throws `formats.tensor_missing` and what the source throws. */
  async read(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const { info } = this.get(name);
    return this.readRange(name, 0, info.end - info.begin);
  }

  /** Some bytes of one tensor. Throws `formats.tensor_missing`, `formats.tensor_range`. */
  async readRange(name: string, byteOffset: number, byteLength: number): Promise<Uint8Array<ArrayBuffer>> {
    const found = this.get(name);
    return found.file.readRange(found.info.name, startOf(found) + byteOffset, byteLength);
  }

  /** The same into `target`, without a copy on the way where the file can do so: the file stays open until `release`. */
  async readInto(name: string, byteOffset: number, target: Uint8Array<ArrayBuffer>): Promise<void> {
    const found = this.get(name);
    await found.file.readInto(found.info.name, startOf(found) + byteOffset, target);
  }

  /** Closes what `readInto` left open; reading opens it again. */
  async release(): Promise<void> {
    for (const { file } of this.files) await file.source.release?.();
  }
}

function renamed(name: string, rules: readonly NameRule[], to: keyof NameRule): string {
  for (const rule of rules) {
    const found = rule[to](name);
    if (found !== null) return found;
  }
  return name;
}

/** The byte of the tensor in the file where one begins: 0 but for parts of a stacked one. */
export function startOf({ file, info }: CheckpointTensor): number {
  return info.begin - file.get(info.name).begin;
}

/**
 * Opens the weights of a model folder: `model.safetensors`, else the shards of `model.safetensors.index.json`, else
 * the only `*.safetensors` there is. The index is checked before any shard is opened, and against the shards' headers
 * after. Throws `formats.no_weights`, `formats.adapter_only`, `formats.pickle_only`, `formats.several_weights`, `formats.index_*`, and what
 * `openSafetensors` throws.
 */
export async function openCheckpoint(folder: Folder): Promise<Checkpoint> {
  const names = await folder.list();
  const sharded = !names.includes(singleFileName) && names.includes(indexFileName);
  const files = sharded
    ? await openShards(folder, names)
    : [await openSafetensors(await folder.open(onlyFile(folder.name, names)))];
  return new Checkpoint(folder.name, files);
}

/** PEFT's files, which may be in a model's folder. */
const ADAPTER = /^adapter_model\b.*\.(?:safetensors|bin)$/;

function onlyFile(folder: string, names: string[]): string {
  if (names.includes(singleFileName)) return singleFileName;
  // An adapter beside a model is not the model.
  const found = names.filter((name) => name.endsWith('.safetensors') && !ADAPTER.test(name));
  if (found.length === 1) return found[0]!;
  if (found.length > 1) {
    const files = found.slice(0, 4).join(', ') + (found.length > 4 ? ', …' : '');
    throw new GraftError('formats.several_weights', { folder, files });
  }
  const pickle = names.find((name) =>
    /^(?:pytorch_model|model).*\.(?:bin|pt|pth)(?:\.index\.json)?$/.test(name),
  );
  if (pickle !== undefined) throw new GraftError('formats.pickle_only', { folder, file: pickle });
  const adapter = names.find((name) => ADAPTER.test(name));
  if (adapter !== undefined) throw new GraftError('formats.adapter_only', { folder, file: adapter });
  throw new GraftError('formats.no_weights', { folder });
}

async function openShards(folder: Folder, names: string[]): Promise<SafetensorsFile[]> {
  const file = indexFileName;
  const weightMap = parseShardIndex(await readText(folder, file), file);
  const shards = [...new Set(weightMap.values())].sort();
  const missing = shards.find((shard) => !names.includes(shard));
  if (missing !== undefined) throw new GraftError('formats.index_shard_missing', { file, shard: missing });
  // The folder may hold other safetensors (an adapter, another precision): only names of a shard are suspect.
  const extra = names.find((name) => /^model-\d+-of-\d+\.safetensors$/.test(name) && !shards.includes(name));
  if (extra !== undefined) throw new GraftError('formats.index_shard_extra', { file, shard: extra });
  const opened: SafetensorsFile[] = [];
  for (const shard of shards) opened.push(await openSafetensors(await folder.open(shard)));
  checkShards(weightMap, opened);
  return opened;
}

function checkShards(weightMap: Map<string, string>, shards: SafetensorsFile[]): void {
  const file = indexFileName;
  for (const { source, tensors } of shards) {
    for (const tensor of tensors.keys()) {
      if (weightMap.get(tensor) === source.name) continue;
      const params = { file, shard: source.name, tensor: clip(tensor) };
      throw new GraftError('formats.index_tensor_unlisted', params);
    }
  }
  const byName = new Map(shards.map((shard) => [shard.source.name, shard]));
  for (const [tensor, shard] of weightMap) {
    if (byName.get(shard)?.tensors.has(tensor)) continue;
    throw new GraftError('formats.index_tensor_missing', { file, shard, tensor: clip(tensor) });
  }
}
