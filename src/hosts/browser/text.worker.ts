import { createTextService } from '../../content/guard/textService.ts';
import type { TextApi } from '../../content/guard/textProtocol.ts';
import { expose } from '../../base/threads/errorTransfer.ts';

expose<TextApi>(createTextService((beat) => postMessage(beat)));
