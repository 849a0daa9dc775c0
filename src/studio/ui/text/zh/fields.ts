import type { RecipeKey } from '../../../../base/config/recipe.ts';
import type { FieldText } from '../texts.ts';

/** Labels and help of the recipe settings; the English ones are in src/base/config/recipe.ts. */
export const fieldTextsZh: Record<RecipeKey, FieldText> = {
  method: {
    label: '训练方法',
    help: 'LoRA 为每个目标层训练两个小矩阵，模型本身冻结。QLoRA 在量化为 4 位的模型上这样做：显存约为四分之一，精度略低。全参数微调训练全部参数：适合小模型，学习率取 1e-5 到 1e-3，除模型本身外每个参数还需 16 字节；结果是一个完整的模型。',
  },
  objective: {
    label: '训练目标',
    help: '训练要达到什么。sft 学习数据中的回答。dpo、orpo、simpo 和 cpo 学习偏好每对中较好的回答；kto 从标为好或坏的回答中学习。grpo 让模型对每个提示词回答多次，从回答得到的奖励中学习（见“奖励”）。dpo 和 kto 会与训练前的模型比较，grpo 在 beta 大于 0 时也会。除 sft 外学习率都要低一些，约为平常的十分之一。',
  },
  rank: {
    label: '秩（rank）',
    help: '决定适配器能学多少。8 到 16 适合风格和事实；64 适合更难的任务，需要更多显存。',
  },
  alpha: { label: 'Alpha', help: '适配器的缩放：输出乘以 alpha ÷ 秩。常取秩的两倍。' },
  lr: {
    label: '学习率',
    help: '每次更新的幅度。2e-4 适合大多数模型，小模型可用 1e-3 以上。损失忽上忽下时请调低。',
  },
  epochs: { label: '训练轮数', help: '把数据读多少遍。设置了“最大步数”时不起作用。' },
  max_steps: { label: '最大步数', help: '优化器更新这么多步后停止。0 表示由训练轮数决定。' },
  batch_size: { label: '批大小', help: '每次前向传播的数据条数。越大越稳定，也越占显存。' },
  grad_accum: {
    label: '梯度累积',
    help: '累加多少个微批次的梯度后再更新一步：效果相当于更大的批次，却不多占显存。',
  },
  max_length: { label: '截断长度', help: '超过这么多 token 的数据会被截断；“数据”页会显示有多少条。' },
  mask: {
    label: '训练范围',
    help: '哪些 token 计入损失：助手的回答、全部、仅最后一个回答，或像 Qwen v1 那样包括回答和每轮的 ChatML 标记。',
  },
  train_thoughts: {
    label: '训练思考内容',
    help: '训练每个回答之前的思考。关闭时思考只作为上下文。',
  },
  train_tool_calls: {
    label: '训练工具调用',
    help: '训练回答里的工具调用。关闭时调用只作为上下文。',
  },
  split_turns: {
    label: '每轮一条',
    help: '每个回答单独成为一条数据，之前的对话作为上下文。适合会去掉先前思考的对话模板：这样每段思考都会训练一次。',
  },
  special_tokens_in_text: {
    label: '消息中的特殊 token',
    help: '消息里写出的特殊 token（如 <|im_end|>）怎样编码：按特殊 token（"special"），与多数工具相同；或按普通文本（"text"），对模型没有特殊含义。',
  },
  template_args: {
    label: '模板参数',
    help: '传给对话模板的变量，写成 JSON 对象，例如 {"enable_thinking": false}。每条数据也可以用 chat_template_kwargs 自带变量。',
  },
  preference_data: {
    label: '偏好数据',
    help: '有较好和较差的回答、或把回答标为好坏的数据：不接受（"refuse"），或只用较好的回答训练（"chosen"）。',
  },
  dpo_loss: {
    label: 'DPO 损失',
    help: '用于 dpo：通常的逻辑损失（sigmoid）、SLiC 的合页损失（hinge）、IPO 的平方损失（按 token 平均），或容许标注有误的损失（"robust"，见标签平滑）。',
  },
  beta: {
    label: 'Beta',
    help: '用于 dpo、kto 和 grpo：模型与训练前保持多近，越大越近；grpo 的默认值 0 表示不作比较。用于 cpo 和 simpo：奖励的尺度，SimPO 的作者用 2 以上。',
  },
  label_smoothing: {
    label: '标签平滑',
    help: '有多大比例的回答对可能标反，用于 "robust" 的 DPO 损失以及 cpo 和 simpo。',
  },
  simpo_gamma: {
    label: 'SimPO 间隔',
    help: '用于 simpo：较好回答的奖励应比较差的高出多少。',
  },
  cpo_alpha: {
    label: 'CPO 似然权重',
    help: '用于 cpo：较好回答的似然在损失中的权重。',
  },
  orpo_lambda: {
    label: 'ORPO 权重',
    help: '用于 orpo：优势比相对于提示词和较好回答的似然的权重。TRL 称之为 beta。',
  },
  desirable_weight: {
    label: '好回答的权重',
    help: '用于 kto：一个好回答在损失中算多少。好回答比坏回答少时请调高。',
  },
  undesirable_weight: {
    label: '坏回答的权重',
    help: '用于 kto：一个坏回答在损失中算多少。坏回答比好回答少时请调高。',
  },
  rewards: {
    label: '奖励',
    help: '用于 grpo：回答因何得到奖励，写成 JSON 列表，例如 [{"kind": "number"}, {"kind": "length", "max": 20, "unit": "tokens", "weight": 0.2}]。种类："exact"、"contains"、"number"（与这条数据的参考答案或某一列 "column" 比较）、"regex"、"format"（匹配整个回答）、"json"（可带 "schema"）、"length"、"javascript"（函数的源代码 "source"）。',
  },
  num_generations: {
    label: '每个提示词的回答数',
    help: '用于 grpo：每个提示词有多少个回答相互比较。越多越稳定，也越慢。',
  },
  max_completion_length: {
    label: '回答的最大长度',
    help: '用于 grpo：回答最多这么多 token；提示词和回答合计达到截断长度时也会结束。',
  },
  temperature: {
    label: '温度',
    help: '用于 grpo：采样的回答有多多样。损失中的概率也按这个温度计算，与 TRL 相同。',
  },
  top_p: { label: 'Top p', help: '用于 grpo：只从概率之和达到此值的最可能的 token 中采样；1 表示全部。' },
  top_k: { label: 'Top k', help: '用于 grpo：只从这么多个最可能的 token 中采样；0 表示全部。' },
  epsilon: {
    label: '裁剪范围',
    help: '用于 grpo：一个 token 的概率相对采样时变化超过多少就不再推动它。从对同一批回答的第二遍训练起才有作用。',
  },
  num_iterations: {
    label: '每次采样的训练遍数',
    help: '用于 grpo：采样新的回答之前，用同一批回答更新多少步。',
  },
  loss_type: {
    label: 'GRPO 损失',
    help: '用于 grpo：token 的损失怎样取平均：先在每个回答内再在回答之间（grpo），在一个微批次的全部 token 上（bnpo），在一步的全部 token 上（dapo），或除以回答的最大长度（dr_grpo），后者不偏向任何长度。',
  },
  scale_rewards: {
    label: '奖励的缩放',
    help: '用于 grpo：优势除以同一提示词的回答之间奖励的标准差（group）、一步的全部回答之间的标准差（batch），或不除（none）。',
  },
  targets: {
    label: '目标模块',
    help: '给哪些层加适配器，按名称填写（q_proj、v_proj 等）；all-linear 表示除输出层外的所有线性层，输出层用 lm_head 加上。',
  },
  modules_to_save: {
    label: '全量训练的模块',
    help: '词嵌入和输出层可以与适配器一起全量训练，适合要学习新 token 的基座模型：["embed_tokens", "lm_head"]。其中每个参数需要 16 字节。',
  },
  quant: {
    label: '量化类型',
    help: 'QLoRA 存放模型的方式：nf4 是每块 64 个数的 4 位 NormalFloat，与 bitsandbytes 相同。已量化为 4 位的模型保持原样。',
  },
  double_quant: {
    label: '双重量化',
    help: '用于 QLoRA：各块的缩放系数也量化。每个权重 4.13 位而不是 4.5 位，精度略低。',
  },
  head: {
    label: '输出层',
    help: '输出层（LM head）在显存里怎样存放：按原样（"stored"）；8 位（"8bit"），显存减半，精度几乎不变；NF4（"nf4"），显存为四分之一，小模型的精度会明显下降。输出层与词嵌入共用时，词嵌入改为从磁盘按行读取。合并时用原样的输出层。',
  },
  layers: { label: '层', help: '给哪些层加适配器，从 0 开始编号；all 表示全部。' },
  memory_budget: {
    label: '显存预算',
    help: '最多占用多少显存，以字节计；0 表示不限。超出的部分卸载到磁盘：先是模型的各层，然后是词嵌入和输出层，再是各层的输入。结果完全相同，只是更慢；调大梯度累积可以弥补大部分。',
  },
  dropout: {
    label: 'Dropout',
    help: '训练时随机丢弃适配器输入的比例。数据较少时，0.05 有助于防止过拟合。',
  },
  rslora: {
    label: '秩稳定 LoRA（rsLoRA）',
    help: '按 alpha ÷ √秩 而不是 alpha ÷ 秩 缩放，让高秩的适配器也能持续学习。',
  },
  dora: {
    label: 'DoRA',
    help: '把每行权重的长度与方向分开训练，同 PEFT 的 use_dora。低秩时往往效果更好，速度略慢；要求 dropout 为 0。',
  },
  init_lora_weights: {
    label: '初始化',
    help: 'A 和 B 的初始值。“default”：A 随机，B 为零。“pissa”：取权重最大的奇异值及其向量，同 PEFT，往往学得更快；精确分解，矩阵宽度不超过 1024。“pissa_niter_N”用 N 轮迭代求得，任何大小都很快，PEFT 建议 16。适配器在显存和文件里都是两倍的秩，其中一半固定不变。要求权重未经量化，dropout 和权重衰减为 0。',
  },
  loraplus_lr_ratio: {
    label: 'LoRA+ 比率',
    help: 'B 的学习率是 A 的多少倍，同 PEFT 的 create_loraplus_optimizer。常用 16，并配合较低的学习率；1 表示两者相同。',
  },
  neftune_noise_alpha: {
    label: 'NEFTune 噪声',
    help: '训练时给词嵌入加上均匀噪声，幅度不超过 alpha ÷ √(该条数据的 token 数 × 隐藏维度)。取 5 到 15 可以让对话模型的回答更充实；0 表示不加。',
  },
  schedule: { label: '学习率调度', help: '学习率在训练过程中怎样变化，名称与 transformers 一致。' },
  warmup_steps: { label: '预热步数', help: '学习率从零升到设定值所用的步数。' },
  start_rank: {
    label: '起始秩',
    help: '从这个秩开始训练，逐步翻倍，直到达到设定的秩；已学到的内容保持不变。0 表示一开始就用设定的秩。',
  },
  grow_steps: { label: '秩翻倍间隔', help: '设置了起始秩时，每隔多少训练步把秩翻倍。' },
  weight_decay: { label: '权重衰减', help: '每一步都把训练的权重往零拉近一点。' },
  beta1: { label: 'Adam β₁', help: '一阶矩（梯度均值）的衰减系数。' },
  beta2: { label: 'Adam β₂', help: '二阶矩（梯度平方均值）的衰减系数。' },
  eps: { label: 'Adam ε', help: '梯度极小时，使更新量保持有限。' },
  max_grad_norm: { label: '最大梯度范数', help: '超过此值的梯度会缩小到此值。0 表示不裁剪。' },
  optimizer: {
    label: '优化器',
    help: 'adamw_8bit 用 8 位存放 AdamW 的状态，显存为四分之一；小矩阵仍用 32 位。',
  },
  packing: {
    label: '样本拼接（packing）',
    help: '把几条短数据拼成一条不超过截断长度的数据，彼此之间互不可见。',
  },
  shuffle: { label: '打乱顺序', help: '每一轮都以新的随机顺序读取数据，长度相近的放在一起。' },
  eval_fraction: {
    label: '评估集比例',
    help: '留出多大比例的数据不参与训练，用来衡量模型在新数据上的损失。auto 从 50 条起留出十分之一，最多 50 条；0 表示不留。',
  },
  eval_steps: { label: '评估间隔', help: '两次评估之间的训练步数。' },
  checkpoint_steps: {
    label: '检查点间隔',
    help: '除了按时间保存的检查点，每隔多少训练步再保存一个。0 表示只按时间。',
  },
  load_best: {
    label: '结束时加载最佳',
    help: '训练结束时取评估损失最低的适配器，而不是最后一个。需要设置评估集比例。',
  },
  patience: {
    label: '早停',
    help: '评估损失连续这么多次没有改善就停止；0 表示从不。需要设置评估集比例。',
  },
  min_delta: {
    label: '最小改善量',
    help: '评估损失要比之前的最低值再低多少，早停才算作改善。',
  },
  spike_guard: {
    label: '尖峰防护',
    help: '某一步的损失或梯度范数比最近 128 步的均值高出这么多个标准差时，跳过这一步。64 步后开始生效；0 表示关闭。',
  },
  seed: { label: '随机种子', help: '在同一块 GPU 上，配方、数据和种子都相同，得到的适配器逐位相同。' },
  dtype: {
    label: '激活值类型',
    help: '层内激活值的类型。GPU 支持时，f16 可使其显存减半；求和始终用 f32。auto 在这样的 GPU 上取 f16；在软件适配器上和全参数微调时取 f32。',
  },
  kept_inputs: {
    label: '保留的层输入',
    help: '每一层的输入怎样保留到反向传播：原样（"f32"）；16 位（"f16"），显存减半；按 64 个一块的 8 位（"8bit"），显存约为四分之一，精度略低。数据越长、批次越大，省得越多。',
  },
};
