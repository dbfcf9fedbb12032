// SPDX-License-Identifier: Apache-2.0
// Both HTML reports, whatever rules and files are called: well-formed for a strict XML parser, no element or
// address that a text brought along, the same bytes each time.
import { SaxesParser } from 'saxes';
import { expect, it } from 'vitest';
import { renderHtml } from '../../src/diff/render-html.js';
import type { VerifyReport } from '../../src/diff/report.js';
import { safe, prose } from '../../src/html/page.js';
import { reportHtml } from '../../src/migrate/report-html.js';
import type { MigratedRule, MigrationReport } from '../../src/migrate/report.js';

const UTF8 = Buffer.from('Zürich').toString('latin1');
/** Markup, a lone Latin-1 byte, UTF-8, controls. */
const EVIL = `"><script src="http://192.0.2.1/x.js">alert(1)</script><img src=x onerror=y>' & ]]> \u00ff \u001b[2J\u0000 ${UTF8}`;
const SHOWN = `"><script src="http://192.0.2.1/x.js">alert(1)</script><img src=x onerror=y>' & ]]> ÿ .[2J. Zürich`;

const where = {
  family: 'ipv4',
  table: 'filter',
  chain: EVIL,
  number: 1,
  file: EVIL,
  line: 3,
  text: EVIL,
} as const;
const became = (id: number, what: MigratedRule['became']): MigratedRule => ({
  ...where,
  id,
  state: 'approximate',
  code: 'IPT0310',
  waiver: EVIL,
  became: what,
  why: EVIL,
});
const migration: MigrationReport = {
  version: '1',
  ok: true,
  sources: [{ name: EVIL, sha256: '00' }],
  summary: { rules: 3, exact: 0, noEffect: 0, approximate: 3, unsupported: 0, unread: 0, waived: 2 },
  rules: [became(0, 'carried'), became(1, 'left'), became(2, 'open')],
  problems: [{ code: 'IPT0001', message: EVIL, waiver: EVIL }],
  waivers: [EVIL],
  attach: {
    kinds: ['tc', 'xdp'],
    left: [{ family: 'ipv4', table: 'nat', why: EVIL }],
    early: { drops: [0], policies: [EVIL], deferred: [1] },
  },
  notes: [EVIL],
  refusal: EVIL,
  program: { sha256: '11', objectBytes: 1, tableBytes: 1, connections: 1, costs: {} },
  files: ['load.sh'],
};

const record = { index: 0, verdict: 'drop', trace: [EVIL] } as const;
const first = {
  index: 0,
  timestampNs: '0',
  interface: EVIL,
  packet: EVIL,
  frame: '00',
  left: record,
  right: record,
};
const side = { verdict: 'drop', rule: where, text: EVIL, file: EVIL } as const;
const verification: VerifyReport = {
  report: 'verify',
  version: 1,
  same: false,
  left: 'rules',
  right: 'vm',
  captures: [EVIL],
  packets: 2,
  counts: {
    equal: 0,
    different: 1,
    'not-ip': 0,
    undecided: 0,
    held: 0,
    fragment: 0,
    refused: 1,
    deferred: 0,
  },
  causes: [{ fields: ['verdict'], left: side, right: { verdict: 'accept' }, packets: 1, first }],
  apart: [{ outcome: 'refused', reason: EVIL, packets: 1, first }],
  coverage: { live: 2, hit: 1, missed: [where] },
  waivers: [EVIL],
  notes: [EVIL],
};

/** Elements with their attributes, and all text. Throws where the page is not well-formed. */
function parse(text: string): { elements: Set<string>; attributes: [string, string][]; text: string } {
  const elements = new Set<string>();
  const attributes: [string, string][] = [];
  let content = '';
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', (tag) => {
    elements.add(tag.name);
    attributes.push(...(Object.entries(tag.attributes) as [string, string][]));
  });
  parser.on('text', (piece) => (content += piece));
  parser.write(text).close();
  return { elements, attributes, text: content };
}

const pages: [string, () => string, number][] = [
  ['migration', () => reportHtml(migration), 12],
  ['migration without a program', () => reportHtml({ ...migration, ok: false }), 12],
  ['verification', () => renderHtml(verification), 9],
];

it.each(pages)('%s: text stays text', (_, render, times) => {
  const page = parse(render());
  for (const name of ['script', 'img', 'link', 'iframe', 'object']) expect(page.elements).not.toContain(name);
  const names = new Set(page.attributes.map(([name]) => name));
  for (const name of ['src', 'href', 'style', 'onerror']) expect(names).not.toContain(name);
  expect(page.text.split(SHOWN).length - 1).toBeGreaterThanOrEqual(times);
});

it.each(pages)('%s: the same bytes, one character set, nothing from outside', (_, render) => {
  const page = render();
  expect(render()).toBe(page);
  expect(Buffer.from(page, 'utf8').toString('utf8')).toBe(page);
  expect(page).toMatch(/^<!DOCTYPE html>\n/);
  expect(page).toContain('<meta charset="utf-8" />');
  expect(page).not.toMatch(/@import|url\(/);
  // eslint-disable-next-line no-control-regex
  expect(page).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});

it('the page of a migration names each rule, its reason, its waiver and the program', () => {
  const { text } = parse(
    reportHtml({
      ...migration,
      rules: [{ ...became(0, 'carried'), text: '-A INPUT -j DROP' }],
      attach: { kinds: ['tc'], left: [] },
    }),
  );
  for (const word of ['-A INPUT -j DROP', 'approximate', 'IPT0310', 'waived:', '11', 'ipt2ebpf confirm'])
    expect(text).toContain(word);
});

it('code stands between backticks, an odd one included', () => {
  expect(safe`${prose('run `a <b>` or `c')}`.html).toBe('run <code>a &lt;b&gt;</code> or <code>c</code>');
});
