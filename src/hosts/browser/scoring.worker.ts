import { expose } from '../../base/threads/errorTransfer.ts';
import { createScoringService, type ScoringApi } from '../../content/rewards/scoringService.ts';

expose<ScoringApi>(createScoringService((beat) => postMessage(beat)));
