import type { modelErrors } from '../../../../../base/lib/errorTexts/model.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const modelErrorsZh = {
  'model.unsupported_architecture': {
    what: '不支持 config.json 里的架构 "{architecture}"。',
    next: '请选择以下架构之一的模型：{known}。',
  },
  'model.config_missing_key': {
    what: 'config.json 里没有 "{key}"。',
    next: '请补上，或从模型的原始页面获取该文件。',
  },
  'model.config_invalid': {
    what: 'config.json 里 "{key}" 是 {value}，应为{expected}。',
    next: '请改正，或从模型的原始页面获取该文件。',
  },
  'model.config_unsupported': {
    what: 'config.json 里 "{key}" 是 "{value}"，Graft 不支持。',
    next: '请选择其他模型。',
  },
  'model.tensor_missing': {
    what: '模型文件里没有 config.json 要求的张量 "{tensor}"。',
    next: '请确认 config.json 与 safetensors 文件属于同一个模型，并且没有缺少分片。',
  },
  'model.tensor_unexpected': {
    what: '模型文件里有 config.json 没有要求的张量 "{tensor}"。',
    next: '请检查 config.json 里的 "{key}"，并确认它与这些 safetensors 文件属于同一个模型。',
  },
  'model.tensor_shape': {
    what: '张量 "{tensor}" 的形状是 [{actual}]，而 config.json 要求 [{expected}]。',
    next: '请确认 config.json 与 safetensors 文件属于同一个模型。',
  },
  'model.tensor_dtype': {
    what: '张量 "{tensor}" 以 {dtype} 存储，Graft 不支持。',
    next: '请选择 F32、F16 或 BF16 的模型。',
  },
  'model.adapter_unknown_module': {
    what: '适配器有 "{module}" 的权重，而这个模型没有该模块。',
    next: '请选择该适配器自己的基座模型{base}。',
  },
  'model.adapter_older_experts': {
    what: '适配器在 "{module}" 上有 LoRA，这是 transformers 4 对专家的命名。自 transformers 5 起，一层的专家是一个张量。',
    next: '请用 PEFT 和 transformers 5 在其基座模型上加载该适配器，从那里保存，再打开那个文件夹。',
  },
  'model.adapter_shape': {
    what: '适配器的 "{module}" 适用于 {actual}（输出 x 输入）的层，而这个模型的是 {expected}。',
    next: '请选择该适配器自己的基座模型{base}。',
  },
  'model.adapter_vocabulary': {
    what: '适配器的 "{module}" 有 {actual} 行，而这个模型的词表有 {expected} 行：训练前词表的大小改过。',
    next: '请选择改过大小的基座模型，或用 transformers 把这个模型改成 {actual} 行（resize_token_embeddings，再 save_pretrained）。',
  },
  'model.adapter_ties': {
    what: '适配器里 "{module}" 和 "{other}" 的值不同，而在这个模型里它们是同一个矩阵。',
    next: '请让两者相同后重新保存适配器，或使用不共享这两个矩阵的模型。',
  },
  'model.adapter_base': {
    what: '适配器自带 "{module}" 的基座权重，与这个模型的不同，并且{conflict}。',
    next: '请选择该适配器自己的基座模型{base}，或用 PEFT 合并该适配器。',
  },
  'model.adapter_dora_head': {
    what: '适配器对 {module} 使用了 DoRA，Graft 不支持。',
    next: '请对它使用 LoRA，或把它移出目标模块。',
  },
  'model.adapter_olora': {
    what: 'OLoRA 适配器要从 {module} 的基座权重中减去初始值，而这个模型以 4 位存储它。',
    next: '请打开原始模型，或把适配器另存为普通的 LoRA：调用 save_pretrained 时给出 path_initial_model_for_weight_conversion。',
  },
  'model.adapter_tied_lora': {
    what: '适配器把 "{module}" 上的 LoRA 与词嵌入绑定（ensure_weight_tying），Graft 无法应用。',
    next: '请用 PEFT 合并该适配器，或去掉 ensure_weight_tying 重新训练。',
  },
  'model.adapter_untargeted': {
    what: '适配器有 "{module}"（以及另外 {more} 个模块）的权重，但它的 {field} 不包括这些模块，PEFT 会忽略它们。',
    next: '请改正 adapter_config.json 里的 {field}，或重新保存适配器。',
  },
  'model.adapter_incomplete': {
    what: 'adapter_config.json 指定了 {total} 个模块，其中 {count} 个没有权重：{modules}。',
    next: '与 PEFT 一样，这些模块保持基座模型的原样。如果不是有意为之，请重新保存适配器。',
  },
  'model.adapter_targets_none': {
    what: '适配器的 target_modules 与这个模型的任何模块都不匹配（{targets}）；它的权重仍会使用。',
    next: 'PEFT 会拒绝这样的适配器：请改正 adapter_config.json 里的 target_modules。',
  },
  'model.adapter_targets_unread': {
    what: '适配器的 target_modules 或 exclude_modules 无法检查（{problem}）；它的所有权重都会使用。',
    next: '请核对它的模块是否符合预期。',
  },
} satisfies TranslatedErrors<typeof modelErrors>;
