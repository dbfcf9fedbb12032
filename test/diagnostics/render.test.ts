// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseSaveFile } from '../../grammar/index.js';
import { renderDiagnostics } from '../../src/diagnostics/render.js';

function rendered(text: string): string {
  return renderDiagnostics(parseSaveFile({ name: 'rules.v4', text }).diagnostics, { color: false });
}

describe('rendered diagnostics', () => {
  it('point at the words they speak of', () => {
    expect(rendered('*filter\n-A INPUT -p tcp -m tpc --dport 22 -j ACCEPT\nCOMMIT\n')).toBe(
      [
        'error[IPT0105]: unknown match `tpc`',
        '  --> rules.v4:2:20',
        '  2 | -A INPUT -p tcp -m tpc --dport 22 -j ACCEPT',
        '    |                    ^^^',
        '  help: did you mean `tcp`?',
        '',
      ].join('\n'),
    );
  });

  it('mark the whole of an old negation', () => {
    expect(rendered('*filter\n-A INPUT -s ! 10.0.0.0/8 -j DROP\nCOMMIT\n')).toContain(
      ['  2 | -A INPUT -s ! 10.0.0.0/8 -j DROP', '    |          ^^^^^^^^^^^^^^^'].join('\n'),
    );
  });

  it('stand in line order, a blank line between two', () => {
    const text = rendered('*filter\n-A INPUT --foo\n-A INPUT -m bar\nCOMMIT\n');
    expect(text.match(/^error\[IPT\d{4}\]/gm)).toEqual(['error[IPT0102]', 'error[IPT0105]']);
    expect(text).toContain('\n\nerror');
  });

  it('show no control characters of the input', () => {
    const shown = rendered('*filter\n-A INPUT \x1b[31m\x07\nCOMMIT\n');
    expect([...shown].filter((char) => char < ' ' && char !== '\n')).toEqual([]);
  });

  it('stay short for long lines', () => {
    const text = rendered(`*filter\n-A INPUT -s ${'x'.repeat(5000)} -j\nCOMMIT\n`);
    expect(text.length).toBeLessThan(1000);
  });
});
