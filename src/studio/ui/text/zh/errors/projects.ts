import type { projectsErrors } from '../../../../../base/lib/errorTexts/projects.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const projectsErrorsZh = {
  'projects.not_found': {
    what: '这个浏览器里没有这个项目。',
    next: '请从列表中选择另一个，或从文件导入。',
  },
  'projects.in_use': {
    what: '这个项目已在另一个标签页中打开，由那里保存。',
    next: '请在那里重命名或删除它，或先关闭那个标签页。',
  },
  'projects.damaged': {
    what: '这个项目无法读取：两份副本都已损坏。',
    next: '请删除它，或重新从文件导入。',
  },
  'projects.newer': {
    what: '这个项目由更新版本的 Graft 保存（格式 {format}）。',
    next: '请重新加载页面以获取新版本。',
  },
  'projects.invalid': {
    what: '项目的“{field}”无效。',
    next: '请在原来的浏览器里重新导出。',
  },
  'projects.not_a_project': {
    what: '“{file}”不是导出的项目：{detail}。',
    next: '请选择由“导出”生成的项目文件（….graft-project.zip）。',
  },
} as const satisfies TranslatedErrors<typeof projectsErrors>;
