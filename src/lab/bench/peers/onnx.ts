/** ONNX tensor element types that the benchmark needs, with their numbers in TensorProto. */
const elementTypes = { float32: 1, uint8: 2, int64: 7 } as const;

/** A constant of a graph; with null data, an input or output of it. */
export interface OnnxTensor {
  name: string;
  type: keyof typeof elementTypes;
  shape: readonly number[];
  data: Float32Array | Uint8Array | BigInt64Array | null;
}

/** One operation: its inputs and outputs by name, and integer attributes. */
export interface OnnxNode {
  op: string;
  /** '' for ONNX's own operations. */
  domain?: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes?: Readonly<Record<string, number>>;
}

/** Serializes an ONNX model (IR 10, opset 21 and com.microsoft 1) as protobuf; fields as in onnx.proto. */
export function onnxModel(graph: {
  nodes: readonly OnnxNode[];
  constants: readonly OnnxTensor[];
  inputs: readonly OnnxTensor[];
  outputs: readonly OnnxTensor[];
}): Uint8Array {
  const body = join([
    ...graph.nodes.map((node) => bytes(1, nodeOf(node))),
    text(2, 'graph'),
    ...graph.constants.map((tensor) => bytes(5, tensorOf(tensor))),
    ...graph.inputs.map((tensor) => bytes(11, valueOf(tensor))),
    ...graph.outputs.map((tensor) => bytes(12, valueOf(tensor))),
  ]);
  const opset = (domain: string, version: number) => bytes(8, join([text(1, domain), number(2, version)]));
  return join([number(1, 10), bytes(7, body), opset('', 21), opset('com.microsoft', 1)]);
}

function nodeOf({ op, domain = '', inputs, outputs, attributes = {} }: OnnxNode): Uint8Array {
  const INT = 2;
  return join([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) =>
      bytes(5, join([text(1, name), number(3, value), number(20, INT)])),
    ),
    text(7, domain),
  ]);
}

function tensorOf({ name, type, shape, data }: OnnxTensor): Uint8Array {
  const raw = data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array();
  return join([
    ...shape.map((n) => number(1, n)),
    number(2, elementTypes[type]),
    text(8, name),
    bytes(9, raw),
  ]);
}

function valueOf({ name, type, shape }: OnnxTensor): Uint8Array {
  const dims = join(shape.map((n) => bytes(1, number(1, n))));
  const tensorType = join([number(1, elementTypes[type]), bytes(2, dims)]);
  return join([text(1, name), bytes(2, bytes(1, tensorType))]);
}

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return Uint8Array.of(...out, rest);
}

function number(field: number, value: number): Uint8Array {
  return join([varint(field * 8), varint(value)]);
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return join([varint(field * 8 + 2), varint(value.length), value]);
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(value));
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
