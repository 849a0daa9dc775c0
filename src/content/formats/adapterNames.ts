import { GraftError } from '../../base/lib/errors.ts';
import { SafetensorsFile } from './safetensors.ts';
import { clip } from './safetensorsHeader.ts';

/** An adapter's name inside the keys of a PeftModel's state dict; PEFT leaves it out where it saves an adapter. */
const NAMED = /^(.*\.)(lora_[AB]|lora_embedding_[AB]|lora_magnitude_vector)\.([^.]+)(\.weight|\.bias)?$/s;
const NAMED_SAVED = /^(.*)\.modules_to_save\.([^.]+)(\.weight|\.bias)$/s;

/** Keys of tensors without a name are of these. */
const UNNAMED = new Set(['weight', 'bias', 'int8', 'int8_scale']);

/**
 * An adapter's file with the keys PEFT's `save_pretrained` writes, where it has those of a PeftModel's state dict:
 * `lora_A.default.weight`, `modules_to_save.default.weight`, with any name that is the same everywhere.
 * Throws `formats.adapter_names` for several adapters in one file.
 */
export function withoutAdapterName(file: SafetensorsFile): SafetensorsFile {
  const names = new Set<string>();
  const tensors = new Map(
    [...file.tensors].map(([key, info]) => {
      const plain = plainKey(key);
      if (plain) names.add(plain.name);
      else if (/\.lora_[AB]\.(?:weight|bias)$/.test(key)) names.add('');
      return [plain?.key ?? key, info] as const;
    }),
  );
  if (names.size > 1 || tensors.size < file.tensors.size) {
    const found = [...names].map((name) => (name === '' ? 'none' : `“${clip(name)}”`)).join(', ');
    throw new GraftError('formats.adapter_names', { file: file.source.name, names: found });
  }
  const { source, metadata, dataStart } = file;
  return names.has('') || names.size === 0
    ? file
    : new SafetensorsFile(source, { tensors, metadata }, dataStart);
}

function plainKey(key: string): { key: string; name: string } | null {
  const saved = NAMED_SAVED.exec(key);
  if (saved) return { key: saved[1]! + saved[3]!, name: saved[2]! };
  const found = NAMED.exec(key);
  if (!found || (found[4] === undefined && UNNAMED.has(found[3]!))) return null;
  return { key: found[1]! + found[2]! + (found[4] ?? ''), name: found[3]! };
}
