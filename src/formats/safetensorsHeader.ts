import { GraftError } from '../lib/errors.ts';
import { bitsOf, exactProduct, isDtype } from './dtypes.ts';
import { JsonIntegerTooLarge, JsonScanner, JsonSyntaxError } from './jsonScanner.ts';

/** One tensor of a safetensors file; `begin` and `end` are bytes from the start of the data. */
export interface TensorInfo {
  name: string;
  /** Usually a `Dtype`; a newer writer's unknown dtype is kept as it stands. */
  dtype: string;
  shape: number[];
  begin: number;
  end: number;
}

/** What a header says: the tensors in the order it names them, and its `__metadata__`. */
export interface SafetensorsHeader {
  tensors: Map<string, TensorInfo>;
  metadata: Map<string, string>;
}

/** The longest header safetensors allows, in bytes. */
export const maxHeaderBytes = 100_000_000;

/** A name short enough for an error message: a hostile file may hold names of megabytes. */
export function clip(name: string): string {
  return name.length > 200 ? `${name.slice(0, 200)}…` : name;
}

/** A shape for an error message. */
export function shapeText(shape: readonly number[]): string {
  return shape.length > 16 ? `${shape.slice(0, 16).join(', ')}, …` : shape.join(', ');
}

/**
 * Parses and checks the JSON of a header (format: safetensors README; rules as in its `Metadata::validate`).
 * `dataBytes` is what follows the header in the file. Throws a `formats.*` error naming `file` and the tensor for
 * bad UTF-8 or JSON, duplicate names, inexact integers, and tensors that don't tile the data exactly.
 */
export function parseSafetensorsHeader(json: Uint8Array, file: string, dataBytes: number): SafetensorsHeader {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
  } catch (cause) {
    throw new GraftError('formats.header_utf8', { file }, { cause });
  }
  const header = new HeaderParser(text, file).parse();
  checkLayout([...header.tensors.values()], file, dataBytes);
  return header;
}

/** Tensors by the place of their data; empty tensors come before the one that starts at the same byte. */
export function byOffset(a: TensorInfo, b: TensorInfo): number {
  return a.begin - b.begin || a.end - b.end;
}

class HeaderParser {
  private readonly text: string;
  private readonly file: string;
  private readonly scanner: JsonScanner;
  private readonly tensors = new Map<string, TensorInfo>();
  private readonly metadata = new Map<string, string>();
  private tensor: string | undefined;
  private field = '';

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
    this.scanner = new JsonScanner(text);
  }

  parse(): SafetensorsHeader {
    const { file, scanner } = this;
    try {
      if (!this.text.startsWith('{')) scanner.fail('expected “{” first');
      let hasMetadata = false;
      scanner.object((name) => {
        this.tensor = undefined;
        if (name === '__metadata__') {
          if (hasMetadata) this.badMetadata('', 'it appears twice');
          hasMetadata = true;
          this.parseMetadata();
          return;
        }
        this.tensor = name;
        if (this.tensors.has(name))
          throw new GraftError('formats.duplicate_tensor', { file, tensor: clip(name) });
        this.tensors.set(name, this.parseTensor(name));
      });
      this.tensor = undefined;
      scanner.end();
    } catch (error) {
      throw this.named(error);
    }
    return { tensors: this.tensors, metadata: this.metadata };
  }

  private parseMetadata(): void {
    if (this.scanner.peek() !== '{') this.badMetadata('', 'it is not an object');
    this.scanner.object((key) => {
      const where = ` at “${clip(key)}”`;
      if (this.metadata.has(key)) this.badMetadata(where, 'the key appears twice');
      if (this.scanner.peek() !== '"') this.badMetadata(where, 'the value is not a string');
      this.metadata.set(key, this.scanner.string());
    });
  }

  private parseTensor(name: string): TensorInfo {
    const { scanner } = this;
    let dtype: string | undefined;
    let shape: number[] | undefined;
    let offsets: number[] | undefined;
    const seen = new Set<string>();
    scanner.object((field) => {
      this.field = clip(field);
      if (seen.has(field)) this.badField('it appears twice');
      seen.add(field);
      if (field === 'dtype') dtype = scanner.string();
      else if (field === 'shape') shape = this.integers();
      else if (field === 'data_offsets') offsets = this.integers();
      else scanner.skipValue();
    });
    for (const [field, value] of Object.entries({ dtype, shape, data_offsets: offsets })) {
      this.field = field;
      if (value === undefined) this.badField('it is missing');
    }
    if (offsets!.length !== 2) this.badField(`it has ${offsets!.length} numbers instead of 2`);
    const [begin, end] = offsets! as [number, number];
    return { name, dtype: dtype!, shape: shape!, begin, end };
  }

  private integers(): number[] {
    const out: number[] = [];
    this.scanner.array(() => out.push(this.scanner.unsignedInteger()));
    return out;
  }

  private badField(problem: string): never {
    const { file, field, tensor = '' } = this;
    throw new GraftError('formats.tensor_field', { file, tensor: clip(tensor), field, problem });
  }

  private badMetadata(where: string, problem: string): never {
    throw new GraftError('formats.bad_metadata', { file: this.file, where, problem });
  }

  private named(error: unknown): unknown {
    const { file, field, tensor } = this;
    if (error instanceof JsonIntegerTooLarge && tensor !== undefined) {
      const params = { file, tensor: clip(tensor), field, value: error.digits };
      return new GraftError('formats.number_too_large', params, { cause: error });
    }
    if (error instanceof JsonSyntaxError) {
      const where = tensor === undefined ? '' : `, in tensor “${clip(tensor)}”`;
      const { position, problem } = error;
      return new GraftError('formats.header_json', { file, position, where, problem }, { cause: error });
    }
    return error;
  }
}

/** Checks that the tensors tile the data: in order of offset they start at 0, touch, fit their shapes and end at its end. */
function checkLayout(tensors: TensorInfo[], file: string, dataBytes: number): void {
  tensors.sort(byOffset);
  let previous: TensorInfo | undefined;
  for (const info of tensors) {
    checkTensor(info, file, dataBytes);
    const { begin } = info;
    const expected = previous?.end ?? 0;
    const tensor = clip(info.name);
    if (begin < expected) {
      throw new GraftError('formats.tensor_overlap', {
        file,
        tensor,
        begin,
        other: clip(previous?.name ?? ''),
      });
    }
    if (begin > expected) throw new GraftError('formats.tensor_hole', { file, tensor, begin, expected });
    previous = info;
  }
  const trailing = dataBytes - (previous?.end ?? 0);
  if (trailing > 0) {
    const tensor = previous === undefined ? 'none' : clip(previous.name);
    throw new GraftError('formats.trailing_bytes', { file, tensor, bytes: trailing });
  }
}

function checkTensor(info: TensorInfo, file: string, dataBytes: number): void {
  const { dtype, begin, end } = info;
  const tensor = clip(info.name);
  const shape = shapeText(info.shape);
  if (end < begin) throw new GraftError('formats.tensor_offsets', { file, tensor, begin, end });
  if (end > dataBytes) {
    throw new GraftError('formats.tensor_beyond_file', { file, tensor, end, available: dataBytes });
  }
  const elements = exactProduct(info.shape);
  if (elements === undefined) throw new GraftError('formats.shape_overflow', { file, tensor, shape });
  if (!isDtype(dtype)) return;
  const bits = exactProduct([elements, bitsOf(dtype)]);
  if (bits === undefined) throw new GraftError('formats.shape_overflow', { file, tensor, shape });
  if (bits % 8 !== 0) throw new GraftError('formats.tensor_partial_byte', { file, tensor, dtype, shape });
  if (bits / 8 !== end - begin) {
    const params = { file, tensor, dtype, shape, expected: bits / 8, actual: end - begin };
    throw new GraftError('formats.tensor_size', params);
  }
}
