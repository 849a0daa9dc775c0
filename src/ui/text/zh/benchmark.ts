import type { benchmarkTexts } from '../en/benchmark.ts';
import type { Translated } from '../phrase.ts';

/** Benchmark this device. */
export const benchmarkTextsZh = {
  'benchmark.open': '测试本机性能',
  'benchmark.lead':
    '测量 {adapter} 的性能上限，以及训练一步所用的各个 kernel 离上限还有多远。数据不会离开这台机器。',
  'benchmark.extent': '测试范围',
  'benchmark.extent.full': '全部 kernel',
  'benchmark.extent.quick': '快速',
  'benchmark.extentHelp.full': '在 GPU 上约一分钟；由 CPU 模拟 GPU 时需要几分钟。',
  'benchmark.extentHelp.quick': '只测几个 kernel，形状较小：在 GPU 上几秒即可。',
  'benchmark.start': '开始',
  'benchmark.again': '重新测量',
  'benchmark.stop': '停止',
  'benchmark.stopping': '正在停止…',
  'benchmark.close': '关闭',
  'benchmark.running': '正在测量',
  'benchmark.calm': '测量期间请不要使用电脑：其他任务会让结果偏低。',
  'benchmark.whileTraining': '训练期间不能测试：两者会互相拖慢，结果也不准。',
  'benchmark.whileBusy': '引擎正在执行另一步骤，请等它结束。',
  'benchmark.ceilings': '设备的性能上限',
  'benchmark.multiplyAdd': '乘加运算',
  'benchmark.copy': 'kernel 内拷贝',
  'benchmark.bufferCopy': '命令拷贝',
  'benchmark.submit': '一次空提交',
  'benchmark.steps': '训练步',
  'benchmark.step': '{method}，秩 {rank}，{layers} 层，隐藏维度 {hidden}，{tokens} 个 token',
  'benchmark.method.lora': 'LoRA',
  'benchmark.method.qlora': 'QLoRA',
  'benchmark.method.full': '全参数',
  'benchmark.tokensPerSecond': '每秒 token 数',
  'benchmark.stepTime': '每步用时',
  'benchmark.dispatches': 'dispatch 数',
  'benchmark.peak': '显存峰值',
  'benchmark.firstStep': '到第一步完成',
  'benchmark.kernels': '各个 kernel',
  'benchmark.kernelsAt': '按 {name} 的形状，{tokens} 个 token',
  'benchmark.kernel': 'kernel',
  'benchmark.time': '用时',
  'benchmark.speed': '速度',
  'benchmark.share': '占上限',
  'benchmark.shareHelp':
    'kernel 的上限取乘加运算（绿色）与拷贝两者中先达到的一个。数据留在缓存里时，可能超过拷贝的上限。',
  'benchmark.layoutHelp':
    '矩阵乘按 行 × 列 × 深度 表示：NT 是前向（X · Wᵀ），NN 是反向（dY · W），TN 求权重的梯度（dYᵀ · X）。',
  'benchmark.copyJson': '复制为 JSON',
} as const satisfies Translated<typeof benchmarkTexts>;
