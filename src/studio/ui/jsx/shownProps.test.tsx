import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';

const name = 'model\u202egnp.exe';
const shown = 'model\\u202egnp.exe';

it('every element shows what would reorder its text', () => {
  const files = [name, 'plain'];
  const markup = renderToStaticMarkup(
    <p title={name} aria-label={name}>
      {name}, {'\u2066'}
      {files}
      <>{name}</>
      <b>{files.map((file) => file)}</b>
    </p>,
  );
  expect(markup).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
  expect(markup).toBe(
    `<p title="${shown}" aria-label="${shown}">${shown}, \\u2066${shown}plain${shown}<b>${shown}plain</b></p>`,
  );
});

it('what is typed stays as it is', () => {
  expect(renderToStaticMarkup(<input defaultValue={name} />)).toContain(name);
  expect(renderToStaticMarkup(<textarea defaultValue={name} />)).toContain(name);
});
