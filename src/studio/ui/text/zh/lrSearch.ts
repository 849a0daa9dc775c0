import type { lrSearchTexts } from '../en/lrSearch.ts';
import type { Translated } from '../phrase.ts';

/** The lr range test. */
export const lrSearchTextsZh = {
  'lrSearch.title': '寻找学习率',
  'lrSearch.note': '简短的学习率范围测试',
  'lrSearch.help':
    '最多训练 100 步，学习率从极小逐步升到过大，并把每一步的损失与同样几行数据训练前的损失比较。不会保存任何结果。',
  'lrSearch.start': '开始测试',
  'lrSearch.again': '重新测试',
  'lrSearch.stop': '停止',
  'lrSearch.running': '正在测试学习率',
  'lrSearch.chart': '不同学习率下损失的变化（%）',
  'lrSearch.found': '建议 {lr}（虚线处）：损失在 {lowest} 处最低，比开始时低 {fall}，取其一半。',
  'lrSearch.nothing': '没有明显下降：损失的变化没有超出批次之间的差异。增加数据或增大批大小可能会有帮助。',
  'lrSearch.take': '使用 {lr}',
  'lrSearch.taken': '已使用 {lr}',
} as const satisfies Translated<typeof lrSearchTexts>;
