// What a session does with jobs for a cluster: loaded when one is exported or taken back.
export { exportJob } from './exportJob.ts';
export { importJob } from './importJob.ts';
export { newJobRun, storedJobRun } from './jobRun.ts';
