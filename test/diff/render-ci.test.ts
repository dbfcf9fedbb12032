// SPDX-License-Identifier: Apache-2.0
// Reports for CI systems whatever the rules and files are called: JUnit read by a strict XML parser, GitHub
// commands one a line.
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import { renderGithub, renderJunit } from '../../src/diff/render-ci.js';
import type { PacketEvidence, VerifyReport } from '../../src/diff/report.js';

const UTF8 = Buffer.from('Zürich').toString('latin1');
const COMMENT = `-A INPUT -m comment --comment "& < > ]]> ' % \u0000 \u001b[31m \r ${UTF8}" -j DROP`;
const SHOWN = `-A INPUT -m comment --comment "& < > ]]> ' % . .[31m . Zürich" -j DROP`;

const rule = { family: 'ipv4', table: 'filter', chain: 'a<b>&"\u0001', number: 1, line: 3 } as const;
const first: PacketEvidence = {
  index: 0,
  timestampNs: '0',
  packet: '192.0.2.1 > 203.0.113.2 "<&>"',
  frame: '00',
  left: { index: 0, verdict: 'accept', trace: ['filter:a<b>&"\u0001:rule:1'] },
  right: { index: 0, verdict: 'drop', rule },
};
const report: VerifyReport = {
  report: 'verify',
  version: 1,
  same: false,
  left: 'rules',
  right: 'vm',
  captures: ['x.pcap'],
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
  causes: [
    {
      fields: ['verdict'],
      left: { verdict: 'accept' },
      right: { verdict: 'drop', rule, text: COMMENT, file: 'a<b>&",:\u0007.v4' },
      packets: 1,
      first,
    },
  ],
  apart: [{ outcome: 'refused', reason: '<why> & "how" \ud800', packets: 1, first }],
  coverage: { live: 0, hit: 0, missed: [] },
  waivers: [],
  notes: [],
};

/** Throws where the text is not well-formed XML 1.0. */
function parse(text: string): { elements: string[]; text: string } {
  const elements: string[] = [];
  let content = '';
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name }) => elements.push(name));
  parser.on('text', (piece) => (content += piece));
  parser.write(text).close();
  return { elements, text: content };
}

describe('JUnit', () => {
  it('is well-formed, and says the rule as it is', () => {
    const { elements, text } = parse(Buffer.from(renderJunit(report)).toString('utf8'));
    expect(elements.filter((name) => name === 'testcase').length).toBe(3);
    expect(elements).toContain('failure');
    expect(elements).toContain('skipped');
    expect(text).toContain(SHOWN);
  });

  it('the parser refuses what is not well-formed', () => {
    expect(() => parse('<a>&</a>')).toThrow();
    expect(() => parse('<a>\u001b</a>')).toThrow();
    expect(() => parse('<a>')).toThrow();
  });
});

it('GitHub commands are one a line, their properties cut at the right place', () => {
  const lines = renderGithub(report).trimEnd().split('\n');
  expect(lines.map((line) => /^::(error|warning|notice) [^:]*::/.exec(line)?.[1])).toEqual([
    'error',
    'warning',
    'notice',
  ]);
  expect(lines[0]).toContain(SHOWN.replaceAll('%', '%25'));
});
