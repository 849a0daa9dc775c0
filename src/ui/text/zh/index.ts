import type { Texts } from '../phrase.ts';
import { benchmarkTextsZh } from './benchmark.ts';
import { commonTextsZh } from './common.ts';
import { dataTextsZh } from './data.ts';
import { detailInChinese } from './detail.ts';
import { errorTextsZh } from './errors/index.ts';
import { exportTextsZh } from './export.ts';
import { fieldTextsZh } from './fields.ts';
import { hubTextsZh } from './hub.ts';
import { lrSearchTextsZh } from './lrSearch.ts';
import { memoryTextsZh } from './memory.ts';
import { modelTextsZh } from './model.ts';
import { pageTextsZh } from './page.ts';
import { profileTextsZh } from './profile.ts';
import { recipeTextsZh } from './recipe.ts';
import { runsTextsZh } from './runs.ts';
import { trainTextsZh } from './train.ts';
import { tryoutTextsZh } from './tryout.ts';

/**
 * Every text of the page in 简体中文, by the same keys as in English.
 *
 * Glossary. Stay as they are: LoRA, QLoRA, GGUF, token, logits, kernel, dispatch, dropout, names of files and fields.
 * A space stands between Chinese and Latin or digits; punctuation is full width.
 *
 *     fine-tune 微调           base model 基座模型      adapter 适配器          weights 权重
 *     recipe 配方              preset 预设              learning rate 学习率    epochs 训练轮数
 *     max length 截断长度      grad. accumulation 梯度累积   batch size 批大小  micro-batch 微批次
 *     rank 秩                  warm-up 预热             weight decay 权重衰减   gradient norm 梯度范数
 *     loss 损失                evaluation 评估          GPU memory 显存         activations 激活值
 *     step (of training) 步    step (of the page) 步骤  checkpoint 检查点       resume 继续
 *     row 条（一条数据）       line (of a file) 行      data set 数据集         sample 样例
 *     block, layer 层          head 输出层              embedding 词嵌入        chat template 对话模板
 *     tokenizer 分词器         prompt 提示词            merge 合并              proof 校验
 *     quantization 量化        double quantization 双重量化   shard 分片        tensor 张量
 *     run 训练任务             history 训练记录         Hub (stays) Hub         repo 仓库
 */
export const zh: Texts = {
  phrases: {
    ...pageTextsZh,
    ...benchmarkTextsZh,
    ...modelTextsZh,
    ...hubTextsZh,
    ...memoryTextsZh,
    ...dataTextsZh,
    ...recipeTextsZh,
    ...lrSearchTextsZh,
    ...trainTextsZh,
    ...runsTextsZh,
    ...profileTextsZh,
    ...tryoutTextsZh,
    ...exportTextsZh,
    ...commonTextsZh,
  },
  errors: errorTextsZh,
  fields: fieldTextsZh,
  detail: detailInChinese,
};
