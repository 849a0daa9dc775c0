const paths = {
  check: 'M3.5 8.5 6.5 11.5 12.5 4.5',
  cross: 'M4 4 12 12M12 4 4 12',
  chevron: 'M6 3.5 10.5 8 6 12.5',
  down: 'M3.5 6 8 10.5 12.5 6',
  left: 'M10 3.5 5.5 8 10 12.5',
  reset: 'M3 8a5 5 0 1 0 1.6-3.7M3 2.5V5h2.5',
  folder: 'M1.5 4.5v8h13v-7H8L6.5 3h-5z',
  file: 'M4 1.5h5l3 3v10H4zM9 1.5v3h3',
  download: 'M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11',
  upload: 'M8 10.5v-8M4.5 6 8 2.5 11.5 6M2.5 13.5h11',
  warning: 'M8 2 14.5 13.5h-13zM8 6.5v3.5M8 11.9v.1',
  home: 'M2 8 8 2.5 14 8M4 6.5V13.5h8V6.5',
  more: 'M3 8h.01M8 8h.01M13 8h.01',
  info: 'M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13M8 7.2v4M8 4.9V5',
  outside: 'M9.5 2.5h4v4M13.5 2.5 7.5 8.5M11.5 9.5v4h-9v-9h4',
  gauge: 'M2.5 12.5a6.5 6.5 0 1 1 11 0M8 9.5 11 6',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  stop: 'M4.5 4.5h7v7h-7z',
  sun: 'M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5',
  system: 'M2 3h12v8H2zM5.5 14h5M8 11v3',
} as const;

export type IconName = keyof typeof paths;

/** A small line drawing; decorative, since the text beside it has the meaning. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}

/** The logo: a scion joined to its stock by a slanting cut. */
export function Mark() {
  return (
    <svg className="mark" width="26" height="26" viewBox="0 0 26 26" aria-hidden="true" focusable="false">
      <path className="mark__stock" d="M10.5 25v-9.2l5-3.6V25z" />
      <path
        className="mark__scion"
        d="M10.5 12.6V6.4C7 6.4 4.4 4.2 4 1c3.600 0 6 1.500 7.300 3.800C12.800 2.400 16 1 21.500 1.200c-.3 4.200-2.800 6.500-6 7v.8z"
      />
    </svg>
  );
}
