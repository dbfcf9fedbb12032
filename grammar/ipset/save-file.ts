// SPDX-License-Identifier: Apache-2.0
// `ipset save` text -> one node a line. Almost all lines of a long file read `add NAME ELEMENT`, perhaps with
// a timeout: they are taken apart by one pattern, everything else by the grammar; both give the same nodes.
import type { IpsetNode, IpsetOptionNode } from '../../src/ast/ipset.js';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.js';
import type { SourceFile, Span } from '../../src/source/span.js';
import { IpsetSyntaxError, parseIpsetLine, type LineTokens, type OptionTokens } from './parser.js';
import { ipsetLexer } from './tokens.js';
import type { IToken } from 'chevrotain';

export interface IpsetSink {
  node(node: IpsetNode): void;
  diagnostic(diagnostic: Diagnostic): void;
}

export interface IpsetReadOptions {
  /** False takes every line to the grammar; for the test that holds both ways against each other. */
  readonly shortcut?: boolean;
}

/** libipset's line buffer. */
const MAX_LINE = 65_534;
/** How much of a line a diagnostic keeps. */
const MAX_SHOWN = 400;

const PLAIN_ADD = /^add ([^\s"]+) ([^\s"]+)(?: timeout (\d+))?$/;

/** Reads all lines in order. A line that cannot be read costs that line and one diagnostic. */
export function readIpsetSave(source: SourceFile, sink: IpsetSink, options: IpsetReadOptions = {}): void {
  const { text, name: file } = source;
  const shortcut = options.shortcut ?? true;
  let line = 0;
  for (let start = 0; start < text.length;) {
    line++;
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    if (end - start > MAX_LINE) {
      sink.diagnostic({
        code: 'IPT0501',
        severity: 'error',
        message: `line of ${end - start} bytes is not read: ipset takes at most ${MAX_LINE}`,
        span: { file, line, column: 1, endColumn: MAX_SHOWN },
        lineText: text.slice(start, start + MAX_SHOWN),
      });
    } else {
      const content = text.slice(start, end);
      const plain = shortcut ? PLAIN_ADD.exec(content) : null;
      if (plain !== null) sink.node(plainAdd(plain, file, line));
      else readLine(content, file, line, sink);
    }
    start = end + 1;
  }
}

function plainAdd(match: RegExpExecArray, file: string, line: number): IpsetNode {
  const [text, set, element, timeout] = match;
  const elementColumn = 'add '.length + set!.length + 2;
  const span = { file, line, column: 1, endColumn: text.length + 1 };
  const options: IpsetOptionNode[] = [];
  if (timeout !== undefined) {
    const column = elementColumn + element!.length + 1;
    options.push({
      name: 'timeout',
      value: timeout,
      span: { file, line, column, endColumn: text.length + 1 },
    });
  }
  return {
    kind: 'add',
    set: set!,
    element: element!,
    elementSpan: { file, line, column: elementColumn, endColumn: elementColumn + element!.length },
    options,
    span,
    text,
  };
}

function readLine(content: string, file: string, line: number, sink: IpsetSink): void {
  const text = content.replace(/\r$/, '');
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.startsWith('#') || trimmed === 'COMMIT') return;
  const span: Span = { file, line, column: 1, endColumn: text.length + 1 };
  const fail = (code: string, message: string, at: Span): void =>
    sink.diagnostic({ code, severity: 'error', message, span: at, lineText: text.slice(0, MAX_SHOWN) });
  const { tokens, errors } = ipsetLexer.tokenize(text);
  if (errors.length > 0) {
    const column = errors[0]!.offset + 1;
    return fail('IPT0502', 'a quote is not closed on this line', { ...span, column });
  }
  try {
    sink.node(toNode(parseIpsetLine(tokens), text, span));
  } catch (error) {
    if (!(error instanceof IpsetSyntaxError)) throw error;
    const at = error.at === undefined ? { ...span, column: text.length + 1 } : tokenSpan(error.at, span);
    fail('IPT0503', error.message, at);
  }
}

function tokenSpan(token: IToken, line: Span): Span {
  return { ...line, column: token.startOffset + 1, endColumn: token.startOffset + token.image.length + 1 };
}

function unquote(token: IToken): string {
  return token.image.includes('"') ? token.image.replaceAll('"', '') : token.image;
}

function toOption(tokens: OptionTokens, line: Span): IpsetOptionNode {
  const start = tokenSpan(tokens.name, line);
  const name = tokens.name.image.replace(/^--/, '');
  if (tokens.value === undefined) return { name, span: start };
  return {
    name,
    value: unquote(tokens.value),
    span: { ...start, endColumn: tokenSpan(tokens.value, line).endColumn },
  };
}

function toNode(line: LineTokens, text: string, span: Span): IpsetNode {
  switch (line.kind) {
    case 'create':
      return {
        kind: 'create',
        set: unquote(line.set),
        type: unquote(line.type),
        options: line.options.map((option) => toOption(option, span)),
        span,
        text,
      };
    case 'add':
    case 'del':
      return {
        kind: line.kind,
        set: unquote(line.set),
        element: unquote(line.element),
        elementSpan: tokenSpan(line.element, span),
        options: line.options.map((option) => toOption(option, span)),
        span,
        text,
      };
    default:
      return { kind: line.kind, sets: line.sets.map(unquote), span, text };
  }
}

/** Whether the text has lines of `ipset save` (or of its older letters) near its beginning. */
export function looksLikeIpsetSave(text: string): boolean {
  return /^(?:create|-N|--create)\s+\S+\s+(?:hash|bitmap|list):\S+|^(?:-N|create)\s+\S+\s+(?:ip|net|port|macip|ipport\w*|ipmac)(?:hash|map)\b/m.test(
    text.slice(0, 1 << 20),
  );
}
