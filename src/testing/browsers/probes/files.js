// A page that shows chosen, dropped and typed input, and offers a download.
const element = (id) => document.getElementById(id);
const describe = async (file) => {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return `${file.webkitRelativePath || file.name}:${bytes.length}:${bytes.reduce((sum, byte) => sum + byte, 0)}`;
};
const show = async (what, files) => {
  const lines = await Promise.all(files.map(describe));
  element('out').textContent += `${what} ${lines.sort().join(' ')}\n`;
};

for (const id of ['chosen', 'folder']) {
  element(id).addEventListener('change', (event) => show(id, [...event.target.files]));
}
element('choose').addEventListener('click', () => element('chosen').click());
element('choose-folder').addEventListener('click', () => element('folder').click());

const filesOf = async (entry) => {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const entries = await new Promise((resolve, reject) => entry.createReader().readEntries(resolve, reject));
  return (await Promise.all(entries.map(filesOf))).flat();
};
const { dataset } = document.documentElement;
element('zone').addEventListener('dragover', (event) => {
  event.preventDefault();
  // As the studio says where a drop would go.
  dataset.dragging = 'zone';
});
element('zone').addEventListener('drop', async (event) => {
  event.preventDefault();
  delete dataset.dragging;
  const { items, files } = event.dataTransfer;
  const entries = [...items].map((item) => item.webkitGetAsEntry());
  const dropped = entries.every(Boolean) ? (await Promise.all(entries.map(filesOf))).flat() : [...files];
  element('out').textContent += `entries ${entries.every(Boolean)}\n`;
  await show('dropped', dropped);
});

element('save').addEventListener('click', () => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([`hello ${element('name').value} `.repeat(100_000)]));
  link.download = 'saved file.bin';
  link.click();
});
