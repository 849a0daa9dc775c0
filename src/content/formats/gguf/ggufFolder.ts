import { GraftError } from '../../../base/lib/errors.ts';
import { bytesSource } from '../../../base/storage/byteSource.ts';
import type { ByteSource, Folder } from '../../../base/storage/types.ts';
import { ggufConfig, ggufSizes } from './ggufConfig.ts';
import { openGguf, type GgufFile } from './ggufFile.ts';
import { ggufTokenizer } from './ggufTokenizer.ts';
import { unpackedSource, unpackedTensors, type UnpackedTensor } from './ggufWeights.ts';
import { singleFileName } from '../sharding.ts';

/** A GGUF file as a model folder. */
export interface GgufFolder extends Folder {
  /** What the file is, for the user. */
  readonly gguf: GgufSummary;
  /** The file itself: what is written from its model may copy its tokenizer. */
  readonly ggufFile: GgufFile;
}

/** The GGUF file that a folder presents; null for an ordinary folder. */
export function ggufOf(folder: Folder): GgufFile | null {
  return 'ggufFile' in folder ? (folder as GgufFolder).ggufFile : null;
}

/** What is said of a GGUF file that is opened as a model. */
export interface GgufSummary {
  file: string;
  architecture: string;
  /** Tensors by type, the type of most bytes first. */
  types: { type: string; tensors: number }[];
  /** Whether any of them is unpacked to 16 bits. */
  unpacked: boolean;
}

/** What is said of the GGUF file that a folder presents; null for an ordinary folder. */
export function ggufSummaryOf(folder: Folder): GgufSummary | null {
  return 'gguf' in folder ? (folder as GgufFolder).gguf : null;
}

/**
 * A GGUF file as the folder of a Hugging Face model: config, tokenizer and chat template are made from its keys, and its
 * weights are unpacked as they are read (`unpackedSource`): floats stay what they are, all else becomes F16. Throws
 * `formats.gguf_*`, each with the key or tensor.
 */
export async function ggufFolder(source: ByteSource): Promise<GgufFolder> {
  const gguf = await openGguf(source);
  refuseSplit(gguf);
  const sizes = ggufSizes(gguf);
  const tensors = unpackedTensors(gguf, sizes);
  const { tokenizer, config: tokenizerConfig } = ggufTokenizer(gguf);
  const config = await ggufConfig(gguf, sizes, torchDtypeOf(tensors));
  const texts = new Map<string, string>([
    ['config.json', JSON.stringify(config, null, 2)],
    ['generation_config.json', JSON.stringify(generationOf(gguf), null, 2)],
    ['tokenizer.json', tokenizer],
    ['tokenizer_config.json', tokenizerConfig],
  ]);
  const license = gguf.text('general.license');
  if (license !== null) texts.set('README.md', `---\nlicense: ${JSON.stringify(license)}\n---\n`);
  const weights = unpackedSource(gguf, tensors, singleFileName);
  const name = source.name.replace(/\.gguf$/i, '');
  const encoder = new TextEncoder();
  return {
    name,
    ggufFile: gguf,
    gguf: summaryOf(gguf, sizes.architecture.name, tensors),
    list: () => Promise.resolve([...texts.keys(), singleFileName].sort()),
    open(file) {
      if (file === singleFileName) return Promise.resolve(weights);
      const text = texts.get(file);
      if (text === undefined)
        return Promise.reject(new GraftError('storage.not_found', { file, folder: name }));
      return Promise.resolve(bytesSource(file, encoder.encode(text)));
    },
  };
}

/**
 * A folder as a model's: one whose only weights are a GGUF file as `ggufFolder` presents it, any other as it is. Throws
 * `formats.several_gguf` where there are several, and what `ggufFolder` throws.
 */
export async function presentGguf(folder: Folder): Promise<Folder> {
  const names = await folder.list();
  const [only] = names;
  // Ollama's files have their digest for a name.
  const isGguf = names.length === 1 && (await startsAsGguf(await folder.open(only!)));
  const found = isGguf ? names : names.filter((name) => /\.gguf$/i.test(name));
  const isOther = names.some((name) => /^(?:adapter_)?config\.json$|\.safetensors$/.test(name));
  if (found.length === 0 || isOther) return folder;
  if (found.length > 1) {
    const files = found.slice(0, 4).join(', ') + (found.length > 4 ? ', …' : '');
    throw new GraftError('formats.several_gguf', { folder: folder.name, files });
  }
  const { origin } = folder;
  return { ...(await ggufFolder(await folder.open(found[0]!))), ...(origin && { origin }) };
}

async function startsAsGguf(source: ByteSource): Promise<boolean> {
  if (source.size < 4) return false;
  return new TextDecoder().decode(await source.read(0, 4)) === 'GGUF';
}

/** Throws `formats.gguf_split` for one file of several. */
function refuseSplit(gguf: GgufFile): void {
  const count = gguf.number('split.count') ?? 1;
  if (count > 1) throw new GraftError('formats.gguf_split', { file: gguf.source.name, count });
}

/** The dtype of most bytes, by PyTorch's name. */
function torchDtypeOf(tensors: readonly UnpackedTensor[]): string {
  const bytes = new Map<string, number>();
  for (const { dtype, from } of tensors) bytes.set(dtype, (bytes.get(dtype) ?? 0) + from.end - from.begin);
  const [[most] = ['F16']] = [...bytes].sort((a, b) => b[1] - a[1]);
  return { F32: 'float32', F16: 'float16', BF16: 'bfloat16' }[most] ?? 'float16';
}

/** generation_config.json: every token that ends an answer. */
function generationOf(gguf: GgufFile) {
  const id = (name: string) => gguf.number(`tokenizer.ggml.${name}_token_id`);
  const ends = [id('eos'), id('eot'), id('eom')].filter((one) => one !== null);
  return {
    bos_token_id: id('bos'),
    eos_token_id: [...new Set(ends)],
    pad_token_id: id('padding'),
  };
}

function summaryOf(gguf: GgufFile, architecture: string, tensors: readonly UnpackedTensor[]): GgufSummary {
  // Experts are parts of one tensor.
  const byType = new Map<string, { names: Set<string>; bytes: number }>();
  for (const { from } of tensors) {
    const { names, bytes } = byType.get(from.type.name) ?? { names: new Set<string>(), bytes: 0 };
    byType.set(from.type.name, { names: names.add(from.name), bytes: bytes + from.end - from.begin });
  }
  const types = [...byType]
    .sort((a, b) => b[1].bytes - a[1].bytes)
    .map(([type, { names }]) => ({ type, tensors: names.size }));
  return {
    file: gguf.source.name,
    architecture,
    types,
    unpacked: tensors.some(({ from }) => from.type.block > 1),
  };
}
