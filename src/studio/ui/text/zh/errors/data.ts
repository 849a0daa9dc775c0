import type { dataErrors } from '../../../../../base/lib/errorTexts/data.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const dataErrorsZh = {
  'data.empty_file': { what: '{file} 是空的。', next: '请选择至少有一条数据的文件。' },
  'data.not_text': {
    what: '{file} 是{kind}，不是文本。',
    next: '如果是压缩文件请先解压，否则请把数据存为 JSONL（每行一个 JSON 对象，UTF-8），再选择该文件。',
  },
  'data.parquet_invalid': {
    what: '{file} 无法按 Parquet 读取：{detail}。',
    next: '请确认文件已完整保存或下载。',
  },
  'data.csv_cells': {
    what: '{file} 第 {line} 行有 {found} 个单元格，而表格有 {expected} 列。',
    next: '单元格里含有分隔符或换行时，请用双引号括起来。',
  },
  'data.csv_unclosed': {
    what: '{file} 第 {line} 行开始的带引号单元格没有结束。',
    next: '请补上引号；单元格里的引号要写两遍（""）。',
  },
  'data.bad_utf8': {
    what: '{file} 第 {line} 行不是有效的 UTF-8（第一个错误字节在偏移 {offset}）{hint}。',
    next: '请把文件存为 UTF-8。',
  },
  'data.line_too_long': {
    what: '{file} 第 {line} 行超过 {limit} MiB。',
    next: '请拆分这条数据，或检查各条之间是否有换行。',
  },
  'data.too_deep': {
    what: '{file} 第 {line} 行的嵌套超过 {limit} 层。',
    next: '请减少嵌套：训练数据只需要几层。',
  },
  'data.invalid_json': {
    what: '{file} 第 {line} 行不是有效的 JSON：{detail}。',
    next: '请改正这一行：每条数据是一个 JSON 对象。',
  },
  'data.array_unclosed': {
    what: '{file} 的 JSON 数组没有结束：文件在第 {line} 行就终止了，位于从第 {from} 行开始的那条数据之中或之后。',
    next: '请确认文件已完整保存或下载。',
  },
  'data.after_array': {
    what: '{file} 第 {line} 行在 JSON 数组结束之后还有内容。',
    next: '请把所有数据放在同一个数组里，或改用 JSONL。',
  },
  'data.row_not_object': {
    what: '{file} 第 {line} 行是{found}，不是 JSON 对象。',
    next: '请把每条数据写成对象，例如 {"prompt": "…", "completion": "…"} 或 {"messages": […]}。',
  },
  'data.no_valid_rows': {
    what: '{file} 里没有一条数据可用（问题数：{count}）。第一个问题：{first}',
    next: '请改正文件后重试。',
  },
  'data.unknown_format': {
    what: '{file} 的数据不属于任何已知格式（第 {line} 行的字段：{fields}）。',
    next: '请使用 messages、conversations、instruction/output、prompt/completion、text 或 input_ids。',
  },
  'data.missing_field': {
    what: '{file} 第 {line} 行没有字段 "{field}"。',
    next: '请补上该字段，或选择其他数据格式。',
  },
  'data.bad_field': {
    what: '{file} 第 {line} 行：字段 "{field}" 是{found}，应为{expected}。',
    next: '请改正该字段。',
  },
  'data.unknown_role': {
    what: '{file} 第 {line} 行："{field}" 里的 "{role}" 不是已知角色。',
    next: '请使用 system、user（human）、assistant（gpt）或 tool。',
  },
  'data.unsupported_field': {
    what: '{file} 第 {line} 行：字段 "{field}" 无法使用：{detail}。',
    next: '请删除该字段，或把内容写成文本。',
  },
  'data.field_not_json': {
    what: '{file} 第 {line} 行：字段 "{field}" 里的文本不是有效的 JSON。',
    next: '请改正其中的 JSON：使用双引号，以及小写的 "true"、"false"、"null"。',
  },
  'data.two_systems': {
    what: '{file} 第 {line} 行：字段 "{field}" 与对话里的系统消息不一致。',
    next: '请只保留其中一个。',
  },
  'data.media': {
    what: '{file} 第 {line} 行："{field}" 含有图片、音频或视频（{found}），而 Graft 只训练文本模型。',
    next: '请删除这条数据，或去掉媒体和提到它的文字。',
  },
  'data.no_place': {
    what: '{file} 第 {line} 行：模型的对话模板不支持 "{field}"，它会丢失。',
    next: '请选择模板支持它的模型，或把它作为文本写进消息。',
  },
  'data.no_template': {
    what: '{file} 第 {line} 行："{field}" 需要对话模板，而这个模型没有。',
    next: '请选择带对话模板的模型，或把它作为文本写进消息。',
  },
  'data.thought_dropped': {
    what: '{file} 第 {line} 行：模型的对话模板会去掉最后一个回答的思考，这个回答将在没有思考的情况下训练。',
    next: '请删除这段思考，或选择模板会保留思考的模型。',
  },
  'data.weight_not_found': {
    what: '{file} 第 {line} 行：第 {message} 条消息带有权重，但对话模板改写了这条消息，无法定位。',
    next: '请删除权重，或把对话拆成每条只有一个回答的数据。',
  },
  'data.literal_not_found': {
    what: '{file} 第 {line} 行：有消息含有特殊 token {token}，但对话模板改写了这条消息，无法按普通文本编码。',
    next: '请从消息中删除该 token，或把 special_tokens_in_text 设为 "special"。',
  },
  'data.preference_pair': {
    what: '{file} 第 {line} 行是偏好数据：有一个较好的和一个较差的回答（{fields}）。训练目标 "sft" 用不到较差的回答。',
    next: '若要从两个回答中学习，请把 "objective" 设为 "dpo"、"orpo"、"simpo" 或 "cpo"；若只用较好的回答训练，请把 preference_data 设为 "chosen"。',
  },
  'data.preference_label': {
    what: '{file} 第 {line} 行是偏好数据："{field}" 标明回答是好是坏。训练目标 "sft" 用不到坏的回答。',
    next: '若要从好坏两种回答中学习，请把 "objective" 设为 "kto"；若只用好的回答训练，请把 preference_data 设为 "chosen"。',
  },
  'data.only_preferences': {
    what: '{file} 是偏好数据（{count} 条）：它标明哪些回答好、哪些不好。训练目标 "sft" 用不到较差的回答。',
    next: '若要从全部回答中学习，成对的数据请把 "objective" 设为 "dpo"，标为好坏的回答请设为 "kto"；若只用较好的回答训练，请把 preference_data 设为 "chosen"。',
  },
  'data.no_pair': {
    what: '{file} 第 {line} 行没有对同一提示词的较好和较差的回答，训练目标 "{objective}" 需要它们。',
    next: '请给这条数据加上 "prompt"、"chosen" 和 "rejected"，或把训练目标改为 "sft"；标为好坏的回答请用 "kto"。',
  },
  'data.no_label': {
    what: '{file} 第 {line} 行没有说明回答是好是坏，训练目标 "kto" 需要它。',
    next: '请给这条数据加上值为 "true" 或 "false" 的 "label"，或把训练目标改为 "sft"。',
  },
  'data.no_prompt': {
    what: '{file} 第 {line} 行没有模型可以回答的提示词，训练目标 "grpo" 需要它。',
    next: '请给这条数据加上以用户消息结尾的 "messages"，或 "prompt"；用来比较回答的内容放在 "answer" 中。',
  },
  'data.prompt_too_long': {
    what: '{file} 第 {line} 行：提示词有 {length} 个 token，在截断长度 {maxLength} 之内没有留给回答的余地。',
    next: '请调大 max_length，或缩短提示词。',
  },
  'data.answer_weighted': {
    what: '{file} 第 {line} 行：一个回答带有权重 {weight}，偏好训练无法使用。',
    next: '请去掉权重，或把训练目标改为 "sft"。',
  },
  'data.bad_answer': {
    what: '{file} 第 {line} 行："{field}" 把回答标为不好，因此不用于训练。',
    next: '无需处理：只用标为好的回答训练。',
  },
  'data.lone_surrogate': {
    what: '{file} 第 {line} 行：字段 "{field}" 里有半个 UTF-16 代理对，不是有效字符。',
    next: '请改正该字段里的 \\u 转义。',
  },
  'data.edit_not_object': {
    what: '编辑后的数据是{found}，不是 JSON 对象。',
    next: '请把这条数据写成对象，例如 {"prompt": "…", "completion": "…"}。',
  },
  'data.edit_not_json': { what: '编辑后的数据不是有效的 JSON：{detail}。', next: '请改正，或撤销编辑。' },
  'data.add_tokenized': {
    what: '这份数据里的每条数据都是 token 编号，无法加入对话。',
    next: '请打开包含文本或消息的数据，或者复制回答。',
  },
  'data.add_preference': {
    what: '这份数据里的每条数据都是一对优劣回答，单个回答不成对。',
    next: '请打开其他数据，或者复制回答。',
  },
  'data.add_columns': {
    what: '这份数据的每条数据是所选列中的一个提示词和一个回答，这段对话放不进去。',
    next: '请清空对话和系统消息后重新提问，或者打开包含消息的数据。',
  },
  'data.empty_row': { what: '{file} 第 {line} 行没有 token。', next: '请删除这条数据，或补上文本。' },
  'data.no_trained_tokens': {
    what: '{file} 第 {line} 行没有可训练的 token：{detail}。',
    next: '请补上回答，或选择其他训练范围。',
  },
  'data.cut_away': {
    what: '{file} 第 {line} 行：要训练的 token 全都在截断长度 {maxLength} 之后（这条数据有 {length} 个 token）。',
    next: '请调大截断长度，或缩短提示词。',
  },
  'data.all_masked': {
    what: '{file} 里没有一条数据有可训练的 token（数据条数：{count}）。第一个问题：{first}',
    next: '请检查数据格式、训练范围和截断长度。',
  },
  'data.bad_ids': {
    what: '{file} 第 {line} 行："{field}"[{index}] 是 {found}，应为{expected}。',
    next: '请改正这条已分词的数据。',
  },
  'data.ids_and_labels_differ': {
    what: '{file} 第 {line} 行："input_ids" 有 {ids} 项，而 "labels" 有 {labels} 项。',
    next: '请给每个 token 一个标签（不训练的 token 填 −100）。',
  },
  'data.padding_inside': {
    what: '{file} 第 {line} 行："attention_mask" 屏蔽了不在末尾的 token。',
    next: '请去掉已分词数据里的填充，Graft 不需要填充。',
  },
  'data.no_tokenizer': {
    what: '模型文件夹里没有分词器（tokenizer.json 或 qwen.tiktoken），而 {file} 是文本。',
    next: '请把分词器文件放进模型文件夹，或使用带 "input_ids" 和 "labels" 的数据。',
  },
  'data.tokenizer_invalid': {
    what: '模型的 {file} 无法使用：{detail}。',
    next: '请重新下载模型的分词器文件。',
  },
  'data.tokenizer_unsupported': {
    what: '模型的 {file} 含有 Graft 的分词器不支持的内容：{detail}。',
    next: '请选择使用其他分词器的模型，或在别处完成分词（"input_ids"）。',
  },
  'data.token_beyond_model': {
    what: '{file} 第 {line} 行含有 {token}（分词器的第 {id} 号 token），而模型只有 {vocabSize} 个 token。',
    next: '请从这条数据里去掉它，或使用与模型配套的分词器文件。',
  },
  'data.tiktoken_line': {
    what: '{file} 第 {line} 行无法使用：{detail}。',
    next: '请重新下载模型的分词器文件。',
  },
  'data.tokenizer_mismatch': {
    what: '分词器与模型不匹配：分词器里有 token {maxId}（{token}），而模型只有 {vocabSize} 个 token。',
    next: '请使用属于这个模型的分词器文件。',
  },
  'data.template_invalid': {
    what: '模型的对话模板无法使用：{detail}。',
    next: '请检查 tokenizer_config.json 里的 chat_template（或 chat_template.jinja）。',
  },
  'data.template_hangs': {
    what: '模型的对话模板 {seconds} 秒没有进展，已被终止。',
    next: '请检查 tokenizer_config.json 里的 chat_template（或 chat_template.jinja），或改用来源可信的模型。',
  },
  'data.template_hangs_on_line': {
    what: '模型的对话模板在 {data} 第 {line} 行上 {seconds} 秒没有进展，已被终止。',
    next: '请检查 tokenizer_config.json 里的 chat_template（或 chat_template.jinja），或改用来源可信的模型。',
  },
  'data.template_crashed': {
    what: '模型的对话模板使其所在的线程终止：{reason}。',
    next: '请检查 tokenizer_config.json 里的 chat_template（或 chat_template.jinja），或改用来源可信的模型。',
  },
  'data.template_crashed_on_line': {
    what: '模型的对话模板在 {data} 第 {line} 行上使其所在的线程终止：{reason}。',
    next: '请检查 tokenizer_config.json 里的 chat_template（或 chat_template.jinja），或改用来源可信的模型。',
  },
  'data.tokenizer_crashed': {
    what: '{file} 里的分词器使其所在的线程终止：{reason}。',
    next: '请换用较短的文本，或改用来源可信的模型。',
  },
  'data.tokenizer_crashed_on_line': {
    what: '{file} 里的分词器在 {data} 第 {line} 行上使其所在的线程终止：{reason}。',
    next: '请排除这条数据，或改用来源可信的模型。',
  },
  'data.pattern_hangs': {
    what: '分词器 {seconds} 秒没有进展，已被终止。{file} 里的预分词器按 {patterns} 切分文本。',
    next: '请换用较短的文本，或改用来源可信的模型。',
  },
  'data.pattern_hangs_on_line': {
    what: '分词器在 {data} 第 {line} 行上 {seconds} 秒没有进展，已被终止。{file} 里的预分词器按 {patterns} 切分文本。',
    next: '请排除这条数据，或改用来源可信的模型。',
  },
  'data.template_refused': {
    what: '模型的对话模板拒绝了这段对话：{detail}。',
    next: '请把角色或其顺序改成模型期望的样子。',
  },
  'data.row_refused': {
    what: '{file} 第 {line} 行：模型的对话模板拒绝了这段对话（{detail}）。',
    next: '请把角色或其顺序改成模型期望的样子。',
  },
  'data.answer_not_found': {
    what: '{file} 第 {line} 行：对话模板改写了对话，无法定位助手的回答。',
    next: '请打开 split_turns（每轮一条），或把训练范围设为 "all"。',
  },
  'data.no_chatml': {
    what: '训练范围 "chatml" 用于使用 ChatML 的模型，而这个模型没有 {missing}。',
    next: '请把训练范围设为 "assistant"。',
  },
  'data.not_chatml': {
    what: '{file} 第 {line} 行：模型的对话模板没有把对话写成 ChatML 的各轮。',
    next: '请把训练范围设为 "assistant"。',
  },
  'data.all_excluded': {
    what: '{file} 中可用于训练的数据已全部排除。',
    next: '请撤销上一次更改。',
  },
  'data.columns_not_chosen': {
    what: '尚未选择 {file} 的提示词列和回答列。',
    next: '请选择列。',
  },
  'data.shard_damaged': {
    what: '已保存的分词结果 {file} 已损坏。',
    next: '请重新打开数据文件，或重新运行命令：损坏的部分会重新生成。',
  },
  'data.shards_missing': {
    what: '这次训练所用的已保存分词结果已不存在。',
    next: '请用相同的模型和配置重新对同一数据文件分词，会得到相同的结果。',
  },
  'data.held_out_too_many': {
    what: '这么大的数据在需要时才从磁盘读取，最多只能留出 {most} 条做评估；{wanted} 条太多。',
    next: '请把 "eval_fraction" 设为不超过 {most} 的条数。',
  },
  'data.needs_memory': {
    what: '这么大的数据在需要时才从磁盘读取，而“{what}”做不到。',
    next: '请使用训练目标 "sft"，或使用条数更少的文件。',
  },
  'data.tokenizing_stopped': {
    what: '分词已停止。',
    next: '重新开始训练，会从停下的地方继续。',
  },
  'data.large_not_changed': {
    what: '这里只显示 {file} 的开头部分，因此不能在这里修改数据。',
    next: '请修改文件本身，或使用条数更少的文件。',
  },
  'data.large_held_out': {
    what: '{file} 中留出哪些数据只有它的训练知道。',
    next: '请选择验证文件。',
  },
  'data.bad_split': {
    what: '从 {rows} 条数据中留出 {wanted} 条做评估，就没有数据可训练了。',
    next: '请调低评估集比例（eval_fraction），或增加数据。',
  },
  'data.schema_keyword': {
    what: '用于 JSON 的“schema”在 {path} 处使用了“{keyword}”，Graft 不支持这个关键字。',
    next: '请只使用 {known}。',
  },
  'data.schema_value': {
    what: '用于 JSON 的“schema”在 {path} 处的值不符合关键字“{keyword}”的要求。',
    next: '请按照“JSON Schema 2020-12”修改。',
  },
  'data.choices_invalid': {
    what: '{file} 第 {line} 行不是选择题：{detail}。',
    next: '每行需要“question”，“choices”（文本列表，或 {"text": […], "label": […]}），以及“answer”或“answerKey”。',
  },
  'data.expression_hangs': {
    what: '“{name}”的正则表达式在一个回答上运行了 {seconds} 秒，已被终止。',
    next: '请不要在重复里再写重复，例如 (a+)+，或给每个重复设上限，例如 a{1,9}。',
  },
  'data.too_few_shots': {
    what: '{file} 中可作第 {line} 行示例的选择题有 {rows} 道，少于所需的 {shots} 道。',
    next: '请减少示例数（“--shots”），或使用有更多选择题的文件；命令行中可用“--shots-from”另行指定。',
  },
  'data.metric_option': {
    what: '无法计算指标 {metric}：{detail}。',
    next: '请为“regex”填写一个 JavaScript 的正则表达式，为“schema”填写一个“JSON Schema”，为“number”和“choice”填写不小于 0 的数，或选择其他指标。',
  },
  'data.metric_without_rows': {
    what: '无法在 {file} 上计算指标 {metric}：{detail}。',
    next: '请选择其他指标，或换一个包含这类数据的文件。',
  },
} satisfies TranslatedErrors<typeof dataErrors>;
