import { expect, it } from 'vitest';

import { match } from './match';

it('no filter wants everything', () => {
  expect(match({})).toBe('');
  expect(match({ q: '  ' })).toBe('');
});

it('what is typed is looked for in all texts, whatever letters it has', () => {
  expect(match({ q: "cup's \\" })).toBe("(Title in ('cup\\'s \\\\') or Tags in ('cup\\'s \\\\') or Description in ('cup\\'s \\\\'))");
});

it('a pasted id is that video', () => {
  const id = '01A229A20FDE7000A537CD89035BC049';
  expect(match({ q: id })).toContain(`VideoId in ('${id.toLowerCase()}')`);
});

it('filters are joined, and an open range has far ends', () => {
  expect(match({ status: 'Normal', source: 'live', category: '7', from: '2026-03-01T00:00:00Z' })).toBe(
    "Status in ('Normal') and MediaSource in ('live') and CateId in (7) and CreationTime = ['2026-03-01T00:00:00Z', '9999-12-31T23:59:59Z']",
  );
  expect(match({ category: '7) or (1' })).toBe('');
});
