// The parts of the peers' APIs that the benchmark uses. Declared here because they are only installed when it runs, but
// everything is type-checked without them.

declare module 'onnxruntime-node' {
  export interface OnnxValue {
    readonly data: Float32Array;
    readonly location: string;
    dispose(): void;
  }
  export interface OnnxSession {
    run(feeds: Record<string, OnnxValue>, fetches?: readonly string[]): Promise<Record<string, OnnxValue>>;
    release(): Promise<void>;
  }
  export const InferenceSession: {
    create(
      model: Uint8Array,
      options: {
        executionProviders: readonly string[];
        intraOpNumThreads: number;
        logSeverityLevel: number;
        preferredOutputLocation: 'cpu' | 'gpu-buffer';
      },
    ): Promise<OnnxSession>;
  };
  export const Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => OnnxValue;
  export const env: { wasm: { numThreads?: number; wasmPaths?: unknown } };
}

declare module 'onnxruntime-web/webgpu' {
  export * from 'onnxruntime-node';
}

declare module '@tensorflow/tfjs' {
  export interface Tensor {
    readonly shape: number[];
    data(): Promise<Float32Array>;
    dispose(): void;
  }
  export interface Backend {
    endComputePassEncoder(): void;
    submitQueue(): void;
    readonly commandEncoder: GPUCommandEncoder | null;
    readonly device: GPUDevice;
  }
  export function setBackend(name: string): Promise<boolean>;
  export function ready(): Promise<void>;
  export function backend(): Backend;
  export interface Variable extends Tensor {
    readonly name: string;
    assign(value: Tensor): void;
  }
  type Operand = Tensor | number;
  export function tensor1d(values: Float32Array | Int32Array, type?: 'float32' | 'int32'): Tensor;
  export function tensor2d(values: Float32Array, shape: readonly [number, number]): Tensor;
  export function variable(initial: Tensor): Variable;
  export function disposeVariables(): void;
  export function zeros(shape: readonly number[]): Tensor;
  export function tidy<T>(f: () => T): T;
  export function variableGrads(
    f: () => Tensor,
    variables: readonly Variable[],
  ): { value: Tensor; grads: Record<string, Tensor> };
  export function add(a: Operand, b: Operand): Tensor;
  export function sub(a: Operand, b: Operand): Tensor;
  export function mul(a: Operand, b: Operand): Tensor;
  export function div(a: Operand, b: Operand): Tensor;
  export function neg(a: Tensor): Tensor;
  export function square(a: Tensor): Tensor;
  export function sqrt(a: Tensor): Tensor;
  export function rsqrt(a: Tensor): Tensor;
  export function sigmoid(a: Tensor): Tensor;
  export function softmax(a: Tensor): Tensor;
  export function logSoftmax(a: Tensor): Tensor;
  export function sum(a: Tensor): Tensor;
  export function mean(a: Tensor, axis: number, keepDims: boolean): Tensor;
  export function gather(a: Tensor, indices: Tensor): Tensor;
  export function split(a: Tensor, parts: number, axis: number): Tensor[];
  export function concat(tensors: readonly Tensor[], axis: number): Tensor;
  export function reshape(a: Tensor, shape: readonly number[]): Tensor;
  export function transpose(a: Tensor, order: readonly number[]): Tensor;
  export function matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
}

declare module '@tensorflow/tfjs-backend-webgpu' {}

declare module '@jax-js/jax' {
  /** Functions consume the arrays they are given; `ref` adds a reference to an array. */
  export interface Array {
    readonly ref: Array;
    readonly shape: number[];
    reshape(shape: readonly number[]): Array;
    transpose(): Array;
    slice(...ranges: readonly ([] | [number, number])[]): Array;
    add(other: Array | number): Array;
    sub(other: Array | number): Array;
    mul(other: Array | number): Array;
    div(other: Array | number): Array;
    sum(): Array;
    mean(axis: number, options: { keepdims: boolean }): Array;
    data(): Promise<Float32Array>;
    blockUntilReady(): Promise<Array>;
    dispose(): void;
  }
  export function init(...devices: string[]): Promise<string[]>;
  export function defaultDevice(device: string): string;
  export function jit<A extends unknown[], R>(
    f: (...args: A) => R,
  ): ((...args: A) => R) & { dispose(): void };
  export function valueAndGrad<P, A extends unknown[]>(
    f: (params: P, ...rest: A) => Array,
  ): (params: P, ...rest: A) => [Array, P];
  export function blockUntilReady<T>(tree: T): Promise<T>;
  export const tree: { ref<T>(tree: T): T; dispose(tree: unknown): void };
  export const nn: {
    silu(x: Array): Array;
    logSoftmax(x: Array, axis: number): Array;
    /** [T, heads, headDim] each. */
    dotProductAttention(query: Array, key: Array, value: Array, options: { isCausal: boolean }): Array;
  };
  export const numpy: {
    array(values: Float32Array | Int32Array, options?: { shape?: readonly number[] }): Array;
    matmul(a: Array, b: Array): Array;
    zeros(shape: readonly number[]): Array;
    square(x: Array): Array;
    sqrt(x: Array): Array;
    take(a: Array, indices: Array, axis: number): Array;
    concatenate(arrays: readonly Array[], axis: number): Array;
  };
}
