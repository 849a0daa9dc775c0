import {
  nestedMapBytes,
  nf4Names,
  quantMapBytes,
  quantStateBytes,
  type Nf4Shape,
} from '../../content/formats/quantized/bnbWriter.ts';
import { encodeFloats } from '../../base/lib/floats.ts';
import type { Gpu } from '../gpu/device.ts';
import { readBytes } from '../gpu/transfer.ts';
import { NF4_BLOCK, quantizeNf4 } from '../kernels/quantize.ts';
import { CODES_PER_WORD } from '../kernels/weight.ts';
import { assert } from '../../base/lib/errors.ts';
import { LoadContext } from '../model/weights/load/loadContext.ts';
import { readNested } from './matrixRows.ts';
import { mergedRows, type MergedMatrix } from './mergedRows.ts';

/** The code of 0, with which bitsandbytes pads the last byte. */
const ZERO_CODE = 7;

/**
 * A merged matrix in NF4, as the tensors of bitsandbytes' serialization. Codes are streamed; tensors that depend on all
 * of them (absmax, quant_state) are held until requested.
 */
export class Nf4Bytes {
  readonly #gpu: Gpu;
  readonly #matrix: MergedMatrix;
  readonly #shape: Nf4Shape;
  #rest: Map<string, Uint8Array<ArrayBuffer>> | null = null;

  constructor(gpu: Gpu, matrix: MergedMatrix, shape: Nf4Shape) {
    this.#gpu = gpu;
    this.#matrix = matrix;
    this.#shape = shape;
  }

  /** The bytes of one of the matrix's tensors, one block at a time. */
  async *blocks(tensor: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    if (tensor === nf4Names(this.#shape.tensor).codes) {
      yield* this.#codes();
      return;
    }
    // With tiny shards, one of these may be requested before the codes, which are then computed twice.
    if (!this.#rest?.has(tensor)) for await (const codes of this.#codes()) assert(codes, 'no codes');
    const bytes = this.#rest?.get(tensor);
    assert(bytes, `${this.#shape.tensor} has no tensor ${tensor}`);
    this.#rest?.delete(tensor);
    yield bytes;
  }

  async *#codes(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { rows: allRows, cols } = this.#matrix.source;
    const context = new LoadContext(this.#gpu, this.#matrix.source.checkpoint);
    const { commands } = context;
    try {
      const absmax = context.tensor('f32', [Math.ceil((allRows * cols) / NF4_BLOCK)], 'absmax');
      let room = null;
      for await (const { row, rows, w, format } of mergedRows(context, this.#matrix)) {
        const count = rows * cols;
        const words = Math.ceil(count / CODES_PER_WORD);
        room ??= context.tensor('u32', [words], 'codes');
        const codes = { ...room, shape: [words] };
        const size = [allRows, cols] as const;
        const target = { absmax, codes, codesRow: row, size, flat: true };
        quantizeNf4(commands, { source: w, format, row, rows }, target);
        commands.submit();
        const bytes = (await readBytes(this.#gpu, codes)).subarray(0, Math.ceil(count / 2));
        if (count % 2 === 1) bytes[bytes.length - 1]! |= ZERO_CODE;
        yield bytes;
      }
      this.#rest = await this.#restOf(context, absmax);
    } finally {
      context.dispose();
    }
  }

  async #restOf(
    context: LoadContext,
    absmax: Parameters<typeof readNested>[1],
  ): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
    const names = nf4Names(this.#shape.tensor);
    const rest = new Map([[names.map, quantMapBytes()]]);
    if (!this.#shape.nested) {
      rest.set(names.absmax, await readBytes(this.#gpu, absmax));
      rest.set(names.state, quantStateBytes(this.#shape, null));
      return rest;
    }
    const { codes, top, offset } = await readNested(context, absmax);
    rest.set(names.absmax, codes);
    rest.set(names.nestedAbsmax, encodeFloats(top, 'F32'));
    rest.set(names.nestedMap, nestedMapBytes());
    rest.set(names.state, quantStateBytes(this.#shape, offset));
    return rest;
  }
}
