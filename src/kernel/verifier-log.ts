// SPDX-License-Identifier: Apache-2.0
// The kernel refused a program: its log, cut down to what helps. The verifier writes every state it
// walked; the reason is the last line that is neither statistics nor a register dump, and the C line of
// the instruction above it is printed as a `; text @ file:line` comment.
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { errnoName } from './errno.js';

/** Lines of statistics that follow the reason. */
const STATISTICS = /^(processed \d+ insns|verification time|stack depth|peak_states|insns processed)/;
const INSTRUCTION = /^(\d+): (\([0-9a-f]{2}\)|R\d+)/;

/** A program that the kernel's verifier did not accept. */
export class VerifierError extends EnvironmentError {
  constructor(
    readonly program: string,
    readonly errno: number,
    /** Everything the verifier wrote. */
    readonly log: string,
    /** True: the message holds the whole log. */
    verbose: boolean,
  ) {
    super(describe(program, errno, log, verbose), verbose ? [] : ['--verbose prints the whole verifier log']);
    this.name = 'VerifierError';
  }

  /** The verifier's own last word, without decoration. */
  get reason(): string {
    return usefulLines(this.log).at(-1) ?? '';
  }
}

function describe(program: string, errno: number, log: string, verbose: boolean): string {
  const head = `the kernel's verifier refused program \`${program}\` (${errnoName(errno)})`;
  const lines = usefulLines(log);
  if (verbose) return [head, ...lines.map((line) => `  ${line}`)].join('\n');
  if (lines.length === 0) return `${head} and said nothing`;
  const shown = selectLines(lines);
  const omitted = lines.length - shown.length;
  return [
    head,
    ...shown.map((line) => `  ${line}`),
    ...(omitted > 0 ? [`  (${String(omitted)} lines omitted)`] : []),
  ].join('\n');
}

function usefulLines(log: string): string[] {
  return log
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !STATISTICS.test(line));
}

/** The last C line, the last instruction and everything behind it: at most six lines. */
function selectLines(lines: readonly string[]): string[] {
  const lastSource = findLastIndex(lines, (line) => line.startsWith(';'));
  const lastInstruction = findLastIndex(lines, (line) => INSTRUCTION.test(line));
  const tail = lines.slice(Math.max(lastInstruction, 0)).slice(-4);
  const source = lastSource >= 0 && lastSource < lines.length - tail.length ? [lines[lastSource]!] : [];
  return [...source, ...tail];
}

function findLastIndex(lines: readonly string[], test: (line: string) => boolean): number {
  for (let i = lines.length - 1; i >= 0; i--) {
    if (test(lines[i]!)) return i;
  }
  return -1;
}
