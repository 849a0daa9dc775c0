import type { hubErrors } from '../../../../../base/lib/errorTexts/hub.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const hubErrorsZh = {
  'hub.bad_reference': {
    what: '“{text}”不是 Hub 上的名称。',
    next: '请写 org/name；要指定分支、标签或提交，写 org/name@revision。',
  },
  'hub.bad_endpoint': {
    what: '“{endpoint}”不是 Hub 的地址（{detail}）。',
    next: '请填写类似 https://huggingface.co 的地址。',
  },
  'hub.not_found': {
    what: '{host} 上没有“{repo}”，或者它是私有的。',
    next: '请检查名称；私有仓库需要有读取权限的令牌。',
  },
  'hub.unauthorized': {
    what: '{host} 上的“{repo}”需要登录：它是私有的、需要授权，或者不存在。',
    next: '请检查名称，并填入有读取权限的令牌。',
  },
  'hub.token_refused': {
    what: '{host} 拒绝用这个令牌访问“{repo}”：令牌有误或已失效。',
    next: '请在 Hub 的设置里新建有读取权限的令牌再试；已下载的部分会保留。',
  },
  'hub.token_withheld': {
    what: '{host} 访问“{repo}”需要令牌，但除非你允许，令牌只发给官方 Hub。',
    next: '如果你放心把令牌交给 {host}，请为该地址开启允许。',
  },
  'hub.gated': {
    what: '“{repo}”需要作者授权才能访问。',
    next: '请在 {host} 打开它的页面，接受条款，并使用该账号的令牌；已下载的部分会保留。',
  },
  'hub.revision_not_found': {
    what: '“{repo}”没有名为“{revision}”的分支、标签或提交。',
    next: '请检查版本名，或不填以使用最新版。',
  },
  'hub.file_not_found': {
    what: '{host} 上的“{repo}”里没有“{file}”。',
    next: '请到 Hub 上查看它有哪些文件。',
  },
  'hub.commit_changed': {
    what: '请求的是“{repo}”的提交 {commit}，{host} 却返回了 {found}。',
    next: '该地址混淆了版本，请换一个地址。',
  },
  'hub.bad_listing': {
    what: '{host} 对“{repo}”的回应无法理解（{detail}）。',
    next: '请检查地址；中间可能有代理或登录页。',
  },
  'hub.rate_limited': {
    what: '{host} 收到的请求过多，要求等待 {seconds} 秒。',
    next: '请到时再试，已下载的部分会保留。使用令牌可以提高上限。',
  },
  'hub.unavailable': {
    what: '{host} 暂时无法回应（状态 {status}，已尝试 {attempts} 次）。',
    next: '请稍后再试，已下载的部分会保留。',
  },
  'hub.offline': {
    what: '连不上 {host}（{detail}）。',
    next: '请检查网络后重试，已下载的部分会保留。',
  },
  'hub.refused': {
    what: '{host} 拒绝了对“{file}”的请求，状态 {status}。',
    next: '请稍后再试，或到 Hub 上查看它的页面。',
  },
  'hub.bad_redirect': {
    what: '{host} 把对“{file}”的请求转到了不允许的地方（{detail}）。',
    next: '请检查地址。',
  },
  'hub.bad_range': {
    what: '{host} 返回的“{file}”字节范围与请求不符（{detail}）。',
    next: '可能是代理或镜像的问题，请绕过它再试。',
  },
  'hub.html_page': {
    what: '{host} 返回的是网页，而不是“{file}”。',
    next: '中间可能有网络或代理的登录页：请在浏览器里打开 {host}。',
  },
  'hub.lfs_pointer': {
    what: '{host} 返回的是 Git LFS 指针，而不是“{file}”。',
    next: '该地址没有文件本身，请换一个地址。',
  },
  'hub.checksum': {
    what: '{host} 给出的“{file}”与清单里的校验和（{expected}）不符。',
    next: '已丢弃下载的内容。请重试；如果仍然如此，说明 {host} 上的文件已损坏。',
  },
  'hub.no_model_files': {
    what: '“{repo}”里没有 {file}。',
    next: '请选择 transformers 格式、权重为 safetensors 的模型。',
  },
  'hub.is_adapter': {
    what: '“{repo}”是适配器，不是模型。',
    next: '请先打开训练它时用的模型，再在“对话”页面的“适配器”里打开它。',
  },
  'hub.not_adapter': {
    what: '“{repo}”里没有 {file}：它不是 PEFT 适配器。',
    next: '请选择用当前模型训练的适配器仓库。',
  },
  'hub.file_name': { what: '“{repo}”里有名为“{file}”的文件，无法存储。', next: '请举报这个仓库。' },
  'hub.push_bad_name': { what: '“{repo}”缺少所有者。', next: '请写成 你的名称/模型名称。' },
  'hub.push_local_path': {
    what: '“{file}”里有某台电脑上的路径“{path}”，推送会公开它；没有发送任何内容。',
    next: '请从文件中删除它；如果可以让别人看到，请选择仍然推送（命令行用 --yes）。',
  },
  'hub.push_no_token': {
    what: '把“{repo}”推送到 {host} 需要令牌。',
    next: '请填入有写权限的令牌；可在 Hub 的设置里新建。',
  },
  'hub.push_forbidden': {
    what: '{host} 不允许这个令牌写入“{repo}”。',
    next: '请使用有写权限的令牌，并推送到你自己或你所属组织的仓库。',
  },
  'hub.push_conflict': {
    what: '推送期间，“{repo}”被其他人改动了；没有提交任何内容。',
    next: '请再推送一次：已发送到 {host} 的内容不会重复发送。',
  },
  'hub.push_incomplete': {
    what: '{host} 上“{repo}”的提交缺少已发送的文件，或换成了别的文件。',
    next: '请再推送一次。',
  },
  'hub.push_failed': {
    what: '把“{repo}”推送到 {host} 失败（{detail}）；没有提交任何内容。',
    next: '请再推送一次：已发送的内容不会重复发送。',
  },
} satisfies TranslatedErrors<typeof hubErrors>;
