// What the benchmark uses of its peers. Declared here because they are installed only when it runs, and everything
// is type-checked without them.

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

declare module '@tensorflow/tfjs-core' {
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
  export function tensor2d(values: Float32Array, shape: readonly [number, number]): Tensor;
  export function matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
}

declare module '@tensorflow/tfjs-backend-webgpu' {}

declare module '@jax-js/jax' {
  /** Functions consume the arrays they are given; `ref` is one more reference to an array. */
  export interface Array {
    readonly ref: Array;
    readonly shape: number[];
    reshape(shape: readonly number[]): Array;
    data(): Promise<Float32Array>;
    blockUntilReady(): Promise<Array>;
    dispose(): void;
  }
  export function init(...devices: string[]): Promise<string[]>;
  export function defaultDevice(device: string): string;
  export function jit<A extends unknown[], R>(
    f: (...args: A) => R,
  ): ((...args: A) => R) & { dispose(): void };
  export const numpy: {
    array(values: Float32Array | Int32Array, options?: { shape?: readonly number[] }): Array;
    matmul(a: Array, b: Array): Array;
  };
}
