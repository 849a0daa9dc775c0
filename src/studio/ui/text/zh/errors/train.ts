import type { trainErrors } from '../../../../../base/lib/errorTexts/train.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const trainErrorsZh = {
  'train.recipe_not_object': {
    what: '配方不是 JSON 对象。',
    next: '请把各项设置写在一个对象里，例如 {"rank": 16, "lr": 0.0002}。',
  },
  'train.recipe_unknown_key': {
    what: '配方里有未知的键 "{key}"。',
    next: '请删除或改正；可用的键有 {known}。',
  },
  'train.recipe_invalid': {
    what: '配方里 "{key}" 是 {value}，应为{expected}。',
    next: '请改正后重新开始。',
  },
  'train.objective_refuses': {
    what: '训练目标 "{objective}" 不能与值为 {value} 的 "{key}" 一起使用。',
    next: '请把 "{key}" 设为 {expected}，或选择其他训练目标。',
  },
  'train.objective_no_range': {
    what: '学习率范围测试比较的是损失，而训练目标 "{objective}" 的损失说明不了学习率是否合适。',
    next: '请用两三个学习率各训练几步，比较它们的奖励。',
  },
  'train.no_rewards': {
    what: '训练目标 "grpo" 需要说明回答因何得到奖励，而 "rewards" 是空的。',
    next: '请给 "rewards" 一个列表，例如 [{"kind": "exact"}]；docs/grpo.md 列出了全部种类。',
  },
  'train.grpo_no_tokenizer': {
    what: '训练目标 "grpo" 按回答的文本给奖励，而这个模型没有分词器，无法得到文本。',
    next: '请选择带有分词器的模型文件夹。',
  },
  'train.reward_failed': {
    what: '无法计算奖励“{name}”：{detail}。',
    next: '请修正 "rewards" 中的函数，然后继续训练。',
  },
  'train.no_reward_functions': {
    what: '奖励“{name}”是一个 JavaScript 函数，这个程序无法与自身隔离地运行它。',
    next: '请在命令行用 `graft train` 训练，或改用其他种类的奖励。',
  },
  'train.reward_not_allowed': {
    what: '奖励“{name}”是一个 JavaScript 函数，而你没有允许运行它。',
    next: '请继续这次训练并允许它，或把它从 "rewards" 中去掉后重新训练。',
  },
  'train.kto_one_row': {
    what: 'KTO 在一批之内比较回答，batch_size 为 1 时没有可比较的。',
    next: '请把 batch_size 调到 2 或更大。',
  },
  'train.flag_invalid': {
    what: '“{file}”中的 {flag} 是 {value}，应为{expected}。',
    next: '请在脚本里直接写出数值，或改用 JSON 配方，然后重新开始。',
  },
  'train.no_flags': {
    what: '这段文本里没有 finetune.py 的参数。',
    next: '请粘贴带参数的命令，例如 "--learning_rate 3e-4 --use_lora"，或整个脚本。',
  },
  'train.shared_broken': {
    what: '链接里的配方无法读取。',
    next: '请对方重新发送链接：它可能在途中被截断了。',
  },
  'train.no_rows': { what: '没有可训练的数据。', next: '请检查数据集，以及按行列出的问题。' },
  'train.no_targets': {
    what: '这个模型没有名为 {targets} 的模块。',
    next: '请从 {known} 中选择，或用 "all-linear"。',
  },
  'train.no_saved_module': {
    what: '这个模型不能全量训练“{module}”。',
    next: '请为 "modules_to_save" 从 {known} 中选择，或留空。',
  },
  'train.budget_too_small': {
    what: '即使把能卸载的都卸载到磁盘，训练也至少需要 {least} 字节显存；预算是 {budget}。',
    next: '请提高预算，或调低 batch_size、max_length 或秩（rank）。',
  },
  'train.layer_out_of_range': {
    what: '第 {layer} 层不存在：模型共有 {layers} 层，从 0 开始编号。',
    next: '请改正配方里的 "layers"。',
  },
  'train.diverged': {
    what: '训练在第 {step} 步发散：梯度连续 {count} 步不是有限值。',
    next: '请调低学习率，或检查数据；最后一个正常步的适配器已保留。',
  },
  'train.full_quantized': {
    what: '这个模型以 4 位（{method}）发布，不能训练全部参数。',
    next: '请选择 LoRA 方法（直接在它上面训练），或使用同一模型的 16 位版本。',
  },
  'train.full_no_adapter': {
    what: '训练改动的是模型的全部参数，因此没有单独的适配器可以导出。',
    next: '请导出合并后的模型：它就是训练后的完整模型。',
  },
  'train.full_budget': {
    what: '训练全部参数需要 {least} 字节显存，而且都不能卸载到磁盘；预算是 {budget}。',
    next: '请提高预算、调低 batch_size 或 max_length，或选择 LoRA 方法。',
  },
  'train.batch_too_large': {
    what: 'GPU 显存放不下最长的一批数据。训练还没有开始。',
    next: '请把 "batch_size" 设为 {batch_size}，"grad_accum" 设为 {grad_accum}：训练效果相同，只是分成更小的批次。',
  },
  'train.row_too_large': {
    what: 'GPU 显存放不下最长的一条数据。训练还没有开始。',
    next: '请调低 "max_length"，改用 QLoRA，或设置显存预算。',
  },
  'train.growth_8bit': {
    what: '秩会增长时，AdamW 的状态不能用 8 位保存。',
    next: '请把 "optimizer" 设为 "adamw"，或把 "start_rank" 设为 0。',
  },
  'train.not_finite': {
    what: '第 {step} 步之后的训练状态不是有限值（{name}），因此没有保存。',
    next: '请调低学习率，从上一个完好的检查点继续。',
  },
  'train.resume_unreadable': {
    what: '这个检查点不属于这次训练：其中的“{part}”缺失，或内容不符。',
    next: '请从另一个检查点继续，或重新开始训练。',
  },
  'train.resume_other_model': {
    what: '这个检查点来自另一个模型的训练，或同一模型的另一个版本。',
    next: '请打开训练开始时的模型，或开始新的训练。',
  },
  'train.resume_other_data': {
    what: '这个检查点来自另一批数据的训练：数据本身或转换成 token 的方式变了。',
    next: '请打开训练开始时的数据，或开始新的训练。',
  },
  'train.resume_other_adapter': {
    what: '这次训练开始时用的不是这个适配器。',
    next: '训练已保存开始时的适配器：请不要另外指定适配器，直接继续，或开始新的训练。',
  },
  'train.resume_other_recipe': {
    what: '这个检查点来自另一份配方的训练：{keys} 不同。',
    next: '请使用训练开始时的配方继续，或开始新的训练。',
  },
  'train.no_eval_rows': {
    what: '配方里的“{key}”需要评估损失，但没有留出评估数据。',
    next: '请把 "eval_fraction" 设为大于 0 或提供验证文件，或关闭“{key}”。',
  },
  'train.row_too_long': {
    what: '有一条 {length} 个 token 的数据超过了模型的 {positions} 个位置。',
    next: '请把 "max_length" 调到 {positions} 或更小。',
  },
  'train.token_beyond_model': {
    what: '数据中有 token {id}，但模型只有 {vocabSize} 个 token。',
    next: '请打开这些数据所对应的模型，或用数据文件开始新的训练。',
  },
  'train.adapter_base': {
    what: '适配器自带 "{module}" 的基座权重，与这个模型的不同，因此不能从它继续训练。',
    next: '请先合并它，再在合并后的模型上训练；或选择该适配器自己的基座模型。',
  },
  'train.expert_dropout': {
    what: '适配器的 dropout 为 {dropout}，但 PEFT 对专家及其路由器（{module}）不支持 dropout。',
    next: '请将 dropout 设为 0，或改为适配其他模块，例如注意力的模块。',
  },
  'train.adapter_biases': {
    what: '适配器含有训练过的偏置（{module}），Graft 能运行和合并它们，但不训练它们。',
    next: '请先合并它，再在合并后的模型上训练。',
  },
  'train.dora_dropout': {
    what: '这里的 DoRA 不能与 dropout 一起训练（dropout 为 {dropout}）。',
    next: '请把 dropout 设为 0，或训练普通的 LoRA。',
  },
  'train.pissa_setting': {
    what: '初始化方式“{init}”不能与“{key}”{value} 一起使用。',
    next: '请把“{key}”设为 {instead}，或把“init_lora_weights”设为“default”。',
  },
  'train.pissa_quantized': {
    what: '初始化方式“{init}”要分解模型的权重，而这些权重是量化过的（{method}）。',
    next: '请在未量化的模型上训练，或把“init_lora_weights”设为“default”。',
  },
  'train.pissa_module': {
    what: '初始化方式“{init}”只用于各层里的线性层，“{module}”不是。',
    next: '请从目标模块中去掉它，或把“init_lora_weights”设为“default”。',
  },
  'train.pissa_rank': {
    what: '秩 {rank} 超过了“{module}”的 {side} 个奇异值，而 PiSSA 从奇异值开始训练。',
    next: '请把“rank”降到 {side} 或更低，从目标模块中去掉它，或把“init_lora_weights”设为“default”。',
  },
  'train.pissa_exact': {
    what: '“{module}”较短的一边为 {side}：超过 {limit} 的矩阵，精确计算奇异值耗时太长。',
    next: '请把“init_lora_weights”设为“pissa_niter_16”。',
  },
  'train.pissa_stopped': {
    what: '计算权重的奇异值时，训练被停止了。还没有训练任何内容。',
    next: '请重新开始；迭代轮数少一些（例如“pissa_niter_4”）会更快。',
  },
  'train.target_saved': {
    what: '"{module}" 既是 LoRA 的目标，又在 "modules_to_save"（全量训练）里。',
    next: '请从其中一处去掉它。',
  },
  'train.head_trained': {
    what: '输出层要全量训练，因此不能用更少的位数存放："head" 是 "{head}"。',
    next: '请把 "head" 设为 "stored"，或选择 LoRA 方法，并且不把 "{module}" 放进 "modules_to_save"。',
  },
  'train.target_too_large': {
    what: '"{module}" 上秩为 {rank} 的 LoRA 需要一个 {bytes} 字节的矩阵，超过这块 GPU 一次能绑定的大小（{limit}）。',
    next: '请降低秩，或把该模块从目标里去掉。',
  },
  'train.sweep_few': {
    what: '超参搜索至少要比较两份配方；这里只有 {count} 份。',
    next: '请给出更多配方，或某个设置的更多取值。',
  },
  'train.sweep_many': {
    what: '超参搜索有 {count} 份配方，超过了 {most} 份。',
    next: '请减少配方或取值。',
  },
  'train.sweep_list': {
    what: '“{file}”不是配方列表。',
    next: '请写成 JSON 列表，例如 [{"lr": 0.0001}, {"lr": 0.0003}]。',
  },
  'train.sweep_same': {
    what: '超参搜索的第 {first} 份与第 {second} 份配方相同。',
    next: '请去掉其中一份。',
  },
  'train.sweep_other_rows': {
    what: '超参搜索的各份配方在 "{key}" 上不同，而它会改变数据或损失的含义，因此评估损失无法比较。',
    next: '请让它们的 "{key}" 相同，或为每个取值单独训练。',
  },
  'train.sweep_no_eval_rows': {
    what: '超参搜索要比较评估损失，但没有留出评估数据。',
    next: '请把 "eval_fraction" 设为大于 0，或提供验证文件。',
  },
  'train.sweep_other_recipes': {
    what: '已有的超参搜索是另外的配方或另外的淘汰点。',
    next: '请不带配方直接继续它，或在新文件夹中开始新的搜索。',
  },
  'train.sweep_all_failed': {
    what: '超参搜索的 {count} 次训练全部失败；第一次失败的原因：{detail}',
    next: '请修改配方，然后开始新的搜索。',
  },
} satisfies TranslatedErrors<typeof trainErrors>;
