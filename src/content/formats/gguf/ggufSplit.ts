import { ggufLayout, type GgufEntry, type GgufKey, type GgufLayout } from './ggufWriter.ts';

/** A file of a model in parts, and the tensors that are in it: those from `begin` to before `end`. */
export interface GgufPart {
  file: string;
  layout: GgufLayout;
  begin: number;
  end: number;
}

/**
 * Lays out a model in files as llama.cpp's gguf-split does: all keys are in the first, each tensor is whole in one of them,
 * in order, and each file says which part it is. What fits into one file is an ordinary GGUF file of the given name.
 * @param file its name, `NAME.gguf`; parts are called `NAME-00001-of-00003.gguf`
 * @param maxBytes the most bytes of a part; a tensor that is larger has one of its own
 */
export function splitGguf(
  keys: readonly GgufKey[],
  entries: readonly GgufEntry[],
  file: string,
  maxBytes = Infinity,
): GgufPart[] {
  const whole = ggufLayout(keys, entries, file);
  if (whole.totalBytes <= maxBytes) return [{ file, layout: whole, begin: 0, end: entries.length }];
  // The bounds of headers have all tensors in them, so that they do not depend on where the parts end.
  const marks = partKeys(0, 0, entries.length);
  const firstHeader = ggufLayout([...keys, ...marks], entries, file).header.byteLength;
  const laterHeader = ggufLayout(marks, entries, file).header.byteLength;
  const begins = [0];
  let bytes = firstHeader;
  whole.tensors.forEach(({ byteLength }, i) => {
    if (i > begins.at(-1)! && bytes + byteLength > maxBytes) {
      begins.push(i);
      bytes = laterHeader;
    }
    bytes += byteLength;
  });
  return begins.map((begin, part) => {
    const end = begins[part + 1] ?? entries.length;
    const name = partName(file, part, begins.length);
    const own = partKeys(part, begins.length, entries.length);
    const layout = ggufLayout(part === 0 ? [...keys, ...own] : own, entries.slice(begin, end), name);
    return { file: name, layout, begin, end };
  });
}

/** `model.gguf` as llama.cpp names its parts; it finds the others by the name of the first. */
function partName(file: string, part: number, count: number): string {
  const number = (value: number) => String(value).padStart(5, '0');
  return count === 1 ? file : file.replace(/(?:\.gguf)?$/i, `-${number(part + 1)}-of-${number(count)}.gguf`);
}

/** What gguf-split writes into each part, in its types. */
function partKeys(part: number, count: number, tensors: number): GgufKey[] {
  return [
    { key: 'split.no', type: 'u16', value: part },
    { key: 'split.count', type: 'u16', value: count },
    { key: 'split.tensors.count', type: 'i32', value: tensors },
  ];
}
