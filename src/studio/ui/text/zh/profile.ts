import type { profileTexts } from '../en/profile.ts';
import type { Translated } from '../phrase.ts';

/** The developer panel: where the GPU's time goes in a step. */
export const profileTextsZh = {
  'profile.title': '一步的性能剖析',
  'profile.firstStep': '{time}后完成第一步',
  'profile.preparation':
    '第一步之前同时进行：加载权重 {weights}，编译 {n} 个着色器 {shaders}。第一步在 {time}后完成。',
  'profile.tuned': '有 {n} 种矩阵乘使用调优过的 kernel，在这台设备上实测比默认的更快。',
  'profile.take': '剖析下一步',
  'profile.waiting': '正在等待下一步…',
  'profile.onlyRunning': '只有在训练进行时才能剖析。',
  'profile.lead': '用 GPU 的时钟给一步里的每个 kernel 计时。这一步会稍慢，计算结果不变。',
  'profile.step': '第 {step} 步',
  'profile.summary': '{n} 次 dispatch：kernel 共用 {kernels}，从第一个到最后一个历时 {whole}。',
  'profile.clock': '浏览器把时间戳舍入到 {step}：更短的时间没有意义。',
  'profile.chart': '第 {step} 步的火焰图',
  'profile.keys': '指向一个色块查看数值，点击可放大。用键盘时：方向键移动，Enter 放大，Escape 返回。',
  'profile.back': '整个训练步',
  'profile.part': '{name}：{time}，占这一步的 {share}',
  'profile.dispatch': '{place} 中的 {name}：{time}，占这一步的 {share}；{groups} 个工作组',
  'profile.kernel': 'kernel',
  'profile.calls': '次数',
  'profile.time': '用时',
  'profile.share': '占比',
  'profile.flops': 'FLOP/s',
  'profile.bytes': 'B/s',
  'profile.bytesHelp':
    '字节数按绑定到 kernel 的每个张量整体计算，因此是上限。只有报告运算量的 kernel 才显示 FLOP/s。',
  'profile.copyJson': '复制为 JSON',
} as const satisfies Translated<typeof profileTexts>;
