import type { storageErrors } from '../../../../../base/lib/errorTexts/storage.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const storageErrorsZh = {
  'storage.not_found': { what: '{folder} 里没有“{file}”。', next: '请检查名称，或选择含有它的文件夹。' },
  'storage.folder_not_found': { what: '没有文件夹“{folder}”。', next: '请检查路径。' },
  'storage.not_a_folder': { what: '“{folder}”不是文件夹。', next: '请给出文件夹的路径。' },
  'storage.is_a_folder': { what: '{folder} 里的“{file}”是文件夹，不是文件。', next: '请给出文件的路径。' },
  'storage.not_a_file': { what: '{folder} 里的“{file}”是{found}，不是文件。', next: '请给出文件的路径。' },
  'storage.bad_name': {
    what: '“{file}”不是普通的文件名。',
    next: '请使用不含斜杠、反斜杠、“:”、“..”或控制字符的名称。',
  },
  'storage.short_read': {
    what: '文件“{file}”有 {size} 字节，但要读取的是字节 {offset} 到 {end}。',
    next: '文件不完整或已改变，请重新获取。',
  },
  'storage.changed': {
    what: '文件“{file}”已无法读取：选择之后被改动、移动或删除了（{detail}）。',
    next: '请重新选择文件夹。',
  },
  'storage.quota': {
    what: '没有空间写入“{file}”了；没有留下同名的残缺文件。',
    next: '请腾出一些空间后重试。',
  },
  'storage.denied': {
    what: '访问“{file}”被拒绝（{detail}）。',
    next: '请允许读写这个文件夹，或选择其他文件夹。',
  },
  'storage.busy': {
    what: '文件“{file}”正在使用中，可能是被 Graft 的另一个标签页占用。',
    next: '请关闭那个标签页后重试。',
  },
  'storage.lost_ownership': {
    what: '“{folder}”里的内容已被另一个进程接管（{file} 不再属于本进程），因此没有再写入任何内容。',
    next: '请在另一个进程中继续，或结束它后重新开始。',
  },
  'storage.folder_in_use': {
    what: '另一个标签页、浏览器或命令正在写入文件夹“{folder}”。',
    next: '请等它结束，或选择其他文件夹。如果已没有程序在写入，请删除其中的 {file}。',
  },
  'storage.failed': { what: '读写“{file}”失败：{detail}。', next: '请重试，或选择其他文件夹。' },
  'storage.opfs_denied': {
    what: '浏览器不允许本页面使用私有文件系统（{detail}），隐私窗口常常如此。',
    next: '请在普通窗口里打开 Graft，或保存到你自己的文件夹。',
  },
  'storage.several_folders': {
    what: '“{first}”和“{second}”里都有 {marker}，不知道要用哪个模型。',
    next: '请只拖入其中一个文件夹。',
  },
  'storage.duplicate_file': { what: '文件“{file}”拖入了两次。', next: '请只拖入一次该文件夹。' },
  'storage.sink_closed': { what: '文件“{file}”在关闭或放弃之后又被写入。', next: '请向我们反馈。' },
  'storage.text_too_large': {
    what: '文件“{file}”有 {size} 字节，而文本文件最多允许 {limit}。',
    next: '请确认选对了文件。',
  },
  'storage.bad_utf8': {
    what: '文件“{file}”不是 UTF-8 文本：字节 {offset} 有误。',
    next: '请存为 UTF-8，或重新获取。',
  },
  'storage.bad_json': { what: '文件“{file}”不是有效的 JSON：{detail}。', next: '请改正文件，或重新获取。' },
  'storage.json_too_deep': {
    what: '文件“{file}”的嵌套超过 {limit} 层。',
    next: '请确认是否选对了文件。',
  },
  'storage.not_object': {
    what: '文件“{file}”的内容是{found}，应为 JSON 对象。',
    next: '请改正文件，或重新获取。',
  },
  'storage.lfs_pointer': {
    what: '文件“{file}”是 Git LFS 指针，不是文件本身。',
    next: '请在它的文件夹里运行“git lfs pull”，或从它的页面下载。',
  },
  'storage.html_page': {
    what: '文件“{file}”是网页，不是文件本身；下载时可能要求登录。',
    next: '请在它的页面登录或接受许可，然后重新下载。',
  },
} satisfies TranslatedErrors<typeof storageErrors>;
