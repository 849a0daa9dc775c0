import type { lrSearchTexts } from '../en/lrSearch.ts';
import type { Translated } from '../phrase.ts';

/** The lr range test. */
export const lrSearchTextsZh = {
  'lrSearch.title': '寻找学习率',
  'lrSearch.note': '用模型和数据做一次简短测试',
  'lrSearch.help': '最多训练 100 步，学习率从极小逐步升到过大，看损失在哪里下降得最好。不会保留任何结果。',
  'lrSearch.start': '开始测试',
  'lrSearch.again': '重新测试',
  'lrSearch.stop': '到此为止',
  'lrSearch.running': '正在测试学习率',
  'lrSearch.chart': '不同学习率下的损失',
  'lrSearch.found': '损失在 {valley} 附近下降得最好（虚线处），在 {steepest} 处下降最快。',
  'lrSearch.nothing': '损失从未下降，无法给出建议。增加数据或增大批大小可能会有帮助。',
  'lrSearch.take': '使用 {lr}',
  'lrSearch.taken': '已使用 {lr}',
} as const satisfies Translated<typeof lrSearchTexts>;
