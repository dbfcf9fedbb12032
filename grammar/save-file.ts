// SPDX-License-Identifier: Apache-2.0
// iptables-save and ip6tables-save text -> SaveFileNode. Line-oriented like iptables-restore itself: a bad
// line costs that line, one diagnostic says so, and everything else is read. See README.md for the EBNF.
import type { Counters, SaveFileNode } from '../src/ast/nodes.js';
import type { Diagnostic, Severity } from '../src/diagnostics/diagnostic.js';
import type { Family } from '../src/net/family.js';
import type { SourceFile, Span } from '../src/source/span.js';
import { applyCommand } from './apply.js';
import { chainLine, readCounters } from './chain-line.js';
import { detectFamily, headerFamily } from './family.js';
import * as messages from './messages.js';
import { JoinedPlace, Place } from './nodes.js';
import { SyntaxProblem, type ProblemText } from './problem.js';
import { ShapeCache } from './shapes.js';
import { TableBuilder } from './table-builder.js';
import type { RuleTemplate } from './template.js';
import { MAX_WORD_LENGTH, MAX_WORDS, Words } from './words.js';

export interface ParseOptions {
  /** Overrides what the header or the content says. */
  readonly family?: Family;
  /** False parses every rule with the grammar; for the test that holds both ways against each other. */
  readonly shapes?: boolean;
}

export interface ParseResult {
  readonly file: SaveFileNode;
  /** In line order. */
  readonly diagnostics: readonly Diagnostic[];
}

/** iptables-restore reads into a buffer of 10,240 bytes with the newline and a NUL. */
const MAX_LINE = 10_238;
/** How much of a line a diagnostic keeps. */
const MAX_SHOWN_LINE = 1_000;
/** Lines that an open quote may run over. */
const MAX_JOINED_LINES = 20;

export function parseSaveFile(source: SourceFile, options: ParseOptions = {}): ParseResult {
  return new SaveFileParser(source, options).run();
}

class SaveFileParser {
  private readonly text: string;
  private readonly family: Family;
  private readonly diagnostics: Diagnostic[] = [];
  private readonly tables: TableBuilder[] = [];
  private readonly words = new Words();
  private readonly shapes: ShapeCache;
  private backend: SaveFileNode['backend'];
  private table: TableBuilder | undefined;
  private line = 0;
  private lineStart = 0;
  /** Offset behind the line's last character, without its CR. */
  private lineEnd = 0;
  private nextLine = 0;
  /** First line of a run of text outside tables. */
  private stray: { readonly span: Span; readonly text: string; lines: number } | undefined;
  private carriageReturns: { readonly span: Span; lines: number } | undefined;

  constructor(
    private readonly source: SourceFile,
    private readonly options: ParseOptions,
  ) {
    this.text = source.text;
    this.family = options.family ?? detectFamily(source.text);
    this.shapes = new ShapeCache(this.family, options.shapes ?? true);
  }

  run(): ParseResult {
    while (this.advance()) this.readLine();
    this.endStray();
    if (this.table !== undefined) this.leaveTable();
    this.reportCarriageReturns();
    return {
      file: {
        kind: 'iptables-save',
        file: this.source.name,
        family: this.family,
        ...(this.backend && { backend: this.backend }),
        tables: this.tables.map((table) => table.finish()),
      },
      diagnostics: this.diagnostics,
    };
  }

  /** Steps to the next line; false at the end of the text. */
  private advance(): boolean {
    if (this.nextLine >= this.text.length) return false;
    this.line++;
    this.lineStart = this.nextLine;
    const newline = this.text.indexOf('\n', this.lineStart);
    this.lineEnd = newline < 0 ? this.text.length : newline;
    this.nextLine = this.lineEnd + 1;
    if (this.lineEnd > this.lineStart && this.text.charCodeAt(this.lineEnd - 1) === 13) {
      this.lineEnd--;
      this.carriageReturns ??= { span: this.lineSpan(), lines: 0 };
      this.carriageReturns.lines++;
    }
    return true;
  }

  private readLine(): void {
    const first = this.text[this.lineStart];
    if (this.lineEnd === this.lineStart) return;
    if (first === '#') return this.comment();
    if (this.lineEnd - this.lineStart > MAX_LINE) {
      return this.report('error', messages.lineTooLong(this.lineEnd - this.lineStart, MAX_LINE));
    }
    if (this.table !== undefined && (first === '-' || first === '[')) return this.ruleLine();
    const line = this.lineText();
    const trimmed = line.trim();
    if (trimmed === '') return;
    if (trimmed.startsWith('*') && /^\*\S*$/.test(trimmed)) return this.tableLine(line, trimmed);
    if (this.table === undefined) return this.outsideTable(line, trimmed);
    if (trimmed === 'COMMIT') return this.commit(line, trimmed);
    if (trimmed.startsWith(':')) return this.chain(line, trimmed);
    if (trimmed.startsWith('#')) {
      return this.report('warning', messages.blanksAroundKeyword('#'));
    }
    this.ruleLine();
  }

  private comment(): void {
    const line = this.text.slice(this.lineStart, Math.min(this.lineEnd, this.lineStart + 200));
    const family = headerFamily(line);
    if (family !== undefined) {
      if (family !== this.family && this.options.family === undefined)
        this.report('warning', messages.otherFamily(line));
      if (line.includes('(nf_tables)') || line.includes('-nft-save')) this.backend = 'nf_tables';
      else if (line.includes('(legacy)') || line.includes('-legacy-save')) this.backend = 'legacy';
      return;
    }
    if (/^# Warning: .*tables present/.test(line)) this.report('warning', messages.otherBackend(line));
  }

  private tableLine(line: string, trimmed: string): void {
    if (this.table !== undefined) this.leaveTable();
    this.endStray();
    const name = trimmed.slice(1);
    if (name === '') return this.report('error', messages.badTableLine());
    if (line.trimStart() !== line) this.report('warning', messages.blanksAroundKeyword(trimmed));
    this.table = new TableBuilder(name, this.lineSpan());
    this.tables.push(this.table);
  }

  private commit(line: string, trimmed: string): void {
    if (line !== trimmed) this.report('warning', messages.blanksAroundKeyword('COMMIT'));
    this.table!.committed = true;
    this.table = undefined;
  }

  /** The table at hand ends before its COMMIT. */
  private leaveTable(): void {
    this.report('warning', messages.notCommitted(this.table!.name));
    this.table = undefined;
  }

  private chain(line: string, trimmed: string): void {
    const result = chainLine(trimmed, this.lineSpan());
    if ('code' in result) return this.report('error', result);
    if (line.trimStart() !== line) this.report('warning', messages.blanksAroundKeyword(`:${result.name}`));
    const problem = this.table!.declare(result);
    if (problem !== undefined) this.report('error', problem);
  }

  private outsideTable(line: string, trimmed: string): void {
    if (/^(?:\[[0-9]+:[0-9]+\]\s*)?-[AI]\s/.test(trimmed)) {
      return this.report('error', messages.ruleOutsideTable());
    }
    this.stray ??= { span: this.lineSpan(), text: this.shownLine(line), lines: 0 };
    this.stray.lines++;
  }

  private endStray(): void {
    if (this.stray === undefined) return;
    const { span, text, lines } = this.stray;
    this.stray = undefined;
    this.push('warning', messages.outsideTable(lines), span, text);
  }

  private reportCarriageReturns(): void {
    if (this.carriageReturns === undefined) return;
    const { span, lines } = this.carriageReturns;
    this.push('warning', messages.carriageReturns(lines), span);
  }

  private ruleLine(): void {
    if (this.holdsNul()) return this.report('error', messages.nulByte());
    const counters = readCounters(this.text, this.lineStart, this.lineEnd);
    if (counters === 'malformed') return this.report('error', messages.badCounters());
    const from = counters?.end ?? this.lineStart;
    let trouble = this.words.split(this.text, from, this.lineEnd);
    let place = new Place(this.source.name, this.line, this.lineStart, this.words);
    const span = this.lineSpan();
    const lineText = this.lineText();
    if (trouble === undefined && this.words.unterminated) {
      const joined = this.joinLines(from);
      trouble = this.words.split(this.text, from, joined.end);
      place = new JoinedPlace(this.source.name, place.line, place.lineStart, this.words);
      this.push('warning', messages.openQuote(joined.lines), span, this.shownLine(lineText));
    }
    if (trouble !== undefined) {
      const text =
        trouble === 'too-many-words'
          ? messages.tooManyWords(MAX_WORDS)
          : messages.wordTooLong(MAX_WORD_LENGTH);
      return this.push('error', text, span, this.shownLine(lineText));
    }
    if (this.words.count === 0) return;
    try {
      const template = this.shapes.template(this.words, counters !== undefined);
      this.apply(template, place, lineText, span, counters?.counters);
    } catch (error) {
      if (!(error instanceof SyntaxProblem)) throw error;
      this.push('error', error.text, place.rangeSpan(error.at), this.shownLine(lineText));
    }
  }
  private apply(
    template: RuleTemplate,
    place: Place,
    text: string,
    span: Span,
    counters: Counters | undefined,
  ): void {
    for (const { option, argument, at } of template.innerNegations) {
      this.push(
        'warning',
        messages.innerNegation(option, place.text(argument)),
        place.rangeSpan(at),
        this.shownLine(text),
      );
    }
    const problem = applyCommand(this.table!, template, place, text, span, counters);
    if (problem !== undefined)
      this.push('error', problem, place.rangeSpan(template.command.at), this.shownLine(text));
  }

  /**
   * The current line's last quote is open. iptables lets it run to the line end, newline included; where one of
   * the next lines closes it, the dump is one that iptables-save wrote with a newline in a text, and the lines
   * belong together.
   */
  private joinLines(from: number): { readonly end: number; readonly lines: number } {
    const alone = Math.min(this.lineEnd + 1, this.text.length);
    let end = this.nextLine - 1;
    for (let lines = 1; lines <= MAX_JOINED_LINES; lines++) {
      const start = end + 1;
      if (start >= this.text.length || START_OF_STATEMENT.test(this.text.slice(start, start + 8))) break;
      const newline = this.text.indexOf('\n', start);
      end = newline < 0 ? this.text.length : newline;
      if (end - this.lineStart > MAX_LINE) break;
      if (!this.text.slice(start, end).includes('"')) continue;
      if (this.words.split(this.text, from, end) !== undefined || this.words.unterminated) continue;
      this.line += lines;
      this.nextLine = end + 1;
      return { end, lines };
    }
    return { end: alone, lines: 0 };
  }

  private holdsNul(): boolean {
    for (let i = this.lineStart; i < this.lineEnd; i++) if (this.text.charCodeAt(i) === 0) return true;
    return false;
  }

  private lineText(): string {
    return this.text.slice(this.lineStart, this.lineEnd);
  }

  private lineSpan(): Span {
    return {
      file: this.source.name,
      line: this.line,
      column: 1,
      endColumn: this.lineEnd - this.lineStart + 1,
    };
  }

  private shownLine(line: string): string {
    return line.length > MAX_SHOWN_LINE ? line.slice(0, MAX_SHOWN_LINE) : line;
  }

  /** About the current line as a whole. */
  private report(severity: Severity, text: ProblemText): void {
    const end = Math.min(this.lineEnd, this.lineStart + MAX_SHOWN_LINE);
    this.push(severity, text, this.lineSpan(), this.text.slice(this.lineStart, end));
  }

  private push(severity: Severity, text: ProblemText, span: Span, lineText?: string): void {
    if (severity === 'error')
      this.table?.unread.push({ span, text: lineText ?? '', code: text.code, message: text.message });
    this.diagnostics.push({
      code: text.code,
      severity,
      message: text.message,
      span,
      ...(lineText !== undefined && { lineText }),
      ...(text.help !== undefined && { help: text.help }),
    });
  }
}

/** A line that begins like this is no continuation of a quoted text. */
const START_OF_STATEMENT = /^(?:-[A-Z] |\*|:|\[[0-9]|COMMIT|# )/;
