import type { ErrorText } from './types.ts';

export const gpuErrors = {
  'gpu.no_webgpu': {
    what: 'This browser has no WebGPU.',
    next: 'Use a current Chrome, Edge, Firefox or Safari, or turn WebGPU on in its settings.',
  },
  'gpu.no_adapter': {
    what: 'WebGPU is there, but it found no graphics adapter{detail}.',
    next: 'Update the graphics driver, or allow the GPU in the browser’s settings.',
  },
  'gpu.no_f16': {
    what: 'This adapter ({adapter}) has no shader-f16, which dtype "f16" needs.',
    next: 'Choose dtype "f32", or "auto" to let Graft decide.',
  },
  'gpu.device_lost': {
    what: 'The GPU device was lost ({reason}).',
    next: 'Reload the page; the last saved adapter is intact.',
  },
  'gpu.out_of_memory': {
    what: 'The GPU is out of memory while allocating {bytes} bytes for {label}.',
    next: 'Use a smaller batch, shorter rows or the method QLoRA, or close other programs that use the GPU.',
  },
  'gpu.validation': {
    what: 'The GPU refused a command: {message}',
    next: 'Please report this with the name of the adapter.',
  },
  'gpu.shader': {
    what: 'The GPU refused the shader “{shader}”: {message}',
    next: 'Please report this with the name of the adapter.',
  },
  'gpu.no_timestamps': {
    what: 'This adapter ({adapter}) has no timestamp-query, which a profile is made of.',
    next: 'Use a browser or driver that has it; training itself does not need it.',
  },
} satisfies Record<string, ErrorText>;
