/** The packages that a Python script pins in its PEP 723 header: `"torch==2.15.0"`. */
export function pinnedVersions(script: string): Record<string, string> {
  const [, header = ''] = /^# \/\/\/ script$(.*?)^# \/\/\/$/ms.exec(script) ?? [];
  return Object.fromEntries(
    [...header.matchAll(/"([\w-]+)==([\w.+]+)/g)].map(([, name, version]) => [name!, version!]),
  );
}
