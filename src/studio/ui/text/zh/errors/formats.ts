import type { formatsErrors } from '../../../../../base/lib/errorTexts/formats.ts';
import type { TranslatedErrors } from '../../phrase.ts';

const getAgain = '文件已损坏或写入有误，请重新获取。';
const report = '请向我们反馈。';

export const formatsErrorsZh = {
  // The header of a safetensors file.
  'formats.file_too_short': {
    what: '文件“{file}”只有 {size} 字节，不足以构成 safetensors 文件。',
    next: getAgain,
  },
  'formats.not_safetensors': {
    what: '文件“{file}”是{found}，不是 safetensors 文件。',
    next: '请获取 safetensors 文件，或把模型转换为 safetensors。',
  },
  'formats.header_length': {
    what: '文件“{file}”声明文件头有 {length} 字节，但整个文件只有 {size} 字节。',
    next: '文件不完整，或不是 safetensors 文件，请重新获取。',
  },
  'formats.header_too_large': {
    what: '文件“{file}”声明文件头有 {length} 字节，而 safetensors 最多允许 {limit}。',
    next: getAgain,
  },
  'formats.header_utf8': { what: '“{file}”的文件头不是 UTF-8 文本。', next: getAgain },
  'formats.header_json': {
    what: '“{file}”的文件头不是有效的 JSON：{problem}。',
    next: getAgain,
  },
  'formats.bad_metadata': { what: '“{file}”的 __metadata__ 有误{where}：{problem}。', next: getAgain },
  'formats.tensor_field': { what: '“{file}”中张量“{tensor}”的 {field} 有误：{problem}。', next: getAgain },
  'formats.number_too_large': {
    what: '“{file}”中张量“{tensor}”的 {field} 含有 {value}，超过 2^53 − 1。',
    next: getAgain,
  },
  'formats.shape_overflow': {
    what: '“{file}”中张量“{tensor}”的形状 [{shape}] 元素过多，无法计数。',
    next: getAgain,
  },
  'formats.tensor_offsets': {
    what: '“{file}”中张量“{tensor}”的结束位置（字节 {end}）在开始位置（字节 {begin}）之前。',
    next: getAgain,
  },
  'formats.tensor_beyond_file': {
    what: '“{file}”中张量“{tensor}”结束于字节 {end}，而文件只有 {available} 字节数据。',
    next: '文件不完整，请重新获取。',
  },
  'formats.tensor_size': {
    what: '“{file}”中张量“{tensor}”为 {dtype} [{shape}]，应占 {expected} 字节，实为 {actual}。',
    next: getAgain,
  },
  'formats.tensor_partial_byte': {
    what: '“{file}”中张量“{tensor}”为 {dtype} [{shape}]，不是整数个字节。',
    next: getAgain,
  },
  'formats.tensor_overlap': {
    what: '“{file}”中张量“{tensor}”从字节 {begin} 开始，与张量“{other}”重叠。',
    next: getAgain,
  },
  'formats.tensor_hole': {
    what: '“{file}”中张量“{tensor}”从字节 {begin} 开始，与前面的字节 {expected} 之间有空隙。',
    next: getAgain,
  },
  'formats.trailing_bytes': {
    what: '文件“{file}”在最后一个张量“{tensor}”之后还有 {bytes} 字节。',
    next: getAgain,
  },

  // Reading and computing.
  'formats.tensor_missing': {
    what: '{file} 里没有张量“{tensor}”。',
    next: '请确认权重与这个 config.json 属于同一个模型。',
  },
  'formats.tensor_range': {
    what: '要读取“{file}”中张量“{tensor}”的字节 {begin} 到 {end}，但它只有 {size} 字节。',
    next: report,
  },
  'formats.dtype_not_float': {
    what: '张量“{tensor}”以 {dtype} 存储，Graft 不支持。',
    next: '请使用以 F32、F16 或 BF16 存储的模型。',
  },
  'formats.ragged_bytes': {
    what: '张量“{tensor}”有 {bytes} 字节，不是整数个 {dtype} 值。',
    next: getAgain,
  },

  'formats.adapter_saved_vector': {
    what: '“{file}”里的张量“{tensor}”是 modules_to_save 全量训练的归一化权重或偏置；Graft 只支持这样训练词嵌入和输出层。',
    next: '请用 PEFT 合并该适配器，或从 modules_to_save 里去掉它后重新训练。',
  },
  'formats.adapter_names': {
    what: '“{file}”里有多个适配器（{names}）。',
    next: '请用 PEFT 的 save_pretrained 分别保存每个适配器。',
  },
  'formats.adapter_saved': {
    what: 'adapter_config.json 的 modules_to_save 里有“{module}”，但“{file}”里没有它的权重。',
    next: '请重新获取适配器的文件，或重新训练并保存。',
  },

  // Quantized checkpoints.
  'formats.quant_method': {
    what: 'config.json 说明模型用 {method} 量化，Graft 不支持。',
    next: '请选择原始的 16 位版本，或用 {known} 量化的版本。',
  },
  'formats.quant_field': {
    what: 'config.json 的 quantization_config 里“{field}”是 {found}，而 Graft 只能读取 {expected}。',
    next: '请选择原始的 16 位版本，或用其他方式量化的版本。',
  },
  'formats.quant_undeclared': {
    what: '张量“{tensor}”以 {dtype} 存储，说明已量化，但 config.json 没有 quantization_config。',
    next: '请从这些权重的来源页面获取 config.json。',
  },
  'formats.quant_missing': {
    what: '模块“{module}”已量化（{method}），但模型文件里没有它的张量“{tensor}”。',
    next: '请重新获取模型文件，并确保它们来自同一页面。',
  },
  'formats.quant_shape': {
    what: '张量“{tensor}”的形状是 [{actual}]，而 {rows} × {cols} 的矩阵按 {method}{detail} 应为 [{expected}]。',
    next: '请确认 config.json、其中的 quantization_config 与 safetensors 文件属于同一个模型。',
  },
  'formats.quant_dtype': {
    what: '张量“{tensor}”以 {actual} 存储，而 {method} 要求 {expected}。',
    next: '请重新获取模型文件，或选择该模型的其他版本。',
  },
  'formats.quant_size': {
    what: '模块“{module}”是 {rows} × {cols} 的矩阵，{method} 存不下：{problem}。',
    next: '请确认 config.json 与 safetensors 文件属于同一个模型。',
  },
  'formats.quant_state': {
    what: '量化状态“{tensor}”里“{field}”是 {found}，应为 {expected}。',
    next: '请重新获取模型文件，或重新量化模型。',
  },
  'formats.quant_map': {
    what: '映射表“{tensor}”的第 {index} 个值是 {found}，应为 {expected}。',
    next: '模型量化所用的码本 Graft 不认识，请选择该模型的其他版本。',
  },
  'formats.quant_group': {
    what: '张量“{tensor}”把输入 {index} 分到第 {found} 组，但只有第 0 到 {last} 组。',
    next: '请重新获取模型文件。',
  },

  // Writing.
  'formats.write_entry': { what: '无法写入“{file}”的张量“{tensor}”：{problem}。', next: report },
  'formats.write_order': { what: '写入“{file}”时，应写张量“{expected}”，却来了“{tensor}”。', next: report },
  'formats.write_size': {
    what: '写入“{file}”时，张量“{tensor}”得到 {actual} 字节，应为 {expected}。',
    next: report,
  },

  // A checkpoint of one or more files.
  'formats.no_weights': {
    what: '{folder} 里没有 safetensors 文件。',
    next: '请选择含有 model.safetensors，或 model.safetensors.index.json 及其分片的文件夹。',
  },
  'formats.pickle_only': {
    what: '{folder} 的权重存在 {file} 里，这是打开时可能执行代码的 pickle 文件。',
    next: '请转换为 safetensors：用 transformers 加载模型，再调用 save_pretrained。',
  },
  'formats.adapter_only': {
    what: '{folder} 里是适配器 {file}，没有模型的权重。',
    next: '请选择它的基座模型的文件夹，再把这个文件夹作为适配器打开。',
  },
  'formats.several_weights': {
    what: '{folder} 里有多个 safetensors 文件（{files}），却没有 model.safetensors.index.json。',
    next: '请补上索引文件，或只保留一个 safetensors 文件。',
  },
  'formats.index_json': {
    what: '索引“{file}”无效：{problem}。',
    next: '请重新获取索引文件。',
  },
  'formats.index_shard_name': {
    what: '索引“{file}”说张量“{tensor}”在“{shard}”里，但这不是普通的 safetensors 文件名。',
    next: '请不要信任这个模型，从它的原始页面获取。',
  },
  'formats.index_shard_missing': {
    what: '索引“{file}”提到分片“{shard}”，但文件夹里没有。',
    next: '请补上缺少的文件。',
  },
  'formats.index_shard_extra': {
    what: '文件夹里有分片“{shard}”，但索引“{file}”没有提到它。',
    next: '如果该文件属于其他模型，请移走；否则请重新获取索引文件。',
  },
  'formats.index_tensor_missing': {
    what: '索引“{file}”说张量“{tensor}”在“{shard}”里，但其中没有。',
    next: '索引与分片不属于同一个模型，请重新获取。',
  },
  'formats.index_tensor_unlisted': {
    what: '分片“{shard}”里有张量“{tensor}”，但索引“{file}”没有说它在那里。',
    next: '索引与分片不属于同一个模型，请重新获取。',
  },
  'formats.shard_size': {
    what: '“{value}”不是有效的分片大小。',
    next: '请填字节数，或带 KB、MB、GB、TB 的数，例如 4096MB。',
  },

  // PEFT adapters.
  'formats.adapter_missing': {
    what: '{folder} 不是 PEFT 适配器：没有 {file}。',
    next: '请选择含有 adapter_config.json 和 adapter_model.safetensors 的文件夹。',
  },
  'formats.adapter_pickle': {
    what: '{folder} 的适配器存为 adapter_model.bin，这是打开时可能执行代码的 pickle 文件。',
    next: '请用 PEFT 重新保存，并设置 safe_serialization=True。',
  },
  'formats.adapter_field': {
    what: '“{file}”里“{field}”是 {found}，应为 {expected}。',
    next: '请改正文件，或重新保存适配器。',
  },
  'formats.adapter_unsupported': {
    what: '{folder} 里的适配器使用了 Graft 不支持的 {feature}（{field} 是 {found}）。',
    next: '请用 PEFT 合并该适配器，或使用普通的 LoRA 适配器。',
  },
  'formats.adapter_mutates_base': {
    what: '{folder} 里的适配器以 {init} 初始化，PEFT 每次加载它都会改变基座权重。',
    next: '请另存为普通的 LoRA：调用 save_pretrained 时给出 path_initial_model_for_weight_conversion；或基于残差模型使用它，并把 init_lora_weights 设为 true。',
  },
  'formats.adapter_key': {
    what: '“{file}”里的张量“{tensor}”不属于普通的 LoRA 适配器（{kind}）。',
    next: '请用 PEFT 合并该适配器，或使用普通的 LoRA 适配器。',
  },
  'formats.adapter_half': {
    what: '“{file}”里的模块“{module}”有 {present}，却没有 {absent}。',
    next: '请重新保存适配器。',
  },
  'formats.adapter_shape': {
    what: '“{file}”里张量“{tensor}”的形状是 [{shape}]，应为 {expected}。',
    next: '权重与 adapter_config.json 不属于同一个适配器，请重新保存。',
  },
  'formats.adapter_twice': {
    what: '{folder} 里有两份适配器：{file} 和 {other}。',
    next: '请只保留其中一个文件。',
  },
  'formats.adapter_version': {
    what: '文件“{file}”不是版本 {known} 的 8 位适配器（其中写的是 {found}）。',
    next: '请更新 Graft，或以 F32 重新保存适配器。',
  },
  'formats.adapter_int8': {
    what: '“{file}”里张量“{tensor}”是 {found}，应为 {expected}。',
    next: '请重新保存适配器。',
  },
  'formats.adapter_not_finite': {
    what: '张量“{tensor}”无法以 8 位存储：第 {row} 行含有 NaN 或无穷大。',
    next: '请以 F32 保存适配器，并用更小的学习率重新训练。',
  },
  'formats.adapter_pattern': {
    what: '“{file}”里 {field} 的键“{pattern}”不是 Graft 能用的模式：{problem}。',
    next: '请写模块名称，不要写模式。',
  },
  'formats.adapter_empty': { what: '文件“{file}”里没有 LoRA 权重。', next: '请重新保存适配器。' },
  'formats.mlx_experts': {
    what: '适配器在专家（{module}）上有 LoRA，而 “mlx-lm”以其他方式存储它。',
    next: '请合并适配器，在“mlx-lm”中使用合并后的模型；或训练其他模块。',
  },
  'formats.adapter_scale': {
    what: '模块“{module}”的缩放系数是 {scale}，而按 adapter_config.json 应为 {expected}。',
    next: report,
  },
  // GGUF.
  'formats.gguf_magic': { what: '文件“{file}”不是 GGUF 文件。', next: getAgain },
  'formats.gguf_big_endian': {
    what: '“{file}”是面向大端序机器的 GGUF 文件。',
    next: '请获取常见的小端序文件。',
  },
  'formats.gguf_version': {
    what: '“{file}”是第 {version} 版 GGUF，目前可读取第 2 版和第 3 版。',
    next: '请获取该模型较新的文件，或用 llama.cpp 重新转换。',
  },
  'formats.gguf_truncated': {
    what: '“{file}”的文件头应到第 {end} 字节，但文件只有 {size} 字节。',
    next: '文件不完整，请重新获取。',
  },
  'formats.gguf_header_too_large': { what: '“{file}”的文件头超过 {limit} 字节。', next: getAgain },
  'formats.gguf_count': {
    what: '“{file}”声明的 {what} 数量为 {count}，超出其 {size} 字节所能容纳的数量。',
    next: getAgain,
  },
  'formats.gguf_string': {
    what: '在“{file}”中，{what} 声明有 {length} 字节，而文件只有 {size} 字节。',
    next: getAgain,
  },
  'formats.gguf_duplicate': { what: '“{file}”中的 {what}“{name}”出现了两次。', next: getAgain },
  'formats.gguf_value': { what: '“{file}”中的“{key}”无效：{problem}。', next: getAgain },
  'formats.gguf_alignment': { what: '“{file}”的张量按 {value} 字节对齐，但它不是 2 的幂。', next: getAgain },
  'formats.gguf_tensor': { what: '“{file}”中的张量“{tensor}”无效：{problem}。', next: getAgain },
  'formats.gguf_type': {
    what: '“{file}”中的张量“{tensor}”是 {type} 类型。可以解包的类型有：{known}。',
    next: '请选择其他类型的文件，例如 Q8_0、Q6_K 或 Q4_K_M。',
  },
  'formats.gguf_key_missing': { what: '“{file}”缺少“{key}”。', next: getAgain },
  'formats.gguf_not_model': {
    what: '“{file}”的内容是 {type}，不是模型。',
    next: '请选择语言模型本身的 GGUF 文件。',
  },
  'formats.gguf_split': {
    what: '“{file}”是一个模型的 {count} 个分片之一，不能单独打开。',
    next: '请用 llama.cpp 的 llama-gguf-split --merge 合并，或选择单文件的模型。',
  },
  'formats.gguf_architecture': {
    what: '“{file}”的模型架构是“{architecture}”。可以打开的架构有：{known}。',
    next: '请选择上述架构的模型。',
  },
  'formats.gguf_no_tokenizer': {
    what: '“{file}”中没有分词器。',
    next: '请选择 llama.cpp 能用来对话的文件，这样的文件自带分词器。',
  },
  'formats.gguf_tokenizer': {
    what: '“{file}”的分词器类型是“{model}”。可以读取的类型有：{known}。',
    next: '请打开 Hugging Face 格式的原始模型。',
  },
  'formats.gguf_pre': {
    what: '“{file}”的分词器按“{pre}”切分文本。可以读取的有：{known}。',
    next: '请打开 Hugging Face 格式的原始模型。',
  },
  'formats.several_gguf': {
    what: '{folder}中有多个 GGUF 文件（{files}）。',
    next: '请单独打开其中一个。',
  },
  'formats.sentencepiece': { what: '无法读取 tokenizer.model：{detail}。', next: getAgain },
  'formats.gguf_write_pre': {
    what: 'llama.cpp 没有与此 tokenizer.json 切分方式相同的预分词器（{found}）。它支持：{known}。',
    next: '请改为导出 safetensors 格式的合并模型，否则 llama.cpp 会以不同方式切分文本。',
  },
  'formats.gguf_write_tokenizer': {
    what: 'GGUF 无法保存此模型的分词器：{what}。',
    next: '请把缺少的文件放入模型文件夹，或导出 safetensors 格式的合并模型。',
  },
} satisfies TranslatedErrors<typeof formatsErrors>;
