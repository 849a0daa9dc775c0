import type { mergeErrors } from '../../../../../base/lib/errorTexts/merge.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const mergeErrorsZh = {
  'merge.cancelled': {
    what: '合并已取消，写出的部分标记为未完成。',
    next: '要继续，请重新开始同样的合并，并存到同一位置。',
  },
  'export.chat_page_missing': {
    what: '无法加载对话网页的“{file}”：{reason}。',
    next: '这些文件（10 MB）在本站的主机上，不会离线保存：请联网后再导出。',
  },
  'merge.destination_not_empty': {
    what: '目标位置已有“{file}”，合并不会覆盖它。',
    next: '请选择一个空文件夹。',
  },
  'merge.other_model': {
    what: '文件夹“{folder}”已有一个模型，但不是这次合并的结果：{detail}。',
    next: '请选择一个空文件夹。',
  },
  'merge.changed_since': {
    what: '校验合并结果时，文件夹“{folder}”里的“{file}”被改动了，因此校验的不是现有的内容。',
    next: '请查明是什么在写这个文件夹，然后在新文件夹里重新合并。',
  },
  'merge.link_outside': {
    what: '“{folder}”里的“{file}”是一个链接，指向模型文件夹之外。',
    next: '请换成文件的副本，或删除它：合并后的模型会公开它指向的内容。',
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
    what: '这个模型的全部参数都经过训练，只能不量化地保存。',
    next: '请先不量化地保存，再把那个文件夹量化为 4 位（graft quantize）。',
  },
  'merge.proof_failed': {
    what: '合并后的模型已写出并读回，但未通过校验：{detail}。',
    next: '请不要使用它。重新合并；如果再次发生，请换一块磁盘。',
  },
  'merge.f16_overflow': {
    what: '张量“{tensor}”中有超出 F16 范围（±65504）的值。',
    next: '请改用 BF16 或 F32 写出模型。',
  },
  'merge.gguf_family': {
    what: '对于“{family}”类型的模型，没有 Graft 已知的 llama.cpp 架构。',
    next: '请导出 safetensors 格式的合并模型。',
  },
  'merge.gguf_tensor': {
    what: '张量“{tensor}”在 GGUF 的“{architecture}”架构中没有名称。',
    next: '请导出 safetensors 格式的合并模型。',
  },
  'merge.gguf_layer': {
    what: '第 {layer} 层的窗口或旋转位置编码与 llama.cpp 对“{architecture}”模型的规定不同。',
    next: '请把合并后的模型导出为 safetensors。',
  },
  'merge.gguf_scale': {
    what: '该模型把注意力分数乘以 {scale}，而 llama.cpp 对“{architecture}”模型不这样做。',
    next: '请把合并后的模型导出为 safetensors。',
  },
  'merge.gguf_heads': {
    what: '该模型各查询头的总宽度为 {width}，层宽为 {hidden}；对“{architecture}”模型，llama.cpp 要求两者相等。',
    next: '请把合并后的模型导出为 safetensors。',
  },
  'merge.gguf_experts': {
    what: '该模型在全部专家之间计算权重（norm_topk_prob），而 llama.cpp 对“{architecture}”模型不这样做。',
    next: '请把合并后的模型导出为 safetensors。',
  },
  'merge.gguf_rope': {
    what: '该模型的旋转位置编码为“{type}”类型，Graft 不能把它写入 GGUF 文件。',
    next: '请把合并后的模型导出为 safetensors，再用 llama.cpp 转换。',
  },
  'merge.mix_saved': {
    what: '{adapter} 中的 {module} 是全量训练的，无法混合。',
    next: '请混合不含 modules_to_save 的适配器，或先将此适配器合并进模型。',
  },
  'merge.mix_experts': {
    what: '{adapter} 在专家（{module}）上有 LoRA，无法混合。',
    next: '请混合其他模块的适配器，或先将此适配器合并进模型。',
  },
  'merge.mix_shape': {
    what: '{module} 在 {adapter} 中为 {shape}，在 {other} 中为 {otherShape}：它们属于不同的模型。',
    next: '请混合在同一模型上训练的适配器。',
  },
  'merge.mix_rank': {
    what: '规则 {rule} 要求各适配器的秩相同，而这些适配器的秩为 {ranks}。',
    next: '请选择“cat”或“svd”，或带 _svd 的同名规则，它们可混合任意秩。',
  },
  'merge.lora_saved': {
    what: '{format} 格式的 LoRA 适配器无法保存全量训练的 {module}。',
    next: '请导出合并后的模型，其中包含全部内容。',
  },
  'merge.lora_only': {
    what: '{format} 格式的 LoRA 适配器无法保存 {module} 的 {what}。',
    next: '请导出合并后的模型，其中包含全部内容。',
  },
  'merge.mix_lora_only': {
    what: '{adapter} 含有 {what}，无法混合。',
    next: '请先将它合并进模型，或混合普通的 LoRA 适配器。',
  },
  'merge.lora_head': {
    what: '{format} 格式的 LoRA 适配器无法修改 {module}，因为在此模型中它同时也是词嵌入。',
    next: '请导出合并后的模型，它会有独立的输出层。',
  },
  'merge.gguf_needs_adapter': {
    what: '导出 GGUF 格式的 LoRA 适配器需要有适配器；这里训练了全部参数，或没有训练。',
    next: '请把模型本身导出为 GGUF。',
  },
} satisfies TranslatedErrors<typeof mergeErrors>;
