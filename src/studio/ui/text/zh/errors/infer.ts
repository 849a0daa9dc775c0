import type { inferErrors } from '../../../../../base/lib/errorTexts/infer.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const inferErrorsZh = {
  'infer.empty_prompt': {
    what: '提示词没有 token，而这个模型也没有表示文本开头的 token。',
    next: '请写一段提示词。',
  },
  'infer.prompt_too_long': {
    what: '提示词有 {length} 个 token，超过了模型 {positions} 的上下文。',
    next: '请缩短提示词。',
  },
  'infer.conversation_too_long': {
    what: '对话有 {length} 个 token，模型 {positions} 的上下文里没有位置留给回答。',
    next: '请修改前面的一轮（之后的内容会被删去），或者清空对话。',
  },
  'infer.no_tokenizer': {
    what: '这个模型文件夹里没有分词器（tokenizer.json 或 qwen.tiktoken），无法把文本变成 token。',
    next: '请从模型的原始页面获取 tokenizer.json 和 tokenizer_config.json。',
  },
  'infer.judge_failed': {
    what: '位于 {url} 的评审模型没有回答：{detail}。',
    next: '请检查地址、模型和密钥。',
  },
  'infer.judge_unreadable': {
    what: '位于 {url} 的评审模型没有给出 0 到 {best} 之间的数：{found}',
    next: '请换一个能遵循指令的模型。',
  },
} satisfies TranslatedErrors<typeof inferErrors>;
