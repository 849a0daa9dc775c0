const folder = '../../content/job/files/';

/** The files that are the same in every job for a cluster, by their paths. */
export const jobFiles: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(
    import.meta.glob<string>('../../content/job/files/**/*.{py,sh,sbatch,yaml,json}', {
      query: '?raw',
      import: 'default',
      eager: true,
    }),
  ).map(([path, text]) => [path.slice(folder.length), text]),
);
