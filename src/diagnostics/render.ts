// SPDX-License-Identifier: Apache-2.0
// Diagnostics as text for a terminal: position, message, the line with a caret, labels, notes, the way out.
import { Chalk, type ChalkInstance } from 'chalk';
import type { Diagnostic, Severity } from './diagnostic.js';
import { printable } from './printable.js';
import type { Span } from '../source/span.js';

export interface RenderOptions {
  readonly color: boolean;
}

/** Longest piece of a source line shown; longer lines are cut around the caret. */
const SHOWN_COLUMNS = 120;

/** Several diagnostics in the order given, a blank line between two; ends with a newline unless empty. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], options: RenderOptions): string {
  return diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, options)).join('\n');
}

export function renderDiagnostic(diagnostic: Diagnostic, options: RenderOptions): string {
  const paint = new Chalk({ level: options.color ? 1 : 0 });
  const color = severityColor(diagnostic.severity, paint);
  const lines = [
    `${color(`${diagnostic.severity}[${diagnostic.code}]`)}: ${paint.bold(printable(diagnostic.message))}`,
  ];
  if (diagnostic.span !== undefined) {
    lines.push(`  ${paint.blue('-->')} ${formatPosition(diagnostic.span)}`);
    if (diagnostic.lineText !== undefined)
      lines.push(...excerpt(diagnostic.span, diagnostic.lineText, color));
  }
  for (const label of diagnostic.labels ?? []) {
    lines.push(`  ${paint.blue('-->')} ${formatPosition(label.span)}: ${printable(label.message)}`);
  }
  for (const note of diagnostic.notes ?? []) lines.push(`  ${paint.blue('note:')} ${printable(note)}`);
  if (diagnostic.help !== undefined) lines.push(`  ${paint.green('help:')} ${printable(diagnostic.help)}`);
  return lines.join('\n') + '\n';
}

/** `file:line:column`, as compilers print it and editors understand it. */
export function formatPosition(span: Span): string {
  return `${printable(span.file)}:${span.line}:${span.column}`;
}

function excerpt(span: Span, lineText: string, color: (text: string) => string): string[] {
  const start = span.column - 1;
  const width = Math.max(1, span.endColumn - span.column);
  const from = lineText.length <= SHOWN_COLUMNS ? 0 : Math.max(0, start - SHOWN_COLUMNS / 3);
  const shown = printable(lineText.slice(from, from + SHOWN_COLUMNS));
  const lead = printable(lineText.slice(from, start)).length;
  const before = from > 0 ? '...' : '';
  const after = from + SHOWN_COLUMNS < lineText.length ? '...' : '';
  const gutter = String(span.line);
  const caretWidth = printable(lineText.slice(start, Math.min(start + width, from + SHOWN_COLUMNS))).length;
  return [
    `  ${gutter} | ${before}${shown}${after}`,
    `  ${' '.repeat(gutter.length)} | ${' '.repeat(before.length + lead)}${color('^'.repeat(Math.max(1, caretWidth)))}`,
  ];
}

function severityColor(severity: Severity, paint: ChalkInstance): (text: string) => string {
  switch (severity) {
    case 'error':
      return paint.red.bold;
    case 'warning':
      return paint.yellow.bold;
    case 'note':
      return paint.cyan.bold;
  }
}
