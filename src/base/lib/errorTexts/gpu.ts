import type { ErrorText } from './types.ts';

export const gpuErrors = {
  'gpu.no_webgpu': {
    what: 'This browser does not support WebGPU.',
    next: 'Use a current Chrome, Edge, Firefox or Safari, or enable WebGPU in the browser’s settings.',
  },
  'gpu.no_adapter': {
    what: 'WebGPU is available, but found no GPU adapter{detail}.',
    next: 'Update the graphics driver, or allow the GPU in the browser’s settings.',
  },
  'gpu.no_f16': {
    what: 'This GPU ({adapter}) does not support shader-f16, which dtype "f16" requires.',
    next: 'Choose dtype "f32", or "auto" to let Graft decide.',
  },
  'gpu.device_lost': {
    what: 'The GPU device was lost ({reason}).',
    next: 'Reload the page; the last saved adapter is intact.',
  },
  'gpu.out_of_memory': {
    what: 'The GPU ran out of memory allocating {bytes} bytes for {label}.',
    next: 'Use a smaller batch, shorter rows or QLoRA, or close other programs that use the GPU.',
  },
  'gpu.validation': {
    what: 'The GPU rejected a command: {message}',
    next: 'Please report this with the name of your GPU.',
  },
  'gpu.shader': {
    what: 'The GPU rejected the shader “{shader}”: {message}',
    next: 'Please report this with the name of your GPU.',
  },
  'gpu.no_timestamps': {
    what: 'This GPU ({adapter}) does not support timestamp-query, which profiling requires.',
    next: 'Use a browser or driver that supports it; training works without it.',
  },
} satisfies Record<string, ErrorText>;
