import type { modelErrors } from '../../../../lib/errorTexts/model.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const modelErrorsZh = {
  'model.unsupported_architecture': {
    what: 'config.json 描述的是 "{architecture}"，Graft 无法训练。',
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
    what: 'config.json 里 "{key}" 是 "{value}"，Graft 不知道怎样计算。',
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
    what: '张量 "{tensor}" 以 {dtype} 存储，Graft 无法用它计算。',
    next: '请选择 F32、F16 或 BF16 的模型。',
  },
  'model.adapter_unknown_module': {
    what: '适配器有 "{module}" 的权重，而这个模型没有该模块。',
    next: '请选择该适配器自己的基座模型{base}。',
  },
  'model.adapter_shape': {
    what: '适配器的 "{module}" 适用于 {actual}（输出 x 输入）的层，而这个模型的是 {expected}。',
    next: '请选择该适配器自己的基座模型{base}。',
  },
} satisfies TranslatedErrors<typeof modelErrors>;
