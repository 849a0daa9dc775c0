import type { mergeErrors } from '../../../../lib/errorTexts/merge.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const mergeErrorsZh = {
  'merge.cancelled': {
    what: '合并已取消，写出的部分标记为未完成。',
    next: '要继续，请重新开始同样的合并，并存到同一位置。',
  },
  'merge.destination_not_empty': {
    what: '目标位置已有“{file}”，合并不会覆盖它。',
    next: '请选择一个空文件夹。',
  },
  'merge.base_quantized': {
    what: '模型已量化（{method}），其中没有原始权重。',
    next: '请提供原始的 16 位模型，或合并到反量化的权重（--onto dequantized）。',
  },
  'merge.already_quantized': { what: '模型本来就已量化（{method}）。', next: '请提供原始的 16 位模型。' },
  'merge.bias_without_place': {
    what: '张量“{tensor}”是不全为零的偏置，只有量化格式里才有它的位置。',
    next: '请合并到原始的 16 位模型，或把适配器与量化模型一起发布。',
  },
  'merge.trained_floats_only': {
    what: '这个模型的全部参数都经过训练，只能以浮点数写出。',
    next: '请先以浮点数写出，再把那个文件夹量化为 4 位（graft quantize）。',
  },
  'merge.proof_failed': {
    what: '合并后的模型已写出并读回，但内容不对：{detail}。',
    next: '请不要使用它。重新合并；如果再次发生，请换一块磁盘。',
  },
} satisfies TranslatedErrors<typeof mergeErrors>;
