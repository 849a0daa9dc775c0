/** The file of a checkpoint that has a sample of completions. */
export const SAMPLE_FILE = 'sample';
