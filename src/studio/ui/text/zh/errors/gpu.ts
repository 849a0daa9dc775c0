import type { gpuErrors } from '../../../../../base/lib/errorTexts/gpu.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const gpuErrorsZh = {
  'gpu.no_webgpu': {
    what: '这个浏览器没有 WebGPU。',
    next: '请使用最新的 Chrome、Edge、Firefox 或 Safari，或在浏览器设置里开启 WebGPU。',
  },
  'gpu.no_adapter': {
    what: '有 WebGPU，但没有找到显卡{detail}。',
    next: '请更新显卡驱动，或在浏览器设置里允许使用 GPU。',
  },
  'gpu.no_f16': {
    what: '这块显卡（{adapter}）没有 shader-f16，而 dtype "f16" 需要它。',
    next: '请选择 dtype "f32"，或选 "auto" 由 Graft 决定。',
  },
  'gpu.device_lost': {
    what: 'GPU 设备丢失（{reason}）。',
    next: '请重新加载页面；上次保存的适配器完好无损。',
  },
  'gpu.out_of_memory': {
    what: '为 {label} 分配 {bytes} 字节时显存不足。',
    next: '请减小批大小、缩短数据或改用 QLoRA，或关闭其他占用 GPU 的程序。',
  },
  'gpu.validation': { what: 'GPU 拒绝了一条命令：{message}', next: '请向我们反馈，并附上显卡名称。' },
  'gpu.shader': { what: 'GPU 拒绝了着色器“{shader}”：{message}', next: '请向我们反馈，并附上显卡名称。' },
  'gpu.no_timestamps': {
    what: '这块显卡（{adapter}）没有 timestamp-query，无法进行性能剖析。',
    next: '请使用支持它的浏览器或驱动；训练本身不需要。',
  },
} satisfies TranslatedErrors<typeof gpuErrors>;
